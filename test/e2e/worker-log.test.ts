import { mkdir, mkdtemp, readdir, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { expect, inject, it, onTestFinished } from 'vitest';
import { readEnvironment } from '../../src/config/environment.js';
import { findTemporalCli } from '../../src/local/temporal/find-cli.js';
import { startTemporalServer } from '../../src/local/temporal/server.js';
import { runCommand, startCommand } from './command.js';
import { silentServer } from './silent-server.js';

const settingsFor = (influxPort: number) =>
  `influx: { host: "http://127.0.0.1:${influxPort}", database: d, query_timeout: 60s }
pipelines: { p: { source: { table: t, id: [m], values: [x] }, normalise: running } }
`;

/** A worker on a Temporal server of its own, which may go away. */
async function workerAndServer(yaml: string) {
  const { temporalCliPath, searchPath, cacheHome } = readEnvironment();
  const cliPath = await findTemporalCli({ cacheDir: cacheHome, cliPath: temporalCliPath, pathVariable: searchPath });
  const server = await startTemporalServer({ cliPath, port: 0, uiPort: 0, dbFile: null });
  onTestFinished(() => server.close());
  const cwd = await mkdtemp(join(tmpdir(), 'halfspace-worker-'));
  await writeFile(join(cwd, 'halfspace.yaml'), yaml);
  const env = { TEMPORAL_ADDRESS: server.address };
  const worker = await startCommand(['worker'], { cwd, env });
  onTestFinished(() => void worker.process.kill('SIGKILL'));
  await expect.poll(worker.output, { timeout: 30_000 }).toMatch(/worker polls/);
  const restart = async () => {
    const port = Number(server.address.split(':').at(-1));
    const again = await startTemporalServer({ cliPath, port, uiPort: 0, dbFile: null });
    onTestFinished(() => again.close());
  };
  return { server, restart, worker, cwd, env };
}

it('a Temporal that goes away is told of once, on stderr, and keeps no idle worker from ending', async () => {
  const { server, worker } = await workerAndServer(settingsFor(1));
  await server.close();
  await expect.poll(worker.output, { timeout: 40_000 }).toMatch(/does not answer/);
  worker.process.kill('SIGTERM');
  const { code, stdout, stderr } = await worker.done;
  expect(code).toBe(0);
  expect(stdout).toBe('');
  const [, ...lines] = stderr.trimEnd().split('\n');
  expect(lines).toEqual([
    expect.stringMatching(/^\S+Z warn Temporal does not answer and is asked again: Connection refused$/),
    'ending; steps under way have 5 seconds, and runs go on at the next worker',
  ]);
}, 120_000);

it('a Temporal that goes away in the middle of a step and comes back is told of in readable lines', async () => {
  const { server, restart, worker, cwd, env } = await workerAndServer(settingsFor(await silentServer()));
  expect((await runCommand(['trigger', '--no-wait'], { cwd, env })).code).toBe(0);
  const client = new Client({ connection: await Connection.connect({ address: server.address }) });
  const pending = async () => (await client.workflow.getHandle('detect/p').describe()).raw.pendingActivities ?? [];
  await expect.poll(async () => (await pending()).length, { timeout: 20_000 }).toBe(1);
  await client.connection.close();
  await server.close();
  await expect.poll(worker.output, { timeout: 40_000 }).toMatch(/does not answer and is asked again/);
  await restart();
  await expect.poll(worker.output, { timeout: 30_000 }).toMatch(/Z info Temporal answers again$/m);
  worker.process.kill('SIGTERM');
  const { stderr } = await worker.done;
  expect(stderr).not.toMatch(/Status \{|tonic|Os \{/);
  expect(stderr.match(/answers again/g)).toHaveLength(1);
}, 120_000);

it('who waits for a backfill is told once that its only worker was killed, before the server takes note of it', async () => {
  const { server, worker, cwd, env } = await workerAndServer(settingsFor(await silentServer()));
  const range = ['--from', '2026-01-05T00:00:00Z', '--to', '2026-01-05T01:40:00Z'];
  const command = await startCommand(['backfill', ...range], { cwd, env });
  onTestFinished(() => void command.process.kill('SIGKILL'));
  const connection = await Connection.connect({ address: server.address });
  onTestFinished(() => connection.close());
  const handle = new Client({ connection }).workflow.getHandle('backfill/p/2026-01-05T00:00:00Z-2026-01-05T01:40:00Z');
  const begun = async () => (await handle.describe().catch(() => null))?.raw.pendingActivities?.length;
  await expect.poll(begun, { timeout: 30_000 }).toBe(1);
  worker.process.kill('SIGKILL');
  const killedMs = Date.now();
  await expect.poll(command.output, { timeout: 60_000 }).toMatch(/no worker polls the task queue/);
  expect(Date.now() - killedMs).toBeLessThan(60_000);
  command.process.kill('SIGINT');
  const { code, stderr } = await command.done;
  expect(code, stderr).toBe(0);
  expect(stderr.match(/no worker polls/g)).toHaveLength(1);
}, 120_000);

it('a worker whose step does not stop and whose Temporal is away ends within ten seconds, in words', async () => {
  const { server, worker, cwd, env } = await workerAndServer(settingsFor(await silentServer()));
  expect((await runCommand(['trigger', '--no-wait'], { cwd, env })).code).toBe(0);
  const client = new Client({ connection: await Connection.connect({ address: server.address }) });
  const pending = async () => (await client.workflow.getHandle('detect/p').describe()).raw.pendingActivities ?? [];
  await expect
    .poll(async () => (await pending()).map((step) => step.activityType?.name), { timeout: 20_000 })
    .toEqual(['loadInfluxData']);
  await client.connection.close();
  await server.close();
  const toldAt = performance.now();
  worker.process.kill('SIGTERM');
  const { code, stderr } = await worker.done;
  expect(performance.now() - toldAt).toBeLessThan(10_000);
  expect(code).toBe(1);
  expect(stderr.trimEnd().split('\n').at(-1)).toMatch(
    /^halfspace: The worker .* the next worker does (them|its steps) again$/,
  );
}, 120_000);

it("a query is given up after the settings' time, and the attempt is one readable line in the log", async () => {
  const cwd = await mkdtemp(join(tmpdir(), 'halfspace-worker-'));
  const settings = `influx: { host: "http://127.0.0.1:${await silentServer()}", database: d, query_timeout: 300ms }
pipelines:
  silent:
    source: { table: t, id: [m], values: [x] }
    normalise: running
worker: { task_queue: silent }
`;
  await writeFile(join(cwd, 'halfspace.yaml'), settings);
  const env = { TEMPORAL_ADDRESS: inject('temporalAddress') };
  const worker = await startCommand(['worker'], { cwd, env });
  onTestFinished(() => void worker.process.kill('SIGKILL'));
  const trigger = () => runCommand(['trigger', '--no-wait'], { cwd, env });
  await expect.poll(worker.output, { timeout: 30_000 }).toMatch(/worker polls silent/);
  expect((await trigger()).code).toBe(0);
  const client = new Client({ connection: await Connection.connect({ address: inject('temporalAddress') }) });
  onTestFinished(async () => {
    await client.workflow.getHandle('detect/silent').terminate();
    await client.connection.close();
  });

  // The client's own limit is a minute.
  await expect.poll(worker.output, { timeout: 20_000 }).toMatch(/failed/);
  const line = worker
    .output()
    .split('\n')
    .find((text) => text.includes('failed'));
  expect(line).toMatch(
    /^\S+Z warn loadInfluxData failed \(attempt 1, detect\/silent\): InfluxDB at .* did not answer in time: [^{]*$/,
  );
});

const IDLE = `influx: { host: "http://127.0.0.1:9", database: d }
pipelines:
  idle:
    source: { table: t, id: [m], values: [x] }
    normalise: running
worker: { task_queue: idle }
`;

it('a worker that starts removes what killed ones left in its store', async () => {
  const cwd = await mkdtemp(join(tmpdir(), 'halfspace-worker-'));
  await writeFile(join(cwd, 'halfspace.yaml'), IDLE);
  const temporary = join(cwd, 'store/.tmp');
  await mkdir(temporary, { recursive: true });
  for (const name of ['old', 'live']) await writeFile(join(temporary, name), 'x');
  const twoDaysAgo = Date.now() / 1000 - 48 * 3600;
  await utimes(join(temporary, 'old'), twoDaysAgo, twoDaysAgo);
  const env = { TEMPORAL_ADDRESS: inject('temporalAddress'), STORE_URL: 'file://./store' };
  const worker = await startCommand(['worker'], { cwd, env });
  onTestFinished(() => void worker.process.kill('SIGKILL'));
  await expect.poll(worker.output, { timeout: 30_000 }).toMatch(/worker polls idle/);
  expect(await readdir(temporary)).toEqual(['live']);
});

it('a worker whose store lies below a file ends with one line that says so', async () => {
  const cwd = await mkdtemp(join(tmpdir(), 'halfspace-worker-'));
  await writeFile(join(cwd, 'halfspace.yaml'), IDLE);
  const env = { TEMPORAL_ADDRESS: inject('temporalAddress'), STORE_URL: 'file://./halfspace.yaml/store' };
  const { code, stderr } = await runCommand(['worker'], { cwd, env });
  expect(code).not.toBe(0);
  expect(stderr.trimEnd()).toMatch(/^[^\n]*ENOTDIR[^\n]*a file is where a folder should be[^\n]*set store\.url[^\n]*$/);
});
