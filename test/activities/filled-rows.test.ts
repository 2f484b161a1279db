import { expect, it } from 'vitest';
import { pipelineSchema } from '../../src/config/pipeline-schema.js';
import { MemoryPlant } from './memory-plant.js';

const SECOND = 1_000_000_000n;
const START = 1_700_000_000n * SECOND;

function plantWith(resample: object): MemoryPlant {
  return new MemoryPlant(
    pipelineSchema.parse({
      source: { table: 'rows', id: ['m'], values: ['x'] },
      window: { history: '1h', settle: '0s' },
      resample,
      normalise: { x: [0, 100] },
      detector: { kind: 'half_space_trees', n_trees: 2, height: 2, window_size: 5 },
      output: { table: 'scores' },
    }),
  );
}

/** A row every two seconds from 0 to 20, none from 8 to 14. */
async function run(plant: MemoryPlant, until: bigint) {
  for (let second = 0n; second < until; second += 2n) {
    if (second >= 8n && second < 14n) continue;
    plant.influx.put({ machine: 'm', time: START + second * SECOND + 1n, value: Number(second) });
  }
  await plant.run(START + until * SECOND);
}

function written(plant: MemoryPlant) {
  return [...plant.influx.scores].map(([key, fields]) => [
    Number((BigInt(key.split(' ')[1] ?? 0) - START) / SECOND),
    fields.x,
    fields.filled,
    'score' in fields,
  ]);
}

it('the scores table has rows on the grid, and those that fill a gap marked and without a score', async () => {
  const plant = plantWith({ every: '2s', fill: 'linear' });
  // Runs end in a bucket, in the gap, and in the bucket that ends it.
  for (const until of [5n, 11n, 15n, 20n]) await run(plant, until);
  expect(written(plant).sort(([a], [b]) => Number(a) - Number(b))).toEqual([
    [0, '0', 'false', true],
    [2, '2', 'false', true],
    [4, '4', 'false', true],
    [6, '6', 'false', true],
    [8, '8', 'true', false],
    [10, '10', 'true', false],
    [12, '12', 'true', false],
    [14, '14', 'false', true],
    [16, '16', 'false', true],
  ]);
});

it('the scores table says nothing of filling where nothing is filled', async () => {
  const plant = plantWith({ every: '2s' });
  await run(plant, 20n);
  expect(written(plant).map(([second, , filled]) => [second, filled])).toEqual(
    [0, 2, 4, 6, 14, 16].map((second) => [second, undefined]),
  );
});
