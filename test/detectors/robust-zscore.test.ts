import { describe, expect, it } from 'vitest';
import { createExplanations, type LearningOrder } from '../../src/detectors/detector.js';
import { createDetector } from '../../src/detectors/registry.js';
import { testSeed } from '../random.js';
import { batchFrom, Xorshift32 } from './random-rows.js';

const seed = testSeed();

function run(values: readonly number[], window: number, limit: number, order: LearningOrder = 'score_then_learn') {
  const detector = createDetector({ kind: 'robust_zscore', window, limit }, ['power']);
  const said = { scores: new Float64Array(values.length), explained: createExplanations(values.length) };
  detector.process(batchFrom(Float64Array.from(values), values.length), 0, values.length, order, said);
  return said;
}

/** 1, 2, 3, ..., 9, ten times over: median 5, median deviation 2. */
const STEADY = Array.from({ length: 90 }, (_, i) => 1 + (i % 9));

describe(`robust_zscore (HALFSPACE_TEST_SEED=${seed})`, () => {
  it('scores 0.5 at the limit, in standard deviations out of the median deviation', () => {
    const limit = 3.5;
    const away = (limit * 2) / 0.6744897501960817;
    const { scores, explained } = run([...STEADY, 5 + away, 5 - away, 5], 90, limit, 'score_then_learn');
    expect(scores[90]).toBeCloseTo(0.5, 12);
    expect(explained.expected[90]).toBe(5);
    expect(explained.upper[90]).toBeCloseTo(5 + away, 12);
    expect(explained.lower[90]).toBeCloseTo(5 - away, 12);
    expect([scores[92], explained.feature[92]]).toEqual([0, 0]);
  });

  it('says nothing until a hundred values are known', () => {
    const { scores, explained } = run([...STEADY, ...Array(9).fill(1), 1e6, 1e6], 1000, 3.5);
    expect(scores.subarray(0, 100).every((score) => score === 0)).toBe(true);
    expect(explained.feature[99]).toBe(-1);
    expect(scores[100]).toBeGreaterThan(0.99);
  });

  it('is not moved by wild values until they are half of its window', () => {
    const random = new Xorshift32(seed);
    const wild = Array.from({ length: 400 }, (_, i) => (i >= 200 && i % 5 < 2 ? 1e12 : random.draw()));
    const { scores, explained } = run(wild, 200, 5);
    for (let row = 200; row < 400; row++) {
      if (wild[row] === 1e12) expect(scores[row]).toBeGreaterThan(0.999);
      else expect(scores[row]).toBeLessThan(0.5);
      expect(Number(explained.expected[row])).toBeLessThan(1);
    }
  });

  it('forgets: a new level is the usual one once it holds most of the window', () => {
    const random = new Xorshift32(seed);
    const { scores } = run(
      Array.from({ length: 900 }, (_, i) => random.draw() + (i < 400 ? 0 : 50)),
      200,
      5,
    );
    expect(scores.subarray(400, 480).every((score) => score > 0.5)).toBe(true);
    expect(scores.subarray(620, 900).every((score) => score < 0.5)).toBe(true);
  });

  it('takes the outer values for the spread where most values are one and the same', () => {
    const mostly = Array.from({ length: 200 }, (_, i) => (i % 5 === 0 ? 4 : 3));
    const { scores, explained } = run([...mostly, 4, 5, 3], 200, 3.5);
    expect(explained.upper[200]).toBeCloseTo(3 + 3.5 / 1.6448536269514722, 12);
    expect(scores[200]).toBeLessThan(0.5);
    expect(scores[202]).toBe(0);
  });

  it('knows one value alone after a constant series, and any other is as strange as can be', () => {
    const { scores } = run([...Array(200).fill(7), 7, 7.001, Number.POSITIVE_INFINITY, 7], 100, 3.5);
    expect([...scores.subarray(200)]).toEqual([0, 1, 1, 0]);
  });

  it('explains a row by the column that is furthest out', () => {
    const detector = createDetector({ kind: 'robust_zscore', window: 90, limit: 3.5 }, ['a', 'b']);
    const values = Float64Array.from([...STEADY.flatMap((value) => [value, 100 * value]), 60, 600]);
    const said = { scores: new Float64Array(91), explained: createExplanations(91) };
    detector.process(batchFrom(values, 91), 0, 91, 'score_then_learn', said);
    expect([said.explained.feature[90], said.explained.expected[90]]).toEqual([0, 5]);
    expect(detector.views[said.explained.view[90] ?? -1]).toBe('value');
  });
});
