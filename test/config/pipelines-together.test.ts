import { expect, test } from 'vitest';
import { loadSettings } from '../../src/config/load.js';
import { folderWith } from './folder.js';

interface Pipe {
  readonly reads: string;
  readonly writes?: string;
  readonly id?: string;
  readonly values?: string;
}

/** What is wrong with these pipelines, one line each; empty when nothing is. */
function problems(pipelines: Readonly<Record<string, Pipe>>): string[] {
  const yaml = Object.entries(pipelines).map(
    ([name, { reads, writes, id = 'm', values = 'x' }]) =>
      `  ${name}:\n    source: { ${reads.includes(' ') ? 'query' : 'table'}: '${reads}', id: [${id}], values: [${values}] }\n` +
      `    normalise: running\n${writes === undefined ? '' : `    output: { table: ${writes} }\n`}`,
  );
  const cwd = folderWith({ 'halfspace.yaml': `pipelines:\n${yaml.join('')}` });
  try {
    loadSettings({ cwd, env: {}, sections: ['pipelines'] });
    return [];
  } catch (error) {
    return error instanceof Error ? error.message.split('\n') : [String(error)];
  }
}

test('pipelines may share a table they read, a table they write, and read what another writes', () => {
  expect(
    problems({
      a: { reads: 't', writes: 's' },
      b: { reads: 't', writes: 's' },
      c: { reads: 'SELECT x, m FROM s', writes: 'u' },
      d: { reads: 'u' },
    }),
  ).toEqual([]);
});

test('scores that come back as rows by way of another pipeline are refused in one line', () => {
  expect(
    problems({ a: { reads: 't', writes: 's' }, b: { reads: 's', writes: 'u' }, c: { reads: 'u', writes: 't' } }),
  ).toEqual([
    expect.stringMatching(
      /:5:\d+ pipelines\.a\.output\.table: scores come back as rows: a → s → b → u → c → t → a; give one of them another output table$/,
    ),
  ]);
});

test.each([
  'SELECT * FROM scores',
  'select m, x from "scores" where time >= $from',
  'SELECT * FROM iox.scores',
  'SELECT * FROM t JOIN Scores ON t.m = scores.m',
  'SELECT * FROM (SELECT * FROM scores)',
])('a query that reads its own scores is refused: %s', (reads) => {
  expect(problems({ a: { reads, writes: 'scores' } })).toEqual([
    expect.stringContaining('scores come back as rows: a → scores → a'),
  ]);
});

test.each([
  'SELECT * FROM t -- not FROM scores',
  "SELECT * FROM t WHERE note <> ''from scores''",
  'SELECT * FROM "Scores"',
  'SELECT scores FROM t',
])('a query that only mentions the name is not: %s', (reads) => {
  expect(problems({ a: { reads, writes: 'scores' } })).toEqual([]);
});

test('a column that would be a tag for one and a field for the other in the same table is refused', () => {
  const a = { reads: 't', writes: 's', id: 'place', values: 'power' };
  const b = { reads: 't', writes: 's', id: 'power', values: 'load' };
  expect(problems({ a, b })).toEqual([
    expect.stringMatching(
      /pipelines\.a\.source\.values\.0: `power` is a value here and an id of `b`, and both write to `s`/,
    ),
  ]);
  expect(problems({ a, b: { ...b, writes: 'other' } })).toEqual([]);
});
