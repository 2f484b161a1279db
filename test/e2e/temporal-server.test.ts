import { access, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { isAlive } from '../../src/local/temporal/running-process.js';
import {
  startTemporalServer,
  type TemporalServer,
  type TemporalServerOptions,
} from '../../src/local/temporal/server.js';
import { testTemporalCli } from '../local/temporal/test-cli.js';

const START_LIMIT_MS = 180_000;
let cliPath: string;
let folder: string;

beforeAll(async () => {
  cliPath = await testTemporalCli();
  folder = await mkdtemp(join(tmpdir(), 'halfspace-test-temporal-'));
}, START_LIMIT_MS);

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

async function start(options: Partial<TemporalServerOptions> = {}): Promise<TemporalServer> {
  const server = await startTemporalServer({ cliPath, port: 0, uiPort: 0, dbFile: null, ...options });
  onTestFinished(() => server.close());
  return server;
}

async function connect(server: TemporalServer): Promise<Client> {
  const connection = await Connection.connect({ address: server.address });
  onTestFinished(() => connection.close());
  return new Client({ connection });
}

function portOf(address: string): number {
  return Number(address.slice(address.lastIndexOf(':') + 1));
}

describe("Temporal's development server", { timeout: START_LIMIT_MS }, () => {
  it('takes a workflow start and serves its UI as soon as it is returned', async () => {
    const server = await start();
    const client = await connect(server);
    const handle = await client.workflow.start('detectionRun', {
      taskQueue: 'nobody',
      workflowId: 'w1',
      searchAttributes: { halfspaceMachine: ['m1'] },
    });
    expect((await handle.describe()).status.name).toBe('RUNNING');
    const page = await fetch(server.uiUrl);
    expect(page.status).toBe(200);
  });

  it('keeps workflows over a restart on the same file', async () => {
    const dbFile = join(folder, 'kept', 'temporal.db');
    const options = { dbFile };
    const first = await start(options);
    const firstClient = await connect(first);
    await firstClient.workflow.start('detectionRun', { taskQueue: 'nobody', workflowId: 'kept' });
    await first.close();
    const second = await start(options);
    const secondClient = await connect(second);
    expect((await secondClient.workflow.getHandle('kept').describe()).type).toBe('detectionRun');
  });

  it('makes a database anew that no server has served, and keeps it from then on', async () => {
    const dbFile = join(folder, 'died', 'temporal.db');
    await expect(start({ dbFile, startTimeoutMs: 0 })).rejects.toMatchObject({ kind: 'TimedOut' });
    // A file without all its tables, as one that is killed meanwhile leaves it.
    await writeFile(dbFile, '');
    const first = await start({ dbFile });
    const firstClient = await connect(first);
    await firstClient.workflow.start('detectionRun', { taskQueue: 'nobody', workflowId: 'kept' });
    await first.close();
    expect((await readdir(dirname(dbFile))).filter((name) => !/^temporal\.db(-wal|-shm)?$/.test(name))).toEqual([]);
    const secondClient = await connect(await start({ dbFile }));
    expect((await secondClient.workflow.getHandle('kept').describe()).type).toBe('detectionRun');
  });

  it('leaves a half-made database alone that it has not begun itself, and says what it is', async () => {
    const dbFile = join(folder, 'older', 'temporal.db');
    await mkdir(dirname(dbFile));
    await writeFile(dbFile, '');
    const attempt = startTemporalServer({ cliPath, port: 0, uiPort: 0, dbFile });
    await expect(attempt).rejects.toThrow(`${dbFile} is half made`);
    await access(dbFile);
  });

  it('runs beside another one', async () => {
    const [one, two] = await Promise.all([start(), start()]);
    expect(one.address).not.toBe(two.address);
    expect(await isAlive(one.pid)).toBe(true);
    expect(await isAlive(two.pid)).toBe(true);
  });

  it('ends the one that a killed start left on its port', async () => {
    const pidFile = join(folder, 'temporal.pid');
    const left = await start({ pidFile });
    const next = await start({ pidFile, port: portOf(left.address), uiPort: portOf(left.uiUrl) });
    expect(await isAlive(left.pid)).toBe(false);
    expect(next.address).toBe(left.address);
    await next.close();
    await expect(access(pidFile)).rejects.toThrow('ENOENT');
  });

  it('names the port that is in use and the flag that changes it', async () => {
    const running = await start();
    const port = portOf(running.address);
    await expect(start({ port })).rejects.toThrow(`Port ${port} for Temporal is in use`);
    await expect(start({ port })).rejects.toThrow('--temporal-port');
    const uiPort = portOf(running.uiUrl);
    await expect(start({ uiPort })).rejects.toThrow(`Port ${uiPort} for Temporal's web UI is in use`);
  });

  it('shows the end of the log when it exits at once', async () => {
    const dbFile = join(folder, 'no-database');
    await mkdir(dbFile, { recursive: true });
    const attempt = startTemporalServer({ cliPath, port: 0, uiPort: 0, dbFile });
    await expect(attempt).rejects.toMatchObject({ kind: 'ServerFault' });
    await expect(attempt).rejects.toThrow(/exit code 1\.\n {2}\S+/);
  });

  it('says so when the program cannot be started', async () => {
    const attempt = startTemporalServer({ cliPath: join(folder, 'absent'), port: 0, uiPort: 0, dbFile: null });
    await expect(attempt).rejects.toMatchObject({ kind: 'BadSettings' });
    await expect(attempt).rejects.toThrow('absent');
  });

  it('is gone after close, and tells how it ended', async () => {
    const logFile = join(folder, 'logs', 'temporal.log');
    const server = await start({ logFile });
    await server.close();
    expect(await isAlive(server.pid)).toBe(false);
    expect(await server.exited).toEqual({ code: 0, signal: null });
    expect(await readFile(logFile, 'utf8')).toContain('Temporal Server:');
  });
});
