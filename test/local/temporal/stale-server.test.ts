import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { endStaleServer, writePidFile } from '../../../src/local/temporal/pid-file.js';
import { commandLine, endProcess, isAlive } from '../../../src/local/temporal/running-process.js';
import { spawnServer } from '../../../src/local/temporal/server-process.js';
import { compileSources } from '../compile.js';

let folder: string;
let pidFile: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'halfspace-test-stale-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  pidFile = join(folder, 'server.pid');
});

/** A process that runs until it is ended; with `deaf` it ignores SIGTERM. */
async function startSleeper(deaf = false): Promise<number> {
  const script = `${deaf ? "process.on('SIGTERM', () => {});" : ''} process.stdout.write('up'); setInterval(() => {}, 60_000)`;
  const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'ignore'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  await once(child.stdout, 'data');
  if (child.pid === undefined) throw new Error('no pid');
  return child.pid;
}

describe('a server left behind by a killed start', () => {
  it('is ended when its command line is the noted one', async () => {
    const pid = await startSleeper();
    await writePidFile(pidFile, pid, (await commandLine(pid)) ?? '');
    expect(await endStaleServer(pidFile, 2_000)).toBe(pid);
    expect(await isAlive(pid)).toBe(false);
    await expect(access(pidFile)).rejects.toThrow('ENOENT');
  });

  it('is killed when it does not listen to SIGTERM', async () => {
    const pid = await startSleeper(true);
    await writePidFile(pidFile, pid, (await commandLine(pid)) ?? '');
    await endStaleServer(pidFile, 200);
    expect(await isAlive(pid)).toBe(false);
  });

  it('is left alone when the pid belongs to something else by now', async () => {
    const pid = await startSleeper();
    await writePidFile(pidFile, pid, 'temporal server start-dev --port 7233');
    expect(await endStaleServer(pidFile, 2_000)).toBeNull();
    expect(await isAlive(pid)).toBe(true);
  });

  it('needs no note to be absent', async () => {
    expect(await endStaleServer(pidFile, 10)).toBeNull();
    await writeFile(pidFile, 'half a li');
    expect(await endStaleServer(pidFile, 10)).toBeNull();
    await writePidFile(pidFile, 99_999_999, 'x');
    expect(await endStaleServer(pidFile, 10)).toBeNull();
  });
});

describe('a spawned server', () => {
  it('is ended soon after its parent was killed', async () => {
    const compiled = await compileSources(['local/temporal/server-process']);
    onTestFinished(() => compiled.remove());
    const code = `const { spawnServer } = ${compiled.importOf('local/temporal/server-process')};
      const log = ${JSON.stringify(join(folder, 'log'))};
      const server = await spawnServer(process.execPath, ['-e', 'setInterval(() => {}, 60000)'], log);
      console.log(server.pid);
      setInterval(() => {}, 60000);`;
    const parent = spawn(process.execPath, ['--input-type=module', '-e', code], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    onTestFinished(() => void parent.kill('SIGKILL'));
    const [text] = await once(parent.stdout, 'data');
    const pid = Number(String(text));
    expect(await isAlive(pid)).toBe(true);
    parent.kill('SIGKILL');
    await expect.poll(() => isAlive(pid), { timeout: 10_000 }).toBe(false);
  });

  it('tells its exit code and keeps what it printed', async () => {
    const logFile = join(folder, 'deep', 'log');
    const server = await spawnServer(process.execPath, ['-e', "console.error('no luck'); process.exit(3)"], logFile);
    expect(await server.exited).toEqual({ code: 3, signal: null });
    expect(await readFile(logFile, 'utf8')).toBe('no luck\n');
    await endProcess(server.pid, 10);
  });
});
