import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { Client, Connection } from '@temporalio/client';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { readEnvironment } from '../../src/config/environment.js';
import { createInflux, type Influx } from '../../src/influx/connect.js';
import { homeAt, lockHome } from '../../src/local/home.js';
import { readStack, type StackAddresses, startStack } from '../../src/local/stack.js';
import { isPortFree } from '../../src/local/temporal/free-port.js';
import { isAlive } from '../../src/local/temporal/running-process.js';
import { type Compiled, compileSources } from '../local/compile.js';
import { testTemporalCli } from '../local/temporal/test-cli.js';

const FREE_PORTS = { influxPort: 0, temporalPort: 0, uiPort: 0 };
const STOP_LIMIT_MS = 10_000;
let compiled: Compiled;
let home: string;

beforeAll(async () => {
  await testTemporalCli();
  compiled = await compileSources(['cli/local-up', 'config/environment']);
});

afterAll(async () => {
  await compiled.remove();
});

beforeEach(async () => {
  const folder = await mkdtemp(join(tmpdir(), 'halfspace-test-up-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  home = join(folder, '.halfspace');
});

interface Running extends StackAddresses {
  readonly child: ChildProcess;
  readonly temporalPid: number;
  /** What it has written to stderr. */
  said(): string;
}

/** `halfspace local up` in a process of its own, once it has said where its servers are. @param first what the process does before. */
async function up(first = ''): Promise<Running> {
  const code = `${first}
    const { localUp } = ${compiled.importOf('cli/local-up')};
    const { readEnvironment } = ${compiled.importOf('config/environment')};
    const io = { stdout: (text) => process.stdout.write(text), stderr: (text) => process.stderr.write(text), isTty: false, json: true };
    const home = ${JSON.stringify(home)};
    const ports = { influxPort: 0, temporalPort: 0, uiPort: 0 };
    await localUp({ home, ...ports, environment: readEnvironment() }, io).catch((error) => {
      process.exitCode = error.kind === 'ServerFault' ? 1 : 9;
    });`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], { stdio: ['ignore', 'pipe', 'pipe'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  for await (const line of createInterface({ input: child.stdout })) {
    const { influx, temporal, ui } = JSON.parse(line);
    const { pid } = JSON.parse(await readFile(homeAt(home).temporalPid, 'utf8'));
    return { child, influxUrl: influx, temporalAddress: temporal, uiUrl: ui, temporalPid: pid, said: () => said };
  }
  throw new Error(`it ended without saying where its servers are: ${said}`);
}

function influxAt(url: string): Influx {
  const influx = createInflux({ host: url, token: null, database: 'demo' });
  onTestFinished(() => influx.close());
  return influx;
}

async function countRows(url: string): Promise<number> {
  let rows = 0;
  for await (const table of influxAt(url).query('SELECT * FROM machine_data')) rows += table.rows;
  return rows;
}

async function clientAt(address: string): Promise<Client> {
  const connection = await Connection.connect({ address });
  onTestFinished(() => connection.close());
  return new Client({ connection });
}

async function leaveTraces({ influxUrl, temporalAddress }: StackAddresses): Promise<void> {
  await influxAt(influxUrl).write(['machine_data,machineID=m1 power=1 1000000000']);
  const client = await clientAt(temporalAddress);
  await client.workflow.start('detectionRun', { taskQueue: 'nobody', workflowId: 'kept' });
}

async function expectTraces({ influxUrl, temporalAddress }: StackAddresses): Promise<void> {
  expect(await countRows(influxUrl)).toBe(1);
  const client = await clientAt(temporalAddress);
  expect((await client.workflow.getHandle('kept').describe()).type).toBe('detectionRun');
}

function portOf(address: string): number {
  return Number(address.slice(address.lastIndexOf(':') + 1));
}

describe('local up', () => {
  it.each(['SIGINT', 'SIGTERM'] as const)(
    'ends every server within 10 s of %s, and its data is there next time',
    async (name) => {
      const first = await up();
      expect(await readStack(home)).toMatchObject({ influxUrl: first.influxUrl, uiUrl: first.uiUrl });
      await leaveTraces(first);
      const askedMs = Date.now();
      first.child.kill(name);
      const [code] = await once(first.child, 'exit');
      expect(Date.now() - askedMs).toBeLessThan(STOP_LIMIT_MS);
      expect(code).toBe(0);
      expect(await isAlive(first.temporalPid)).toBe(false);
      for (const address of [first.influxUrl, first.temporalAddress, first.uiUrl]) {
        expect(await isPortFree('127.0.0.1', portOf(address))).toBe(true);
      }
      expect(await readStack(home)).toBeNull();
      await expect(access(homeAt(home).lockFile)).rejects.toThrow('ENOENT');
      await expectTraces(await up());
    },
  );

  it('ends in words within 10 s also when a thread of native code never comes back', async () => {
    const pipe = join(await mkdtemp(join(tmpdir(), 'halfspace-test-pipe-')), 'nobody-writes');
    onTestFinished(() => rm(dirname(pipe), { recursive: true, force: true }));
    await promisify(execFile)('mkfifo', [pipe]);
    const first = await up(`(await import('node:fs')).open(${JSON.stringify(pipe)}, 'r', () => undefined);`);
    await leaveTraces(first);
    const askedMs = Date.now();
    first.child.kill('SIGINT');
    await once(first.child, 'close');
    expect(Date.now() - askedMs).toBeLessThan(STOP_LIMIT_MS);
    expect(first.said()).toContain('did not end in time and are killed');
    await expectTraces(await up());
  });

  it('starts again from what a killed one left, whose server is gone by itself', async () => {
    const first = await up();
    await leaveTraces(first);
    first.child.kill('SIGKILL');
    await once(first.child, 'exit');
    await expect.poll(() => isAlive(first.temporalPid), { timeout: STOP_LIMIT_MS }).toBe(false);
    await expectTraces(await up());
  });

  it('fails when its Temporal server dies, and ends the other one', async () => {
    const running = await up();
    process.kill(running.temporalPid, 'SIGKILL');
    const [code] = await once(running.child, 'exit');
    expect(code).toBe(1);
    expect(await isPortFree('127.0.0.1', portOf(running.influxUrl))).toBe(true);
  });
});

describe('the stack', () => {
  const environment = readEnvironment();

  it('is refused in a home that is in use, with the pid that holds it', async () => {
    const lock = await lockHome(homeAt(home));
    const attempt = startStack({ home, ...FREE_PORTS, token: null, environment });
    await expect(attempt).rejects.toThrow(`${home} is in use by process ${process.pid}`);
    await lock.release();
  });

  it('runs beside another one in another home, in memory, with a token and search attributes', async () => {
    const options = { ...FREE_PORTS, inMemory: true, token: 'secret', environment };
    const stacks = await Promise.all([startStack({ home, ...options }), startStack({ home: `${home}-2`, ...options })]);
    onTestFinished(async () => {
      for (const stack of stacks) await stack.close();
    });
    for (const stack of stacks) {
      await expect(influxAt(stack.influxUrl).write(['t f=1 1'])).rejects.toMatchObject({ kind: 'BadCredentials' });
      const client = await clientAt(stack.temporalAddress);
      const { customAttributes } = await client.connection.operatorService.listSearchAttributes({
        namespace: 'default',
      });
      expect(Object.keys(customAttributes ?? {})).toContain('halfspacePipeline');
    }
    await expect(access(homeAt(home).temporalDb)).rejects.toThrow('ENOENT');
  });

  it('leaves nothing running and the home free when a port is taken', async () => {
    const first = await startStack({ home: `${home}-1`, ...FREE_PORTS, inMemory: true, token: null, environment });
    onTestFinished(() => first.close());
    const start = (ports: Partial<typeof FREE_PORTS>) =>
      startStack({ home, ...FREE_PORTS, inMemory: true, token: null, environment, ...ports });
    const influxPort = portOf(first.influxUrl);
    await expect(start({ influxPort })).rejects.toThrow(`Port ${influxPort} for InfluxDB is in use`);
    await expect(start({ influxPort })).rejects.toThrow('--influx-port');
    const uiPort = portOf(first.uiUrl);
    await expect(start({ uiPort })).rejects.toThrow(`Port ${uiPort} for Temporal's web UI is in use`);
    const lock = await lockHome(homeAt(home));
    await lock.release();
  });
});
