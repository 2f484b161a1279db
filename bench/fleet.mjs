/**
 * How a fleet of machines goes through Temporal on this computer: children/s of a whole run beside bare children that do
 * nothing, on the same server in the same minutes; the largest worker's peak memory; what the server had to keep.
 *
 * usage: npm run bench:fleet -- [--machines 1000] [--rows 60] [--workers 1] [--json]
 */
import { fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { connectTemporal, countWorkers } from '../dist/client.js';
import { readEnvironment } from '../dist/config/environment.js';
import { createInflux } from '../dist/influx/connect.js';
import { writeAll } from '../dist/influx/write-all.js';
import { startStack } from '../dist/local/stack.js';

const { values: options } = parseArgs({
  options: {
    machines: { type: 'string', default: '1000' },
    rows: { type: 'string', default: '60' },
    workers: { type: 'string', default: '1' },
    json: { type: 'boolean', default: false },
  },
});
const machines = Number(options.machines);
const rows = Number(options.rows);
const workers = Number(options.workers);
const MOST_BARE = 500;
const READ_CHILDREN = 300;
const END_MS = Date.parse('2026-01-05T12:00:00Z');
const say = (text) => process.stderr.write(`${text}\n`);

const home = await mkdtemp(join(tmpdir(), 'halfspace-fleet-'));
const stack = await startStack({
  home,
  influxPort: 0,
  temporalPort: 0,
  uiPort: 0,
  token: null,
  environment: readEnvironment(),
});
try {
  const result = await measure();
  process.stdout.write(options.json ? `${JSON.stringify(result)}\n` : textOf(result));
} finally {
  await stack.close();
  await rm(home, { recursive: true, force: true });
}

async function measure() {
  const influx = createInflux({ host: stack.influxUrl, token: null, database: 'fleet' });
  await writeAll(influx, fleetLines(), { batchSize: 10_000 });
  await influx.close();
  say(`wrote ${machines} machines x ${rows} rows`);
  const temporal = await connectTemporal({ embedded: stack.temporalAddress });
  try {
    const first = await bareRate(temporal.client, 'first');
    say(`bare children: ${first.toFixed(1)}/s`);
    const before = await databaseBytes();
    const { seconds, peakRssMb, runId } = await fleetRun(temporal);
    const after = await databaseBytes();
    say(`machines: ${(machines / seconds).toFixed(1)}/s`);
    const last = await bareRate(temporal.client, 'last');
    say(`bare children: ${last.toFixed(1)}/s`);
    // Before and after, because a computer that does other things too is not the same one for long.
    const bare = 2 / (1 / first + 1 / last);
    const kept = await readHistories(temporal.client, runId);
    return {
      machines,
      seconds: round(seconds),
      children_per_s: round(machines / seconds),
      bare_children_per_s: round(bare),
      peak_rss_mb: Math.round(peakRssMb),
      largest_payload_bytes: kept.largestPayload,
      longest_history_events: kept.longestHistory,
      db_bytes_per_machine: Math.round((after - before) / machines),
    };
  } finally {
    await temporal.close();
  }
}

function* fleetLines() {
  for (let row = 0; row < rows; row++) {
    const time = BigInt(END_MS - (rows - row) * 1000) * 1_000_000n;
    for (let m = 0; m < machines; m++) {
      yield `fleet,machineID=machine${m},provider=p${m % 7} power=${200 + ((m * 31 + row * 17) % 200) / 10} ${time}`;
    }
  }
}

async function bareRate(client, workflowId) {
  const worker = fork(fileURLToPath(new URL('./bare/worker.mjs', import.meta.url)), [stack.temporalAddress]);
  await once(worker, 'message');
  const count = Math.min(machines, MOST_BARE);
  const started = performance.now();
  await client.workflow.execute('bareParent', {
    workflowId,
    taskQueue: 'bare',
    args: [{ count, atOnce: 100 }],
  });
  const rate = count / ((performance.now() - started) / 1000);
  worker.kill('SIGTERM');
  await once(worker, 'exit');
  return rate;
}

async function fleetRun(temporal) {
  await writeFile(join(home, 'halfspace.yaml'), settings());
  const program = fileURLToPath(new URL('../bin/halfspace.js', import.meta.url));
  const processes = Array.from({ length: workers }, () =>
    spawn(process.execPath, [program, 'worker'], {
      cwd: home,
      env: { ...process.env, TEMPORAL_ADDRESS: stack.temporalAddress },
      stdio: ['ignore', 'ignore', 'inherit'],
    }),
  );
  while ((await countWorkers(temporal, 'fleet')) < workers) await new Promise((resolve) => setTimeout(resolve, 100));
  const started = performance.now();
  const until = String(BigInt(END_MS) * 1_000_000n);
  const handle = await temporal.client.workflow.start('detectionRun', {
    workflowId: 'detect/fleet',
    taskQueue: 'fleet',
    args: [{ pipeline: 'fleet', until }],
  });
  const result = await handle.result();
  const seconds = (performance.now() - started) / 1000;
  if (result.done !== machines)
    throw new Error(`Expected ${machines} machines to be done, got ${JSON.stringify(result)}`);
  let peakRssMb = 0;
  for (const worker of processes) {
    const status = await readFile(`/proc/${worker.pid}/status`, 'utf8');
    worker.kill('SIGTERM');
    await once(worker, 'exit');
    peakRssMb = Math.max(peakRssMb, Number(/VmHWM:\s+(\d+)/.exec(status)?.[1]) / 1024);
  }
  return { seconds, peakRssMb, runId: handle.firstExecutionRunId };
}

function settings() {
  return `
influx: { host: "${stack.influxUrl}", database: fleet }
pipelines:
  fleet:
    source: { table: fleet, id: [provider, machineID], values: [power] }
    window: { history: ${Math.ceil(rows / 3600)}h, settle: 0s }
    normalise: { power: [0, 500] }
    detector: { kind: half_space_trees, n_trees: 10, height: 6, window_size: 250, seed: 1 }
    output: { table: fleet_scores }
worker: { task_queue: fleet }
store: { url: "file://${stack.storeDir}" }
`;
}

/** Every execution of the run, and evenly spread children: they are all alike. */
async function readHistories(client, firstRunId) {
  const kept = { largestPayload: 0, longestHistory: 0 };
  let runId = firstRunId;
  while (runId) runId = await readHistory(client, 'detect/fleet', runId, kept);
  const every = Math.max(1, Math.floor(machines / READ_CHILDREN));
  for (let m = 0; m < machines; m += every) {
    await readHistory(client, `machine/fleet/p${m % 7}-machine${m}`, undefined, kept);
  }
  return kept;
}

async function readHistory(client, workflowId, runId, kept) {
  const { events = [] } = await client.workflow.getHandle(workflowId, runId, { followRuns: false }).fetchHistory();
  kept.longestHistory = Math.max(kept.longestHistory, events.length);
  for (const event of events) kept.largestPayload = Math.max(kept.largestPayload, largestPayload(event));
  return events.at(-1)?.workflowExecutionContinuedAsNewEventAttributes?.newExecutionRunId;
}

function largestPayload(value) {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return 0;
  if (Array.isArray(value.payloads)) return value.payloads.reduce((sum, { data }) => sum + (data?.length ?? 0), 0);
  return Math.max(0, ...Object.values(value).map(largestPayload));
}

async function databaseBytes() {
  let bytes = 0;
  for (const name of ['temporal.db', 'temporal.db-wal']) {
    bytes += await stat(join(home, name)).then(
      ({ size }) => size,
      () => 0,
    );
  }
  return bytes;
}

function round(value) {
  return Math.round(value * 10) / 10;
}

function textOf(result) {
  return `${Object.entries(result)
    .map(([name, value]) => `${name.padEnd(24)} ${value}`)
    .join('\n')}\n`;
}
