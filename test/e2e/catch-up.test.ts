import { afterEach, describe, expect, inject, it } from 'vitest';
import { nanosFromMs } from '../../src/contract/time.js';
import { defaultMachines } from '../../src/simulator/fleet.js';
import { lines } from '../../src/simulator/outputs.js';
import { readProgress } from '../../src/store/progress.js';
import { buildPlant, machinesPipeline, newestSnapshots, type Plant, type PlantOptions } from './plant.js';

const START = Date.parse('2026-01-05T00:00:00Z');
const MINUTE = 60_000;

let plant: Plant;
afterEach(() => plant?.close());

async function build(options: Omit<PlantOptions, 'temporalAddress'>): Promise<Plant> {
  plant = await buildPlant({ temporalAddress: inject('temporalAddress'), ...options });
  return plant;
}

function at(minute: number): bigint {
  return nanosFromMs(START + minute * MINUTE);
}

function scoresOf(pipeline: string): Promise<Record<string, unknown>[]> {
  return plant.rows(
    `SELECT time, "machineID", score, is_anomaly FROM machine_anomalies WHERE pipeline = '${pipeline}' ORDER BY "machineID", time`,
  );
}

describe('downtime', () => {
  it('of three chunks is caught up by one run, without gaps, bit for bit as by runs that never stopped', async () => {
    const window = { history: 10 * MINUTE, settle: 0, catch_up: 60 * MINUTE, chunk: 10 * MINUTE };
    await build({
      pipelines: {
        // Both write to one table: the tag `pipeline` keeps their series apart.
        steady: machinesPipeline({ window }),
        stopped: machinesPipeline({ window }),
      },
    });
    const machines = defaultMachines(3, 5).map((machine, index) =>
      // Over the border of two chunks: one event.
      index === 1
        ? machine.withFault({ kind: 'overload', fromMs: START + 19 * MINUTE, toMs: START + 21 * MINUTE })
        : machine,
    );
    await plant.write(lines(machines, { fromMs: START, toMs: START + 40 * MINUTE }));

    for (let minute = 10; minute <= 40; minute += 5) await plant.run('steady', at(minute));
    await plant.run('stopped', at(10));
    const caughtUp = await plant.run('stopped', at(40));
    expect(caughtUp).toMatchObject({
      chunks: 3,
      window: { from: String(at(10)), to: String(at(40)) },
      machines: 3,
      done: 3,
      rows: 3 * 1800,
      loadedRows: 3 * 1800,
      scoresWritten: 3 * 1800,
      events: 1,
      lagging: 0,
      warnings: [],
    });
    const steady = await scoresOf('steady');
    expect(steady).toHaveLength(3 * 2400);
    expect(await scoresOf('stopped')).toEqual(steady);
    expect(await newestSnapshots(plant, 'stopped')).toEqual(await newestSnapshots(plant, 'steady'));
  });

  it('longer than catch_up is skipped and said so; a first start is not, however long its history', async () => {
    const window = { history: 30 * MINUTE, settle: 0, catch_up: 15 * MINUTE, chunk: 10 * MINUTE };
    await build({ pipelines: { 'catch-up': machinesPipeline({ window }) } });
    await plant.write(lines(defaultMachines(1, 5), { fromMs: START, toMs: START + 60 * MINUTE }));
    expect(await plant.run('catch-up', at(30))).toMatchObject({ chunks: 3, rows: 1800, warnings: [] });
    expect(await plant.run('catch-up', at(60))).toMatchObject({
      chunks: 2,
      rows: 900,
      window: { from: String(at(45)), to: String(at(60)) },
      warnings: [expect.stringMatching(/^rows from 2026-01-05T00:30:00Z to 2026-01-05T00:45:00Z are skipped/)],
    });
  });

  it('loses nothing when the run dies in the middle: the next one owes what is left', async () => {
    const window = { history: 40 * MINUTE, settle: 0, catch_up: 5 * MINUTE, chunk: 10 * MINUTE };
    let writes = 0;
    let isBroken = true;
    await build({
      pipelines: { 'catch-up': machinesPipeline({ window }) },
      wrapStorage: (storage) => ({
        read: (key) => storage.read(key),
        // The third window's plan cannot be kept.
        write: async (key, bytes) => {
          if (key.includes('/plan-') && isBroken && ++writes > 2) throw new Error('no space left');
          await storage.write(key, bytes);
        },
        list: (prefix) => storage.list(prefix),
        remove: (key) => storage.remove(key),
        removeAll: (prefix) => storage.removeAll(prefix),
        removeLeftovers: () => storage.removeLeftovers(),
        locate: (key) => storage.locate(key),
      }),
    });
    await plant.write(lines(defaultMachines(1, 5), { fromMs: START, toMs: START + 42 * MINUTE }));
    const handle = await plant.client.workflow.start('detectionRun', {
      workflowId: `detect/${plant.taskQueue}`,
      taskQueue: plant.taskQueue,
      args: [{ pipeline: 'catch-up', until: String(at(40)) }],
    });
    await expect.poll(() => writes, { timeout: 30_000 }).toBeGreaterThan(2);
    await handle.terminate('killed');
    isBroken = false;
    expect(await readProgress(plant.storage, 'catch-up')).toMatchObject({
      origin: String(at(0)),
      to: String(at(20)),
      target: String(at(40)),
      lagging: [],
    });
    expect(await plant.run('catch-up', at(42))).toMatchObject({ rows: 22 * 60, warnings: [] });
    expect(await plant.rows('SELECT count(*) AS n FROM machine_anomalies')).toEqual([{ n: 42 * 60 }]);
  });
});

describe('a history', () => {
  it('of years with few rows is one pass when the length of a chunk is not set', async () => {
    const window = { history: 5000 * 24 * 60 * MINUTE, settle: 0, catch_up: MINUTE, chunk: null };
    await build({ pipelines: { 'catch-up': machinesPipeline({ window }) } });
    await plant.write(lines(defaultMachines(1, 5), { fromMs: START, toMs: START + MINUTE }));
    expect(await plant.run('catch-up', at(1))).toMatchObject({ chunks: 1, rows: 60 });
  });
});
