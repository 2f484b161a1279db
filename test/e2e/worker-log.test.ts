import { mkdir, mkdtemp, readdir, utimes, writeFile } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { expect, inject, it, onTestFinished } from 'vitest';
import { readEnvironment } from '../../src/config/environment.js';
import { findTemporalCli } from '../../src/local/temporal/find-cli.js';
import { startTemporalServer } from '../../src/local/temporal/server.js';
import { runCommand, startCommand } from './command.js';

/** A server that takes every connection and never says a word. */
async function silentServer(): Promise<number> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => sockets.add(socket.on('error', () => {})));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

it("what Temporal's native part has to say is a line like the others", async () => {
  const { temporalCliPath, searchPath, cacheHome } = readEnvironment();
  const cliPath = await findTemporalCli({ cacheDir: cacheHome, cliPath: temporalCliPath, pathVariable: searchPath });
  const server = await startTemporalServer({ cliPath, port: 0, uiPort: 0, dbFile: null });
  onTestFinished(() => server.close());
  const cwd = await mkdtemp(join(tmpdir(), 'halfspace-worker-'));
  await writeFile(
    join(cwd, 'halfspace.yaml'),
    'influx: { host: "http://127.0.0.1:1", database: d }\npipelines: { p: { source: { table: t, id: [m], values: [x] }, normalise: running } }\n',
  );
  const worker = await startCommand(['worker'], { cwd, env: { TEMPORAL_ADDRESS: server.address } });
  onTestFinished(() => void worker.process.kill('SIGKILL'));
  await expect.poll(worker.output, { timeout: 30_000 }).toMatch(/worker polls/);
  await server.close();
  await expect.poll(worker.output, { timeout: 40_000 }).toMatch(/gRPC call/);
  worker.process.kill('SIGKILL');
  const { stderr } = await worker.done;
  for (const line of stderr.trimEnd().split('\n').slice(1)) expect(line).toMatch(/^\d{4}-\d\d-\d\dT\S+Z warn \S/);
  expect(stderr).not.toContain('\u001b');
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
