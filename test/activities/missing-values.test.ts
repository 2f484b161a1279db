import { expect, it } from 'vitest';
import { missingWarnings } from '../../src/activities/missing-values.js';
import { pipelineSchema } from '../../src/config/pipeline-schema.js';
import type { Slice } from '../../src/contract/slice.js';
import { MemoryPlant } from './memory-plant.js';

const SECOND = 1_000_000_000n;
const START = 1_700_000_000n * SECOND;

function sliceOf(uniqueId: string, values: readonly number[], columns: number): Slice {
  const rows = values.length / columns;
  const times = BigInt64Array.from({ length: rows }, (_, row) => BigInt(row));
  return { uniqueId, ids: [uniqueId], rows, times, values: Float64Array.from(values) };
}

it('a run names the columns that lack values, how many, and a machine', async () => {
  const plant = new MemoryPlant(
    pipelineSchema.parse({
      source: { table: 'rows', id: ['m'], values: ['x'] },
      window: { history: '1h', settle: '0s' },
      normalise: { x: [0, 100] },
      detector: { kind: 'half_space_trees', n_trees: 2, height: 2, window_size: 5 },
      output: { table: 'scores' },
    }),
  );
  for (const [at, value] of [1, Number.NaN, 3, Number.NaN].entries()) {
    plant.influx.put({ machine: 'b', time: START + BigInt(at) * SECOND, value });
    plant.influx.put({ machine: 'a', time: START + BigInt(at) * SECOND, value: 1 });
  }
  const { warnings } = await plant.run(START + 10n * SECOND);
  expect(warnings).toEqual(['values without a finite number: 2 (x: 2), e.g. of b']);
});

it('columns that lack nothing are not named, and of many the first five are', () => {
  const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];
  const lacking = [1, ...Array.from({ length: 7 }, () => Number.NaN)];
  const slices = [
    sliceOf(
      'whole',
      names.map(() => 1),
      8,
    ),
    sliceOf('other', lacking, 8),
  ];
  expect(missingWarnings(slices, names, [])).toEqual([
    'values without a finite number: 7 (b: 1, c: 1, d: 1, e: 1, f: 1 and 2 more), e.g. of other',
  ]);
  expect(missingWarnings(slices.slice(0, 1), names, [])).toEqual([]);
});

it('columns of texts are called that', () => {
  const slices = [sliceOf('m', [Number.NaN, 1, Number.NaN, 2], 2)];
  expect(missingWarnings(slices, ['state', 'x'], ['state'])).toEqual([
    'values without a finite number: 2 (state: 2), e.g. of m',
    'state holds texts, so it has no values here: CAST it to DOUBLE in source.query, or write numbers to another table',
  ]);
  expect(missingWarnings(slices, ['state', 'x'], ['state', 'x'])[1]).toMatch(/^state, x hold texts, so they have no/);
});
