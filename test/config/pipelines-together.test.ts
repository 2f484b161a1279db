import { expect, test } from 'vitest';
import { loadSettings } from '../../src/config/load.js';
import { folderWith } from './folder.js';

interface Pipe {
  readonly reads: string;
  readonly writes?: string;
  readonly aggregates?: string;
  readonly language?: 'influxql';
  readonly id?: string;
  readonly values?: string;
  readonly waitsFor?: string;
  readonly mode?: string;
}

/** What is wrong with these pipelines, one line each; empty when nothing is. */
function problems(pipelines: Readonly<Record<string, Pipe>>): string[] {
  const yaml = Object.entries(pipelines).map(
    ([name, { reads, writes, aggregates, language, id = 'm', values = 'x', waitsFor, mode }]) =>
      `  ${name}:\n    source: { ${reads.includes(' ') ? 'query' : 'table'}: '${reads}', ${language === undefined ? '' : `language: ${language}, `}id: [${id}], values: [${values}] }\n` +
      `    normalise: running\n${mode === undefined ? '' : `    mode: ${mode}\n`}${writes === undefined ? '' : `    output: { table: ${writes} }\n`}` +
      `${waitsFor === undefined ? '' : `    wait_for: { pipeline: ${waitsFor} }\n`}` +
      (aggregates === undefined ? '' : `    aggregate: { every: 1m, table: ${aggregates} }\n`),
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
  'SELECT * FROM public.iox.scores',
  'SELECT * FROM "public" . "iox"."scores" AS s',
  'SELECT * FROM t, scores',
  'SELECT t.m, x FROM t AS a, iox.t b, Scores WHERE x > 1',
  'SELECT * FROM (SELECT m, x FROM t) a, scores',
  'SELECT * FROM t JOIN u ON abs(t.x, u.x) = 1, scores',
  'SELECT * FROM (t CROSS JOIN scores)',
  'SELECT * FROM unnest([1, 2]) u, LATERAL (SELECT * FROM scores)',
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
  'SELECT * FROM scores.iox.t',
  'SELECT * FROM t WHERE x IS DISTINCT FROM scores',
  'SELECT * FROM t WHERE time >= $from AND x > 1 ORDER BY m, scores',
  'SELECT * FROM f(m, scores) WHERE x IN (m, scores)',
  'SELECT * FROM t JOIN u USING (m, scores)',
  'SELECT m, scores FROM (SELECT m, scores FROM t) AS s',
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

test('pipelines may wait for one another in a row, several for the same one', () => {
  const reads = 't';
  const pipelines = {
    a: { reads },
    b: { reads, waitsFor: 'a' },
    c: { reads, waitsFor: 'b' },
    d: { reads, waitsFor: 'a' },
  };
  expect(problems(pipelines)).toEqual([]);
});

test('a wait that no run would ever end is refused in one line, with its place', () => {
  const reads = 't';
  const waits = (waitsFor: string) =>
    problems({ first: { reads }, old: { reads, mode: 'replay' }, b: { reads, waitsFor } });
  expect(waits('frist')).toEqual([
    expect.stringMatching(
      /:\d+:\d+ pipelines\.b\.wait_for\.pipeline: unknown pipeline `frist`; did you mean `first`\?$/,
    ),
  ]);
  expect(waits('nothing')).toEqual([expect.stringMatching(/unknown pipeline `nothing`; known: first, old, b$/)]);
  expect(waits('b')).toEqual([expect.stringMatching(/a pipeline cannot wait for itself/)]);
  expect(waits('old')).toEqual([expect.stringMatching(/`old` is a replay, which never gets past a time/)]);
});

test('pipelines that wait for each other are refused, and the one that waits for them is not blamed', () => {
  const reads = 't';
  const pipelines = { a: { reads, waitsFor: 'b' }, b: { reads, waitsFor: 'c' }, c: { reads, waitsFor: 'b' } };
  expect(problems(pipelines)).toEqual([
    expect.stringMatching(
      /pipelines\.b\.wait_for\.pipeline: pipelines wait for each other: b → c → b; leave one of them out/,
    ),
    expect.stringMatching(/pipelines\.c\.wait_for\.pipeline: pipelines wait for each other: c → b → c/),
  ]);
});

test('aggregates that come back as rows are refused as scores are', () => {
  expect(problems({ a: { reads: 'SELECT * FROM made', aggregates: 'made' } })).toEqual([
    expect.stringMatching(/pipelines\.a\.aggregate\.table: what is written comes back as rows: a → made → a/),
  ]);
  expect(
    problems({
      a: { reads: 't', aggregates: 'made' },
      b: { reads: 'made', writes: 's' },
      c: { reads: 's', writes: 't' },
    }),
  ).toEqual([expect.stringContaining('a → made → b → s → c → t → a; give one of them another aggregate table')]);
  expect(problems({ a: { reads: 't', aggregates: 'made' }, b: { reads: 'made', aggregates: 'more' } })).toEqual([]);
});

test('aggregates in a table where another pipeline writes scores, or has an id of the same name, are refused', () => {
  const a = { reads: 't', aggregates: 'made' };
  expect(problems({ a, b: { reads: 't', writes: 'made' } })).toEqual([
    expect.stringContaining('pipelines.a.aggregate.table: `made` is where `b` writes its scores'),
  ]);
  expect(problems({ a, b: { reads: 't', aggregates: 'made', id: 'x_max', values: 'y' } })).toEqual([
    expect.stringContaining('pipelines.a.source.values.0: `x_max` is a value here and an id of `b`'),
  ]);
  expect(problems({ a, b: { reads: 't', aggregates: 'made', id: 'm', values: 'y' } })).toEqual([]);
});

test('InfluxQL keeps the case of names and has backslashes in its texts', () => {
  const of = (reads: string) => problems({ a: { reads, language: 'influxql', writes: 'Scores' } });
  expect(of('SELECT * FROM Scores')).toEqual([expect.stringContaining('a → Scores → a')]);
  expect(of('SELECT * FROM scores')).toEqual([]);
  for (const query of ['SELECT * FROM "db"."rp"."Scores"', 'SELECT * FROM db..Scores', 'SELECT x, m FROM t, Scores'])
    expect(of(query), query).toEqual([expect.stringContaining('a → Scores → a')]);
  expect(of(String.raw`SELECT * FROM t WHERE note = ''it\''s FROM Scores''`)).toEqual([]);
});
