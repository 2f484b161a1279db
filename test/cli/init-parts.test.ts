import { parse } from 'dotenv';
import { expect, test } from 'vitest';
import { parse as parseYaml } from 'yaml';
import { envText } from '../../src/cli/init/env-file.js';
import { proposeId, type TableProfile } from '../../src/cli/init/propose.js';
import { settingsText } from '../../src/cli/init/settings-text.js';
import { pipelineSchema } from '../../src/config/pipeline-schema.js';
import { proposeLimits } from '../../src/suggest/limits.js';

test.each<[readonly [number, number], readonly [number, number]]>([
  [
    [200, 220],
    [190, 230],
  ],
  [
    [0, 100],
    [0, 200],
  ],
  [
    [-5, 5],
    [-10, 10],
  ],
  [
    [0.12, 0.31],
    [0, 0.5],
  ],
  [
    [20, 20],
    [10, 30],
  ],
  [
    [0, 0],
    [0, 1],
  ],
  [
    [1e6, 2e6],
    [0, 3e6],
  ],
])('limits for %j contain it and are round', (observed, limits) => {
  const [low, high] = proposeLimits(observed);
  expect(low).toBeLessThanOrEqual(observed[0]);
  expect(high).toBeGreaterThanOrEqual(observed[1]);
  expect(low).toBeLessThan(high);
  expect([low, high]).toEqual(limits);
});

function profile(texts: TableProfile['texts']): TableProfile {
  return { table: 't', rows: 1000, last: null, time: 'time', numbers: [], texts };
}

test('telling names come first as ids, the machine last', () => {
  const texts = [
    { name: 'machineID', kind: 'tag' as const, distinct: 3 },
    { name: 'firmware', kind: 'tag' as const, distinct: 2 },
    { name: 'provider', kind: 'tag' as const, distinct: 2 },
  ];
  expect(proposeId(profile(texts))).toEqual(['provider', 'machineID']);
});

test('without a telling name all tags are proposed, but no string with many values', () => {
  const texts = [
    { name: 'b', kind: 'tag' as const, distinct: 500 },
    { name: 'a', kind: 'string' as const, distinct: 5 },
    { name: 'barcode', kind: 'string' as const, distinct: 900 },
  ];
  expect(proposeId(profile(texts))).toEqual(['a', 'b']);
  expect(proposeId(profile([]))).toEqual([]);
});

test('any value that .env can hold is read back', () => {
  for (const value of ['', 'plain', 'a b', 'x#y', `it's`, 'say "hi"', '$HOME', 'a=b', 'back\\slash', '  ends  ']) {
    expect(parse(envText('A=1\n', { B: value }, false)), JSON.stringify(value)).toEqual({ A: '1', B: value });
  }
});

test('a value that .env cannot hold is refused without showing it', () => {
  for (const value of ['two\nlines', `'both\``]) {
    expect(() => envText('', { SECRET: value }, false)).toThrow(/^SECRET has /);
  }
});

test('a variable that is set twice is left to the person', () => {
  expect(() => envText('A=1\nA=2\n', { A: '3' }, true)).toThrow('.env cannot take A: it sets it more than once');
});

test('the threshold is left to the detector, so that another one brings its own', () => {
  const value = { name: 'x', observed: null, limits: [0, 1] as const };
  const text = settingsText({ table: 't', time: 'time', id: ['m'], values: [value] }, null);
  const { machines } = parseYaml(text).pipelines;
  expect(machines).toMatchObject({ detector: { kind: 'half_space_trees' } });
  expect(machines).not.toHaveProperty('verdict');
  expect(pipelineSchema.parse(machines).verdict.threshold).toBe(0.8);
});

test('another detector stands without limits, which it does not take', () => {
  const value = { name: 'x', observed: null, limits: [0, 1] as const };
  const detector = { kind: 'robust_zscore', limit: 5 };
  const text = settingsText({ table: 't', time: 'time', id: ['m'], values: [value], detector }, null);
  const { machines } = parseYaml(text).pipelines;
  expect(machines).toMatchObject({ detector });
  expect(machines).not.toHaveProperty('normalise');
  expect(pipelineSchema.parse(machines).verdict.threshold).toBe(0.5);
});
