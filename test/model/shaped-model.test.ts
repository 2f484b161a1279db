import { describe, expect, it } from 'vitest';
import { pipelineSchema } from '../../src/config/pipeline-schema.js';
import type { PipelineSettings } from '../../src/contract/pipeline.js';
import type { Slice } from '../../src/contract/slice.js';
import { learnInSteps } from '../../src/model/learn.js';
import { createModel, type ScoredSlice, scoreSlice } from '../../src/model/model.js';
import { decodeSnapshot, encodeSnapshot } from '../../src/model/snapshot.js';
import { randomFrom, testSeed } from '../random.js';

const OWNER = { uniqueId: 'm', ids: ['M'], settingsHash: 'abcdef012345' };
const SECOND = 1_000_000_000n;

function settingsOf(change: object = {}): PipelineSettings {
  return pipelineSchema.parse({
    source: { table: 't', id: ['m'], values: ['a', 'b'] },
    detector: { kind: 'half_space_trees', n_trees: 5, height: 4, window_size: 20 },
    normalise: 'running',
    verdict: { threshold: 0.7, clear_after: '3s' },
    ...change,
  });
}

/** Irregular times with gaps, values with holes. */
function randomSlice(random: () => number, rows: number): Slice {
  let time = 0n;
  const times = BigInt64Array.from({ length: rows }, () => {
    time += BigInt(1 + Math.floor(random() * (random() < 0.05 ? 2e10 : 8e8)));
    return time;
  });
  const values = Float64Array.from({ length: rows * 2 }, () => (random() < 0.1 ? Number.NaN : random() * 100));
  return { uniqueId: 'm', ids: ['m'], rows, times, values };
}

function sliceOf(rows: readonly (readonly [second: number, a: number, b: number])[]): Slice {
  return {
    uniqueId: 'm',
    ids: ['m'],
    rows: rows.length,
    times: BigInt64Array.from(rows, ([second]) => BigInt(second) * SECOND),
    values: Float64Array.from(rows.flatMap(([, a, b]) => [a, b])),
  };
}

function part(slice: Slice, from: number, to: number): Slice {
  return {
    ...slice,
    rows: to - from,
    times: slice.times.slice(from, to),
    values: slice.values.slice(from * 2, to * 2),
  };
}

const FEATURES = [
  'a',
  { difference: 'a' },
  { rolling_mean: 'b', rows: 4 },
  { rolling_deviation: 'b', rows: 9 },
  { lag: 'b', rows: 2 },
  { hour: 'Europe/Berlin' },
];
const SHAPES: [string, object][] = [
  ['features', { features: FEATURES }],
  ['a grid with filled gaps', { resample: { every: '1s', fill: 'linear', limit: '8s' } }],
  [
    'both, and robust limits',
    { resample: { every: '2s', how: 'last', fill: 'previous' }, features: FEATURES, normalise: 'robust' },
  ],
  ['a model a column', { features: FEATURES, model: 'per_column' }],
  [
    'learning that pauses',
    {
      resample: { every: '1s', fill: 'previous' },
      features: FEATURES,
      normalise: 'robust',
      verdict: { threshold: 0.6, clear_after: '3s', pause_learning: true, flat_guard: 0 },
    },
  ],
];

