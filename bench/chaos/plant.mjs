import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { connectTemporal, countWorkers } from '../../dist/client.js';
import { readEnvironment } from '../../dist/config/environment.js';
import { createInflux } from '../../dist/influx/connect.js';
import { writeAll } from '../../dist/influx/write-all.js';
import { findTemporalCli } from '../../dist/local/temporal/find-cli.js';
import { startTemporalServer } from '../../dist/local/temporal/server.js';
import { lines } from '../../dist/simulator/outputs.js';
import { startFakeSlack } from './fake-slack.mjs';
import { mountStore } from './store-mount.mjs';
import { eventually } from './wait.mjs';
import { WorkerProcess } from './worker-process.mjs';

const HOST = '127.0.0.1';
export const DATABASE = 'chaos';
export const PIPELINE = 'machines';
/** A pipeline that waits for {@link PIPELINE} to get further. */
export const WAITING = 'waiting';
/** A pipeline with two channels. */
export const TELLING = 'telling';
export const TASK_QUEUE = 'chaos';
export const SCORES = 'machine_anomalies';

/** Every process that runs, so that none outlives this program, however it ends. */
const plants = new Set();
process.on('exit', () => {
  for (const plant of plants) plant.endNow();
});

/**
 * A plant of real processes in a folder of its own: Temporal's server on a file, the InfluxDB stand-in on a folder with
 * the fleet's rows in it, a Slack, and workers.
 */
export async function buildPlant({ home, fleet, workers, canMount }) {
  const storeFolder = join(home, 'store');
  for (const folder of ['influx', 'store', 'logs']) await mkdir(join(home, folder), { recursive: true });
  const store = canMount ? mountStore(storeFolder) : null;
  const slack = await startFakeSlack();
  const influx = await startInflux(join(home, 'influx'));
  const temporal = await startTemporal(home);
  const plant = {
    home,
    storeFolder,
    store,
    slack,
    influx,
    temporal,
    workers: [],
    client: null,
    endNow: () => {
      for (const worker of plant.workers) worker.endNow();
      influx.kill('SIGKILL');
      temporal.endNow();
    },
    close: async () => {
      for (const worker of plant.workers) await worker.close();
      await plant.client.close();
      await temporal.stop('SIGKILL');
      await influx.stop('SIGKILL');
      slack.close();
      store?.unmount();
      plants.delete(plant);
    },
  };
  plants.add(plant);
  await writeFleet(influx.url(), fleet);
  await writeFile(join(home, 'halfspace.yaml'), settings(influx.url(), storeFolder, fleet));
  plant.client = await connectTemporal({ embedded: temporal.address });
  await Promise.all(Array.from({ length: workers }, () => addWorker(plant)));
  return plant;
}

/** One worker more, once all of them poll. */
export async function addWorker(plant) {
  const { home, temporal, slack, workers } = plant;
  const name = `worker${workers.length + 1}`;
  workers.push(new WorkerProcess({ home, name, temporalAddress: temporal.address, slackUrl: slack.url }));
  await eventually(async () => (await countWorkers(plant.client, TASK_QUEUE)) >= workers.length, 'all workers poll');
}

export async function closeHome(home) {
  await rm(home, { recursive: true, force: true });
}

/** The stand-in, which can be ended and started again on the same folder and port. */
async function startInflux(folder) {
  let port = 0;
  let child;
  const start = async () => {
    child = fork(fileURLToPath(new URL('stand-in.mjs', import.meta.url)), [folder, String(port)]);
    const [message] = await Promise.race([once(child, 'message'), once(child, 'exit')]);
    if (typeof message?.port !== 'number') throw new Error(`The InfluxDB stand-in did not start on ${folder}`);
    port = message.port;
  };
  await start();
  return {
    url: () => `http://${HOST}:${port}`,
    start,
    kill: (signal) => child.kill(signal),
    stop: async (signal) => {
      const gone = once(child, 'exit');
      child.kill(signal);
      await gone;
    },
  };
}

async function startTemporal(home) {
  const { cacheHome, temporalCliPath, searchPath } = readEnvironment();
  const cliPath = await findTemporalCli({ cacheDir: cacheHome, cliPath: temporalCliPath, pathVariable: searchPath });
  const options = { cliPath, dbFile: join(home, 'temporal.db'), logFile: join(home, 'logs', 'temporal.log') };
  let server = await startTemporalServer({ ...options, port: 0, uiPort: 0 });
  const { address } = server;
  const port = Number(address.split(':').at(-1));
  return {
    address,
    start: async () => {
      server = await startTemporalServer({ ...options, port, uiPort: 0 });
    },
    stop: async (signal) => {
      process.kill(server.pid, signal);
      await server.exited;
    },
    endNow: () => process.kill(server.pid, 'SIGKILL'),
  };
}

async function writeFleet(url, { machines, range }) {
  const influx = createInflux({ host: url, token: null, database: DATABASE });
  try {
    await writeAll(influx, lines(machines, range), { batchSize: 10_000 });
  } finally {
    await influx.close();
  }
}

function settings(url, storeFolder, { windowSize, clearAfterS }) {
  return `
influx: { host: "${url}", database: ${DATABASE} }
pipelines:
  ${PIPELINE}:
    source: { table: machine_data, id: [provider, machineID], values: [power] }
    window: { history: 24h, settle: 0s }
    normalise: { power: [0, 500] }
    detector: { kind: half_space_trees, n_trees: 10, height: 8, window_size: ${windowSize}, seed: 1 }
    verdict: { threshold: 0.8, clear_after: ${clearAfterS}s }
    output: { table: ${SCORES} }
    alerts: [ops]
  ${WAITING}:
    source: { table: machine_data, id: [provider, machineID], values: [power] }
    window: { history: 24h, settle: 0s }
    normalise: { power: [0, 500] }
    wait_for: { pipeline: ${PIPELINE}, every: 1s, limit: 20s }
  ${TELLING}:
    source: { table: machine_data, id: [provider, machineID], values: [power] }
    window: { history: 24h, settle: 0s }
    normalise: { power: [0, 500] }
    detector: { kind: half_space_trees, n_trees: 10, height: 8, window_size: ${windowSize}, seed: 1 }
    verdict: { threshold: 0.8, clear_after: ${clearAfterS}s }
    alerts: [ops, also]
channels:
  also: { kind: slack, webhook: "\${SLACK_WEBHOOK_URL}" }
  ops: { kind: slack, webhook: "\${SLACK_WEBHOOK_URL}" }
worker: { task_queue: ${TASK_QUEUE}, max_machines_at_once: 20 }
store: { url: "file://${storeFolder}" }
`;
}
