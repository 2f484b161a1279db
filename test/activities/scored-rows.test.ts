import { describe, expect, it } from 'vitest';
import { reasonAt } from '../../src/activities/scored-rows.js';

describe('the reason of a scored row', () => {
  it('says which columns had no value', () => {
    const scored = {
      rows: 2,
      times: BigInt64Array.of(1n, 2n),
      scores: Float64Array.of(0.97, 0.98),
      causes: Float64Array.of(1, 1),
      features: Float64Array.of(1, -1),
      viewAt: () => null,
      expected: Float64Array.of(35, Number.NaN),
      lower: Float64Array.of(34, Number.NaN),
      upper: Float64Array.of(36, Number.NaN),
      filled: null,
      names: ['power', 'temperature'],
      values: [Float64Array.of(Number.NaN, 5), Float64Array.of(37, Number.NaN)],
    };
    const rules = { threshold: 0.8, clear_after: 1000 };
    expect([0, 1].map((row) => reasonAt(scored, row, rules))).toEqual([
      'score 0.970 above 0.8: temperature 37, expected 35 (34 to 36); no value of power',
      'score 0.980 above 0.8; no value of temperature',
    ]);
  });
});