describe.each(SHAPES)('a model with %s', (_, change) => {
  const settings = settingsOf(change);

  it('gives the same in two windows, through a snapshot, as in one', () => {
    const seed = testSeed();
    const random = randomFrom(seed);
    for (let round = 0; round < 30; round++) {
      const slice = randomSlice(random, 150);
      const once = createModel(settings);
      const whole = scoreSlice(once, slice, settings);
      const cut = Math.floor(random() * 151);
      const twice = createModel(settings);
      const first = scoreSlice(twice, part(slice, 0, cut), settings);
      const resumed = decodeSnapshot(encodeSnapshot(twice, OWNER), settings, OWNER);
      const second = scoreSlice(resumed, part(slice, cut, 150), settings);

      const context = `seed ${seed}, round ${round}, cut ${cut}`;
      const joined = <T>(pick: (scored: ScoredSlice) => Iterable<T>) => [...pick(first), ...pick(second)];
      expect(
        joined(({ scores }) => scores),
        context,
      ).toEqual([...whole.scores]);
      expect(
        joined(({ slice }) => slice.times),
        context,
      ).toEqual([...whole.slice.times]);
      expect(
        joined(({ filled }) => filled ?? []),
        context,
      ).toEqual([...(whole.filled ?? [])]);
      expect([...first.closed, ...second.closed], context).toEqual(whole.closed);
      expect(encodeSnapshot(resumed, OWNER), context).toEqual(encodeSnapshot(once, OWNER));
    }
  });

  it('is the same when a checkpoint is taken on the way', () => {
    const slice = randomSlice(randomFrom(11), 150);
    const straight = createModel(settings);
    const whole = scoreSlice(straight, slice, settings);
    const model = createModel(settings);
    const checkpointAt = (slice.times[70] ?? 0n) + 1n;
    const steps = learnInSteps(model, { slice, covered: 0n }, settings, {
      since: null,
      clock: null,
      checkpointAt,
      owner: OWNER,
    });
    let step = steps.next();
    while (!step.done) step = steps.next();
    expect(step.value.checkpoint).not.toBeNull();
    expect(step.value.scored).toEqual(whole);
    expect(encodeSnapshot(model, OWNER)).toEqual(encodeSnapshot(straight, OWNER));
  });
});

describe('rows that fill a gap', () => {
  const settings = settingsOf({ resample: { every: '1s', fill: 'previous' }, features: ['a', { lag: 'a', rows: 1 }] });

  it('are marked, neither scored nor learned, and come with the bucket that ends the gap', () => {
    const model = createModel(settings);
    const scored = scoreSlice(
      model,
      sliceOf([
        [0, 1, 1],
        [1, 2, 2],
        [5, 3, 3],
        [6, 4, 4],
      ]),
      settings,
    );
    expect([...scored.slice.times].map((time) => Number(time / SECOND))).toEqual([0, 1, 2, 3, 4, 5]);
    expect([...(scored.filled ?? [])]).toEqual([0, 0, 1, 1, 1, 0]);
    expect([...scored.scores].map(Number.isNaN)).toEqual([false, false, true, true, true, false]);
    expect(scored.unscored).toBe(0);
    // The trees begin with the first row that has its lag.
    expect(model.detector.rows).toBe(2);
    expect(model.watermark).toBe(6n * SECOND + 1n);
    expect(model.rows).toBe(4);
  });

  it('are what later rows look back at', () => {
    const lagged = { ...settings, normalise: 'none' as const };
    const scored = scoreSlice(
      createModel(lagged),
      sliceOf([
        [0, 7, 0],
        [3, 9, 0],
        [4, 1, 1],
      ]),
      lagged,
    );
    expect([...scored.normalised.subarray(6, 8)]).toEqual([9, 7]);
  });

  it('teach a running normaliser nothing', () => {
    const linear = settingsOf({ resample: { every: '1s', fill: 'linear' }, features: [{ lag: 'a', rows: 1 }] });
    const model = createModel(linear);
    // Row 2 looks back at the 5 between 0 and 10; the 5 itself is in no row that counts.
    const scored = scoreSlice(
      model,
      sliceOf([
        [0, 0, 0],
        [2, 10, 0],
        [3, 0, 0],
        [4, 0, 0],
      ]),
      linear,
    );
    expect([...scored.normalised]).toEqual([Number.NaN, Number.NaN, 0, 1]);
  });
});

