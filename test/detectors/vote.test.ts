import { describe, expect, it } from 'vitest';
import type { VoteSettings } from '../../src/contract/pipeline.js';
import { createExplanations } from '../../src/detectors/detector.js';
import { createDetector } from '../../src/detectors/registry.js';
import { batchFrom } from './random-rows.js';

/** Three thresholds on one column, at 1, 2 and 3: a value's size is the number of votes. */
function ladder(need: VoteSettings['need'], above = 0.5): VoteSettings {
  const of = [1, 2, 3].map((high) => ({ detector: { kind: 'threshold', low: null, high } as const, above }));
  return { kind: 'vote', of, need };
}

function take(settings: VoteSettings, values: readonly number[]) {
  const batch = batchFrom(Float64Array.from(values), values.length);
  const detector = createDetector(settings, ['x']);
  const out = { scores: new Float64Array(values.length), explained: createExplanations(values.length) };
  detector.process(batch, 0, values.length, 'score_then_learn', out);
  return { ...out, detector };
}

describe('vote', () => {
  it.each([
    ['any', [0, 1, 1, 1]],
    [2, [0, 0, 1, 1]],
    [3, [0, 0, 0, 1]],
    ['all', [0, 0, 0, 1]],
  ] as const)('with need %s is anomalous when as many detectors say so', (need, expected) => {
    expect([...take(ladder(need), [0.5, 1.5, 2.5, 3.5]).scores]).toEqual(expected);
  });

  it('is above a half exactly when enough detectors are above their own level', () => {
    const quantile = { kind: 'quantile', low: null, high: 0.9, memory: 100 } as const;
    const values = Array.from({ length: 400 }, (_, i) => (i * 37) % 100);
    const alone = new Float64Array(400);
    const batch = batchFrom(Float64Array.from(values), 400);
    createDetector(quantile, ['x']).process(batch, 0, 400, 'score_then_learn', { scores: alone, explained: null });
    const level = alone[399] ?? 0; // one row lies on it
    const twice = [
      { detector: quantile, above: level },
      { detector: quantile, above: level },
    ];
    const { scores } = take({ kind: 'vote', of: twice, need: 'all' }, values);
    expect([...scores].map((score) => score > 0.5)).toEqual([...alone].map((score) => score > level));
    expect(scores[399]).toBe(0.5);
  });

  it('is above a half for a score that is above its level by the least there is', () => {
    // A value at the quantile scores 1/2, and the number before a half is the level.
    const quantile = { kind: 'quantile', low: null, high: 0.9, memory: 11 } as const;
    const of = [0.5 - 2 ** -54, 0.5].map((above) => ({ detector: quantile, above }));
    const values = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 9];
    expect(take({ kind: 'vote', of, need: 'all' }, values).scores[11]).toBe(0.5);
    expect(take({ kind: 'vote', of, need: 'any' }, values).scores[11]).toBeGreaterThan(0.5);
  });

  it('explains with a fixed limit where another detector is as sure', () => {
    const of = [
      { detector: { kind: 'quantile', low: null, high: 0.9, memory: 50 } as const, above: 0.5 },
      { detector: { kind: 'threshold', low: null, high: 80 } as const, above: 0.5 },
    ];
    const { explained } = take({ kind: 'vote', of, need: 'any' }, [...new Array(50).fill(79.9), 80.5]);
    expect([explained.view[50], explained.upper[50], explained.expected[50]]).toEqual([1, 80, Number.NaN]);
  });

  it('explains with the detector that is surest, under its kind and place', () => {
    const { explained, detector } = take(ladder('all'), [2.5, 1.5]);
    expect(detector.views).toEqual(['threshold 1 limit', 'threshold 2 limit', 'threshold 3 limit']);
    expect([...explained.upper]).toEqual([1, 1]);
    expect([...explained.view]).toEqual([0, 0]);
    const of = [
      ...ladder(2).of.slice(1),
      { detector: { kind: 'quantile', low: null, high: 0.9, memory: 50 } as const, above: 0.5 },
    ];
    const mixed = take({ kind: 'vote', of, need: 1 }, [...Array.from({ length: 50 }, (_, i) => i / 50), 1.5]);
    expect(mixed.detector.views).toEqual(['threshold 1 limit', 'threshold 2 limit', 'quantile value']);
    expect(mixed.explained.view[50]).toBe(2);
    expect(mixed.explained.expected[50]).toBeCloseTo(0.49);
  });

  it('is given values in both forms for detectors that look at either', () => {
    const trees = { kind: 'half_space_trees', n_trees: 5, height: 4, window_size: 50, seed: 1 } as const;
    const of = [
      { detector: trees, above: 0 },
      { detector: { kind: 'threshold', low: null, high: 400 } as const, above: 0.5 },
    ];
    const raw = Float64Array.from({ length: 200 }, (_, i) => (i === 199 ? 450 : 200 + (i % 7)));
    const batch = { rows: 200, times: null, raw, values: raw.map((value) => value / 500), missing: null };
    const scores = new Float64Array(200);
    const vote: VoteSettings = { kind: 'vote', of, need: 'all' };
    createDetector(vote, ['x']).process(batch, 0, 200, 'score_then_learn', { scores, explained: null });
    expect(scores[199]).toBeGreaterThan(0.5);
    expect(Math.max(...scores.slice(0, 199))).toBe(0);
  });

  it('refuses to need more votes than there are', () => {
    expect(() => createDetector(ladder(4), ['x'])).toThrow('1 to 3, got `4`');
  });
});
