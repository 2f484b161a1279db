import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, expect, inject, it } from 'vitest';
import { listHomes } from '../../src/client.js';
import { homeOf } from '../../src/contract/homes.js';
import type { RunResult } from '../../src/contract/run-result.js';
import { nanosFromMs } from '../../src/contract/time.js';
import { defaultMachines } from '../../src/simulator/fleet.js';
import { lines } from '../../src/simulator/outputs.js';
import { recordReads } from '../store/record-reads.js';
import { type RunningCommand, startCommand } from './command.js';
import { buildPlant, machinesPipeline, newestSnapshots, type Plant, type PlantOptions } from './plant.js';

const START = Date.parse('2026-01-05T00:00:00Z');
const MINUTE = 60_000;
const MACHINES = 12;

let plant: Plant;
const workers: RunningCommand[] = [];

afterEach(async () => {
  for (const worker of workers.splice(0)) await kill(worker);
  await plant.close();
});

async function build(options: Omit<PlantOptions, 'temporalAddress'>): Promise<void> {
  plant = await buildPlant({ temporalAddress: inject('temporalAddress'), ...options });
  await plant.write(lines(defaultMachines(MACHINES, 5), { fromMs: START, toMs: START + 30 * MINUTE }));
}

function runUntil(pipeline: string, minute: number): Promise<RunResult> {
  return plant.run(pipeline, nanosFromMs(START + minute * MINUTE), `detect/${pipeline}`);
}

async function waitForWorkers(count: number): Promise<void> {
  const homes = () => listHomes(plant.client.workflowService, 'default', plant.taskQueue);
  await expect.poll(homes, { timeout: 90_000 }).toHaveLength(count);
}

/** A worker as a user would start it, few machines at once so that there is a middle to be killed in. */
async function startWorkerProcess(pipelines: readonly string[]): Promise<RunningCommand> {
  const settings = pipelines.map(
    (name) => `
  ${name}:
    source: { table: machine_data, id: [provider, machineID], values: [power] }
    window: { history: 24h, settle: 0s }
    normalise: { power: [0, 500] }
    detector: { kind: half_space_trees, n_trees: 10, height: 8, window_size: 250, seed: 1 }
    output: { table: ${name} }`,
  );
  const yaml = `
influx: { host: "${plant.standIn.url}", database: plant }
pipelines:${settings.join('')}
worker: { task_queue: ${plant.taskQueue}, max_machines_at_once: 2 }
store: { url: "file://${plant.storeFolder}" }
`;
  await writeFile(join(plant.storeFolder, 'halfspace.yaml'), yaml);
  const env = { TEMPORAL_ADDRESS: inject('temporalAddress') };
  const worker = await startCommand(['worker'], { cwd: plant.storeFolder, env });
  workers.push(worker);
  return worker;
}

async function kill(worker: RunningCommand): Promise<void> {
  worker.process.kill('SIGKILL');
  await worker.done;
}

/** Homes in the plan of a pipeline's last run: the result of its first step. */
async function homesOfRun(pipeline: string): Promise<unknown> {
  const { events } = await plant.client.workflow.getHandle(`detect/${pipeline}`).fetchHistory();
  const plan = (events ?? []).find((event) => event.activityTaskCompletedEventAttributes != null);
  const data = plan?.activityTaskCompletedEventAttributes?.result?.payloads?.[0]?.data;
  return JSON.parse(Buffer.from(data ?? []).toString()).homes;
}

/** Machines that have published a second snapshot. */
async function twicePublished(pipeline: string): Promise<string[]> {
  const machines = (await plant.storage.list(`snapshots/${pipeline}`)).map((folder) => folder.slice(0, -1));
  const names = await Promise.all(machines.map((machine) => plant.storage.list(`snapshots/${pipeline}/${machine}`)));
  return machines.filter((_, index) => (names[index]?.length ?? 0) > 1);
}

/** The machine that a run comes to last, and the worker at which its model is: it has something to do until the end. */
async function lastMachineAndItsHome(of: readonly RunningCommand[]): Promise<[string, RunningCommand]> {
  const machines = await plant.rows('SELECT DISTINCT unique_id FROM calm ORDER BY unique_id');
  const last = String(machines.at(-1)?.unique_id);
  const homes = await listHomes(plant.client.workflowService, 'default', plant.taskQueue);
  // A worker's identity names its process.
  const home = homeOf(last, homes) ?? '';
  const worker = of.find(({ process }) => home.includes(`-${process.pid}-`));
  if (worker === undefined) throw new Error(`Expected one of the workers to be at ${home}`);
  return [last, worker];
}

// Pipelines have names of their own here: machines are locked on a server that all test files share.
it('reads no snapshot in a second run of two workers, each machine coming home to its model', async () => {
  const read: string[] = [];
  await build({ pipelines: { home: machinesPipeline() }, workers: 2, wrapStorage: recordReads(read) });
  await waitForWorkers(2);
  expect(await runUntil('home', 10)).toMatchObject({ done: MACHINES, models: { fresh: MACHINES } });
  read.length = 0;
  expect(await runUntil('home', 20)).toMatchObject({
    failed: [],
    busy: [],
    done: MACHINES,
    models: { cached: MACHINES },
  });
  expect(read.length).toBeGreaterThan(0);
  expect(read.filter((key) => key.startsWith('snapshots/'))).toEqual([]);
});

it('goes on at the other worker when one is killed in the middle of a run, with the results of an undisturbed one', async () => {
  await build({ pipelines: {}, workers: 0 });
  const both = await Promise.all([1, 2].map(() => startWorkerProcess(['calm', 'shaken'])));
  await waitForWorkers(2);
  for (const minute of [10, 20, 30]) await runUntil('calm', minute);

  for (const worker of both) expect(worker.output()).toMatch(/^worker polls [^\n]+\n$/);

  await runUntil('shaken', 10);
  const [last, doomed] = await lastMachineAndItsHome(both);
  const disturbed = runUntil('shaken', 20);
  await expect.poll(() => twicePublished('shaken'), { timeout: 30_000, interval: 20 }).not.toEqual([]);
  await kill(doomed);
  expect(await twicePublished('shaken')).not.toContain(last);
  const healthy = { done: MACHINES, failedCount: 0, busyCount: 0, lagging: 0, warnings: [] };
  expect(await disturbed).toMatchObject({ ...healthy, rows: MACHINES * 600 });
  expect(await homesOfRun('shaken')).toHaveLength(2);
  const next = await runUntil('shaken', 30);
  expect(next).toMatchObject({ ...healthy, rows: MACHINES * 600 });
  // The server still lists the killed worker, but nothing is sent to it any more: one home is none.
  expect(await listHomes(plant.client.workflowService, 'default', plant.taskQueue)).toHaveLength(2);
  expect(await homesOfRun('shaken')).toEqual([]);

  expect(await newestSnapshots(plant, 'shaken')).toEqual(await newestSnapshots(plant, 'calm'));
  const scores = 'SELECT time, unique_id, score, is_anomaly FROM';
  const calm = await plant.rows(`${scores} calm ORDER BY unique_id, time`);
  expect(calm).toHaveLength(MACHINES * 1800);
  expect(await plant.rows(`${scores} shaken ORDER BY unique_id, time`)).toEqual(calm);
}, 240_000);