describe('a row', () => {
  it('is not scored while every feature of a value column is missing, whatever the calendar says', () => {
    const settings = settingsOf({ features: [{ difference: 'a' }, { hour: 'UTC' }] });
    const scored = scoreSlice(
      createModel(settings),
      sliceOf([
        [0, 1, 1],
        [1, Number.NaN, 1],
        [2, 5, 1],
      ]),
      settings,
    );
    expect([...scored.scores].map(Number.isNaN)).toEqual([true, true, false]);
    expect(scored.unscored).toBe(2);
  });

  it('is explained by the value column that a feature is made of', () => {
    const settings: PipelineSettings = {
      ...settingsOf({ features: [{ difference: 'b' }, 'a', { hour: 'UTC' }] }),
      detector: { kind: 'drift_gate', warm_up: 100, hold: 0 },
      normalise: 'none',
    };
    const random = randomFrom(5);
    const quiet = Array.from({ length: 200 }, (_, i): [number, number, number] => [i, random(), random()]);
    const jumps = Array.from({ length: 30 }, (_, i): [number, number, number] => [200 + i, random(), 40 * (i % 2)]);
    const scored = scoreSlice(createModel(settings), sliceOf([...quiet, ...jumps]), settings);
    expect(Math.max(...scored.scores.subarray(200))).toBeGreaterThan(Math.max(...scored.scores.subarray(0, 200)));
    expect(scored.explained.feature.at(-1)).toBe(1);
    // The difference is expected to be near 0, the column itself near its median.
    expect(scored.explained.expected.at(-1)).toBeGreaterThan(0.2);
  });

  it('of a model a column is explained by the column that is worst', () => {
    const settings = settingsOf({ model: 'per_column', normalise: { a: [0, 100], b: [0, 100] } });
    const quiet = Array.from({ length: 100 }, (_, i): [number, number, number] => [i, 20 + (i % 5), 20 + (i % 7)]);
    const model = createModel(settings);
    const scored = scoreSlice(model, sliceOf([...quiet, [100, 20, 99], [101, 99, 20]]), settings);
    expect([...scored.explained.feature.slice(-2)]).toEqual([1, 0]);
    expect(Math.min(...scored.scores.subarray(-2))).toBeGreaterThan(0.7);
  });

  it('comes from the whole series in replay mode, its last bucket too', () => {
    const settings = settingsOf({ mode: 'replay', normalise: 'batch', resample: { every: '10s' } });
    const scored = scoreSlice(
      createModel(settings),
      sliceOf([
        [1, 0, 4],
        [2, 2, 8],
        [31, 5, 2],
      ]),
      settings,
    );
    expect([...scored.slice.times].map((time) => Number(time / SECOND))).toEqual([0, 30]);
    expect([...scored.slice.values]).toEqual([1, 6, 5, 2]);
    expect([...scored.normalised]).toEqual([0, 1, 1, 0]);
  });
});

describe('Half-Space Trees', () => {
  const alone = { kind: 'half_space_trees', n_trees: 5, height: 4, window_size: 20 };
  const vote = { kind: 'vote', of: [{ detector: alone }, { detector: { kind: 'persist' } }] };
  it.each([
    ['alone', { detector: alone }],
    ['a value column each', { detector: alone, model: 'per_column' }],
    ['that vote', { detector: vote, verdict: { threshold: 0.5 } }],
  ])('%s look at a difference, which the first row cannot have', (_, change) => {
    const limits = { a: [0, 100], a_difference: [-100, 100] };
    const both = settingsOf({ ...change, normalise: limits, features: ['a', { difference: 'a' }] });
    // Up in ones and once in 30: the value is an ordinary one, the step is not.
    const rows = Array.from({ length: 60 }, (_, i) => [i, i === 45 ? 30 : i % 20, 1] as const);
    const model = createModel(both);
    const { scores } = scoreSlice(model, sliceOf(rows), both);
    const plain = settingsOf({ ...change, normalise: { a: [0, 100] }, features: ['a'] });
    const without = scoreSlice(createModel(plain), sliceOf(rows), plain).scores;
    expect([...scores]).not.toEqual([...without]);
    expect(scores.some((score) => score > 0)).toBe(true);
  });
});
