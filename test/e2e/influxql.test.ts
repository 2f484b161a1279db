import { afterEach, expect, inject, it } from 'vitest';
import { nanosFromMs } from '../../src/contract/time.js';
import { defaultMachines } from '../../src/simulator/fleet.js';
import { lines } from '../../src/simulator/outputs.js';
import { buildPlant, machinesPipeline, type Plant } from './plant.js';

const START = Date.parse('2026-01-05T00:00:00Z');
const MINUTE = 60_000;

let plant: Plant;
afterEach(() => plant?.close());

it('a pipeline that reads in InfluxQL gives the scores of one that reads the table', async () => {
  const { source } = machinesPipeline();
  const query = 'SELECT provider, machineID, power FROM machine_data WHERE time >= $from AND time < $to';
  plant = await buildPlant({
    temporalAddress: inject('temporalAddress'),
    pipelines: {
      sql: machinesPipeline({ output: { table: 'sql' } }),
      influxql: machinesPipeline({
        source: { ...source, table: null, query, language: 'influxql' },
        output: { table: 'influxql' },
      }),
    },
  });
  const end = START + 20 * MINUTE;
  await plant.write(lines(defaultMachines(2, 7), { fromMs: START, toMs: end }));

  await plant.run('sql', nanosFromMs(end));
  await plant.run('influxql', nanosFromMs(START + 10 * MINUTE));
  const second = await plant.run('influxql', nanosFromMs(end));
  expect(second).toMatchObject({ machines: 2, rows: 2 * 600, warnings: [] });

  const scores = 'SELECT time, "machineID", unique_id, power, score FROM';
  const order = 'ORDER BY "machineID", time';
  const expected = await plant.rows(`${scores} sql ${order}`);
  expect(expected).toHaveLength(2 * 1200);
  expect(await plant.rows(`${scores} influxql ${order}`)).toEqual(expected);
});
