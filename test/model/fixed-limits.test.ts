import { describe, expect, it } from 'vitest';
import { pipelineSchema } from '../../src/config/pipeline-schema.js';
import { createModel, scoreSlice } from '../../src/model/model.js';

/** Anomalous rows out of these values of one machine, a row a second, under the settings a file would give. */
function anomaliesOf(values: readonly number[], settings: object): number {
  const pipeline = pipelineSchema.parse({ source: { table: 't', id: ['m'], values: ['x'] }, ...settings });
  const times = BigInt64Array.from(values, (_, row) => BigInt(row) * 1_000_000_000n);
  const slice = { uniqueId: 'm', ids: ['m'], rows: values.length, times, values: Float64Array.from(values) };
  return scoreSlice(createModel(pipeline), slice, pipeline).anomalies;
}

const stepTo = (after: number, before: number) => [...new Array(1000).fill(before), ...new Array(100).fill(after)];
const limit = { kind: 'threshold', high: 80 };

describe('a fixed limit', () => {
  it('gives the alarm on a flat series, however small the step over it', () => {
    expect(anomaliesOf(stepTo(500, 0), { detector: limit })).toBe(100);
    expect(anomaliesOf(stepTo(80.5, 79.9), { detector: limit })).toBe(100);
  });

  it('holds in a vote, where another detector is as sure', () => {
    const vote = { kind: 'vote', of: [{ detector: { kind: 'persist' } }, { detector: limit }] };
    expect(anomaliesOf(stepTo(80.5, 79.9), { detector: vote })).toBe(100);
  });

  it('holds for a machine above it from its first row, whatever warm-up and deviations are asked for', () => {
    const verdict = { warm_up_rows: 50, min_deviation: 5 };
    expect(anomaliesOf(new Array(200).fill(500), { detector: limit, verdict })).toBe(150);
  });
});

describe('a series that was 0 all along', () => {
  it.each(['quantile', 'robust_zscore', 'persist', 'level_shift', 'novelty'])('is left by a jump for %s', (kind) => {
    expect(anomaliesOf(stepTo(500, 0), { detector: { kind } })).toBeGreaterThan(0);
  });

  it.each(['running', 'robust', { x: [0, 600] }])('is left by a jump for half_space_trees over %j', (normalise) => {
    expect(anomaliesOf(stepTo(500, 0), { normalise })).toBeGreaterThan(0);
  });

  it('is not left by a tiny step where limits say how large one is', () => {
    expect(anomaliesOf(stepTo(0.5, 0), { normalise: { x: [0, 500] } })).toBe(0);
  });
});
