import { describe, expect, it } from 'vitest';
import { pipelineSchema } from '../../src/config/pipeline-schema.js';
import { createModel, type ScoredSlice, scoreSlice } from '../../src/model/model.js';

/** What a model says of one machine's rows of two columns, under the settings a file would give. */
function scored(rows: readonly (readonly [number, number])[], settings: object): ScoredSlice {
  const pipeline = pipelineSchema.parse({
    source: { table: 't', id: ['m'], values: ['x', 'y'] },
    verdict: { flat_guard: 0, clear_after: '1h' },
    ...settings,
  });
  const times = BigInt64Array.from(rows, (_, row) => BigInt(row) * 1_000_000_000n);
  const slice = { uniqueId: 'm', ids: ['m'], rows: rows.length, times, values: Float64Array.from(rows.flat()) };
  return scoreSlice(createModel(pipeline), slice, pipeline);
}

const still = Array.from({ length: 200 }, (_, i): [number, number] => [100 + (i % 7), 50 + (i % 5)]);
const jump: [number, number][] = [...still, [103, 90]];

describe('the view of an event', () => {
  it('is the name of the feature, where that is made of a column', () => {
    const features = ['x', 'y', { difference: 'y' }];
    const { open } = scored(jump, { features, detector: { kind: 'threshold', high: { y_difference: 20 } } });
    expect(open?.worst).toMatchObject({ feature: 1, view: 'y_difference' });
  });

  it('is what a detector of several views saw', () => {
    const both = [{ detector: { kind: 'threshold', high: 1000 } }, { detector: { kind: 'persist' } }];
    const { open } = scored(jump, { detector: { kind: 'vote', of: both } });
    expect(open?.worst).toMatchObject({ feature: 1, view: 'persist change' });
  });

  it('is none where a detector has but one, or where the rules found the row', () => {
    expect(scored(jump, { detector: { kind: 'persist' } }).open?.worst).toMatchObject({ feature: 1, view: null });
    const vote = { kind: 'vote', of: [{ detector: { kind: 'persist' } }, { detector: { kind: 'quantile' } }] };
    const verdict = { clear_after: '1h', valid_range: { y: [0, 80] }, threshold: 1 };
    expect(scored(jump, { detector: vote, verdict }).open?.worst).toMatchObject({ feature: 1, view: null });
    const trees = { model: 'per_column', normalise: 'running', features: ['x', { difference: 'y' }] };
    const { open } = scored([...jump, ...jump, ...jump], { ...trees, verdict: { threshold: 0.1, clear_after: '1h' } });
    expect(open?.worst.view).toBeNull();
  });
});
