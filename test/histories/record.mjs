/**
 * Records the histories that test/workflows/replay.test.ts replays: real runs of real workers on a server of their own.
 * Record again only when no run of the old workflows can be under way any more; see CONTRIBUTING.md.
 *
 * usage: npm run histories [-- NAME...]     those that are named; all when left out
 */
import { mkdtemp, readdir, rename, rm, truncate, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { createFleet } from '../../bench/chaos/fleet.mjs';
import { addWorker, buildPlant, PIPELINE, TASK_QUEUE, TELLING, WAITING } from '../../bench/chaos/plant.mjs';
import { listSnapshots } from '../../bench/chaos/progress.mjs';
import { nanosOf, startWindow } from '../../bench/chaos/runs.mjs';
import { eventually } from '../../bench/chaos/wait.mjs';
import { startBackfill, startRun } from '../../dist/client.js';
import { SEARCH_ATTRIBUTES } from '../../dist/contract/search-attributes.js';
import { hasSearchAttributes } from '../../dist/search-attributes.js';

const FOLDER = dirname(fileURLToPath(import.meta.url));
/** One more than an execution has room for, so that the run continues as new. */
const LARGE = { machines: 501, rows: 50 };
const SMALL = { machines: 4, rows: 300 };

const wanted = process.argv.slice(2);
if (wanted.length === 0)
  for (const name of await readdir(FOLDER)) if (name.endsWith('.json.gz')) await rm(join(FOLDER, name));
await inPlant(SMALL, recordSearchable);
await inPlant(SMALL, recordSmall);
await inPlant(LARGE, recordLarge);

async function inPlant(size, record) {
  const home = await mkdtemp(join(tmpdir(), 'halfspace-histories-'));
  const fleet = createFleet(size);
  const plant = await buildPlant({ home, fleet, workers: 1, canMount: false });
  try {
    await record(plant, fleet);
  } finally {
    await plant.close();
    await rm(home, { recursive: true, force: true });
  }
}

/** A run with an anomalous machine on a server that has the search attributes. */
async function recordSearchable(plant, { ends, machines }) {
  const [faulty] = await machineIds(plant, ends[0], machines.length);
  await keep(plant, 'run-with-search-attributes', await finished(plant, ends[1]));
  await keep(plant, 'machine-with-search-attributes', machineId(faulty));
}

/** Many servers have none. */
async function removeSearchAttributes({ client }) {
  const { operatorService, workflowService } = client.client.connection;
  const { namespace } = client;
  await operatorService.removeSearchAttributes({ namespace, searchAttributes: Object.keys(SEARCH_ATTRIBUTES) });
  await eventually(async () => !(await hasSearchAttributes(workflowService, namespace)), 'no search attribute is left');
}

async function recordSmall(plant, fleet) {
  await removeSearchAttributes(plant);
  const { ends, machines } = fleet;
  const [faulty, healthy, damaged, impossible] = await machineIds(plant, ends[0], machines.length);
  await keep(plant, 'machine-new-model', machineId(healthy));
  await keep(plant, 'run-plain', await finished(plant, ends[1]));
  await keep(plant, 'machine-healthy', machineId(healthy));
  await keep(plant, 'machine-anomalous', machineId(faulty));
  await keep(plant, 'backfill', await backfilled(plant, { fromMs: fleet.startMs, toMs: ends[1] }));

  const until = String(nanosOf(ends[1]));
  await (await startRun(plant.client, { pipeline: TELLING, until, taskQueue: TASK_QUEUE })).handle.result();
  await keep(plant, 'machine-told-by-two-channels', `machine/${TELLING}/${faulty}`);

  const newest = (await listSnapshots(plant.storeFolder)).map(({ root, machine, names }) => [
    machine,
    join(root, machine),
    names.at(-1),
  ]);
  for (const [machine, folder, name] of newest) {
    if (machine === damaged) await truncate(join(folder, name), 100);
    if (machine === impossible) await rename(join(folder, name), join(folder, learnedTooFar(name)));
  }
  await plant.workers[0].kill(0);
  await keep(plant, 'run-with-a-failed-machine', await finished(plant, ends[2]));
  await keep(plant, 'machine-failed', machineId(impossible));
  await keep(plant, 'machine-with-a-damaged-snapshot', machineId(damaged));
  await keep(plant, 'machine-model-read-from-the-store', machineId(healthy));

  await addWorker(plant);
  await keep(plant, 'run-with-homes', await finished(plant, ends[3]));
  await plant.workers[1].close();
  await keep(plant, 'run-with-a-dead-home', await finished(plant, ends[4]));
  // A second after the last window: there must be something for it to wait for.
  await recordWaiting(plant, ends[4] + 1000);
}

/** The first run finds what it waits for, the second one finds it after a while, the third one waits in vain. */
async function recordWaiting(plant, endMs) {
  const start = async () => (await startRun(plant.client, { pipeline: WAITING, taskQueue: TASK_QUEUE })).handle;
  await (await start()).result();
  const second = await start();
  const waits = async () => (await second.describe()).memo?.waits_for !== undefined;
  await eventually(waits, 'a run waits');
  await finished(plant, endMs);
  await second.result();
  await keep(plant, 'run-that-waited', second.workflowId);
  const third = await start();
  await third.result();
  await keep(plant, 'run-that-waited-in-vain', third.workflowId);
}

async function recordLarge(plant, { ends }) {
  await removeSearchAttributes(plant);
  const handle = await startWindow(plant, ends[0]);
  await handle.result();
  await keep(plant, 'run-continued-as-new', handle.workflowId, handle.firstExecutionRunId);
  await keep(plant, 'run-after-continue-as-new', handle.workflowId);

  const cancelled = await startWindow(plant, ends[1]);
  const second = async () => (await listSnapshots(plant.storeFolder)).some(({ names }) => names.length > 1);
  await eventually(second, 'a machine of the run is done');
  await cancelled.cancel();
  await cancelled.result().catch(() => {});
  await keep(plant, 'run-cancelled', cancelled.workflowId);
}

/** Ids as the snapshots' folders have them: a run's first machine has a fault, the others are well. */
async function machineIds(plant, endMs, count) {
  await finished(plant, endMs);
  const ids = (await listSnapshots(plant.storeFolder)).map(({ machine }) => machine);
  if (ids.length !== count) throw new Error(`Expected ${count} machines, got ${ids.join(', ')}`);
  return ids.sort((a, b) => Number(b.endsWith('-machine1')) - Number(a.endsWith('-machine1')));
}

/** A snapshot that claims to have learned up to the year 2200: its machine fails until somebody looks. */
function learnedTooFar(name) {
  return name.replace(/-\d{20}-/, `-${String(nanosOf(Date.parse('2200-01-01T00:00:00Z'))).padStart(20, '0')}-`);
}

function machineId(uniqueId) {
  return `machine/${PIPELINE}/${uniqueId}`;
}

/** The workflow id of a run that has ended. */
async function finished(plant, endMs) {
  const handle = await startWindow(plant, endMs);
  await handle.result();
  return handle.workflowId;
}

/** Over rows that live runs have scored, with a digest of the event among them. */
async function backfilled(plant, { fromMs, toMs }) {
  const { handle } = await startBackfill(plant.client, {
    pipeline: PIPELINE,
    range: { from: String(nanosOf(fromMs)), to: String(nanosOf(toMs)) },
    alerts: 'digest',
    overwrite: true,
    again: false,
    taskQueue: TASK_QUEUE,
  });
  await handle.result();
  return handle.workflowId;
}

/** Writes the history of a workflow's latest execution, or of the one that is named. */
async function keep({ client }, name, workflowId, runId) {
  if (wanted.length > 0 && !wanted.includes(name)) return;
  const handle = client.client.workflow.getHandle(workflowId, runId, { followRuns: false });
  const history = plainOf(await handle.fetchHistory());
  const file = join(FOLDER, `${name}.json.gz`);
  await writeFile(file, gzipSync(JSON.stringify({ workflowId, history }), { level: 9 }));
  process.stderr.write(`${name}: ${history.events.length} events\n`);
}

/**
 * A protobuf message as JSON: bytes as `{ base64 }`, 64-bit integers as numbers. The name of the computer that recorded
 * is nobody's business; it stands in identities, in the clear and in payloads.
 */
function plainOf(value) {
  if (typeof value === 'string') return withoutHost(value);
  if (typeof value !== 'object' || value === null) return value;
  if (ArrayBuffer.isView(value))
    return { base64: Buffer.from(withoutHost(Buffer.from(value).toString())).toString('base64') };
  if (Array.isArray(value)) return value.map(plainOf);
  if (typeof value.toNumber === 'function') return value.toNumber();
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plainOf(inner)]));
}

function withoutHost(text) {
  return text.replaceAll(hostname(), 'plant');
}
