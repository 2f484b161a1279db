import { describe, expect, it } from 'vitest';
import type { PipelineSettings } from '../../src/contract/pipeline.js';
import type { Slice } from '../../src/contract/slice.js';
import { createModel, type Model, type ScoredSlice, scoreSlice } from '../../src/model/model.js';
import { decodeSnapshot, encodeSnapshot } from '../../src/model/snapshot.js';
import { pipelineOf, sourceOf } from '../pipeline.js';
import { randomFrom, testSeed } from '../random.js';

const OWNER = { uniqueId: 'm', ids: ['M'], settingsHash: 'abcdef012345' };
const ROWS = 300;
const ROUNDS = 20;
const NOVELTY = { kind: 'novelty', pattern: false, eps: 0.01, hide_first: 0 } as const;
const QUANTILE = { kind: 'quantile', low: 0.02, high: 0.98, memory: 60 } as const;

type Change = Pick<PipelineSettings, 'detector'> & Partial<PipelineSettings>;

/** Rows a few seconds apart: noise, with holes, steps and single odd values. */
function drawSlice(random: () => number, columns: number): Slice {
  const times = new BigInt64Array(ROWS);
  const values = new Float64Array(ROWS * columns);
  let time = 1_764_000_000_000_000_000n;
  let step = 0;
  for (let row = 0; row < ROWS; row++) {
    time += BigInt(1 + Math.floor(random() * 3e9));
    times[row] = time;
    if (random() < 0.04) step = random() < 0.5 ? 0 : 100 * random();
    for (let at = row * columns; at < (row + 1) * columns; at++) {
      values[at] = 50 + 10 * random() + step;
      if (random() < 0.03) values[at] = 300 * random() - 150;
      if (random() < 0.1) values[at] = Number.NaN;
    }
  }
  return { uniqueId: 'm', ids: ['m'], rows: ROWS, times, values };
}

function part(slice: Slice, from: number, to: number): Slice {
  const columns = slice.values.length / slice.rows;
  const values = slice.values.slice(from * columns, to * columns);
  return { ...slice, rows: to - from, times: slice.times.slice(from, to), values };
}

/** All that is said of rows, windows put together. */
function said(windows: readonly ScoredSlice[]) {
  const all = (numbersOf: (window: ScoredSlice) => Iterable<number>) =>
    windows.flatMap((window) => [...numbersOf(window)]);
  return {
    scores: all(({ scores }) => scores),
    causes: all(({ causes }) => causes),
    views: all(({ explained }) => explained.view),
    expected: all(({ explained }) => explained.expected),
    closed: windows.flatMap(({ closed }) => closed),
    open: windows.at(-1)?.open,
  };
}

describe('learning that pauses', () => {
  it.each<[string, Change]>([
    ['novelty', { detector: NOVELTY }],
    ['novelty that looks at shapes', { detector: { ...NOVELTY, pattern: true }, order: 'learn_then_score' }],
    [
      'novelty a column',
      { source: sourceOf({ values: ['x', 'y'] }), detector: { ...NOVELTY, hide_first: 20 }, model: 'per_column' },
    ],
    [
      'novelty in a vote',
      {
        detector: {
          kind: 'vote',
          of: [
            { detector: NOVELTY, above: 0.5 },
            { detector: QUANTILE, above: 0.5 },
          ],
          need: 'any',
        },
      },
    ],
    [
      'drift_gate',
      { source: sourceOf({ values: ['x', 'y'] }), detector: { kind: 'drift_gate', warm_up: 40, hold: 9 } },
    ],
  ])('gives the same of %s wherever windows are cut, through a snapshot at each cut', (_, change) => {
    const seed = testSeed();
    const random = randomFrom(seed);
    let pausedCuts = 0;
    for (let round = 0; round < ROUNDS; round++) {
      const clear_after = [0, 3000, 20_000][round % 3] ?? 0;
      const verdict = { threshold: 0.1, clear_after, pause_learning: true };
      const settings = pipelineOf({ normalise: 'none', verdict, ...change });
      const slice = drawSlice(random, settings.source.values.length);
      const whole = createModel(settings);
      const expected = said([scoreSlice(whole, slice, settings)]);

      const cuts = Array.from({ length: 1 + Math.floor(random() * 12) }, () => 1 + Math.floor(random() * (ROWS - 1)));
      // One inside an event, if there is any.
      for (const { last } of expected.closed.slice(0, 1)) cuts.push(slice.times.indexOf(last) + 1);
      let model: Model = createModel(settings);
      const windows: ScoredSlice[] = [];
      let from = 0;
      for (const to of [...cuts.sort((a, b) => a - b), ROWS]) {
        windows.push(scoreSlice(model, part(slice, from, to), settings));
        model = decodeSnapshot(encodeSnapshot(model, OWNER), settings, OWNER);
        if (to < ROWS && model.openEvent !== null) pausedCuts++;
        from = to;
      }
      const context = `seed ${seed}, round ${round}, cuts ${cuts}`;
      expect(said(windows), context).toEqual(expected);
      expect(encodeSnapshot(model, OWNER), context).toEqual(encodeSnapshot(whole, OWNER));
    }
    expect(pausedCuts, `seed ${seed}`).toBeGreaterThan(0);
  });
});
