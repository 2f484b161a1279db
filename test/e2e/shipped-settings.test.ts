import { afterEach, expect, inject, it } from 'vitest';
import { loadSettings, SHIPPED_FILE } from '../../src/config/load.js';
import { nanosFromMs } from '../../src/contract/time.js';
import { defaultMachines } from '../../src/simulator/fleet.js';
import { lines } from '../../src/simulator/outputs.js';
import { buildPlant, type Plant } from './plant.js';

const START = Date.parse('2026-01-05T00:00:00Z');
const MINUTE = 60_000;

let plant: Plant;
afterEach(() => plant?.close());

it('the shipped pipeline takes a window without rows for a quiet one, and warns once it is too quiet', async () => {
  const env = { INFLUX_HOST: 'http://127.0.0.1', INFLUX_TOKEN: '', INFLUX_DATABASE: 'plant' };
  const { pipelines } = loadSettings({ file: SHIPPED_FILE, env });
  const { machines } = pipelines;
  if (machines === undefined) throw new Error('the shipped file has no pipeline `machines`');
  // Nobody is to be told; what the data must be like stays as it is shipped.
  plant = await buildPlant({
    temporalAddress: inject('temporalAddress'),
    pipelines: { machines: { ...machines, alerts: [] } },
  });
  await plant.write(lines(defaultMachines(2, 3), { fromMs: START, toMs: START + 10 * MINUTE }));
  const run = (minutes: number) => plant.run('machines', nanosFromMs(START + minutes * MINUTE));

  expect(await run(10)).toMatchObject({ machines: 2, rows: 1200, warnings: [] });
  const quiet = await run(20);
  expect(quiet).toMatchObject({ machines: 0, rows: 0, lagging: 0 });
  expect(quiet.warnings).toEqual([expect.stringMatching(/^no rows of machine_data in the window/)]);
  const silent = await run(20 + 61);
  expect(silent.warnings).toContainEqual(expect.stringMatching(/^after_load: expected a row of the last 1h/));
});
