import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { type Home, homeAt, lockHome } from '../../src/local/home.js';
import { commandLine } from '../../src/local/temporal/running-process.js';

let home: Home;

beforeEach(async () => {
  const dir = await mkdtemp(join(tmpdir(), 'halfspace-test-home-'));
  onTestFinished(() => rm(dir, { recursive: true, force: true }));
  home = homeAt(join(dir, '.halfspace'));
});

async function writeLock(pid: number, command: string): Promise<void> {
  await mkdir(home.dir, { recursive: true });
  await writeFile(home.lockFile, JSON.stringify({ pid, command, id: 'other' }));
}

describe('a home that cannot be used', () => {
  it.each([
    ['a file in its place', async () => writeFile(home.dir, '')],
    ['a file above it', async () => writeFile(join(home.dir, '..', 'above'), '')],
    ['a file in place of its logs', async () => mkdir(home.dir).then(() => writeFile(home.logsDir, ''))],
  ])('says so in one line: %s', async (what, prepare) => {
    await prepare();
    const used = what.includes('above') ? homeAt(join(home.dir, '..', 'above', '.halfspace')) : home;
    const failure = await lockHome(used).catch((error: unknown) => error);
    expect(failure).toMatchObject({ kind: 'BadSettings' });
    expect(String(failure)).toContain(`${used.dir} cannot be used: there is a file in its place. Make it a folder`);
  });

  it('says so of a folder that belongs to somebody else', async () => {
    await mkdir(home.dir);
    await chmod(home.dir, 0o555);
    const isRoot = process.geteuid?.() === 0;
    if (isRoot) process.seteuid?.(65_534); // root may write everywhere
    try {
      await expect(lockHome(home)).rejects.toThrow(`${home.dir} cannot be used: EACCES. Make it a folder`);
    } finally {
      if (isRoot) process.seteuid?.(0);
    }
  });
});

describe('the lock of a home', () => {
  it('is refused to a second taker with the pid of the first', async () => {
    const lock = await lockHome(home);
    await expect(lockHome(home)).rejects.toThrow(`in use by process ${process.pid}`);
    await lock.release();
    await expect(lockHome(home)).resolves.toBeDefined();
  });

  it('goes to exactly one of many that ask one upon the other, a dead holder before them', async () => {
    const ROUNDS = 10;
    const TAKERS = 150;
    const SPREAD_MS = 30; // so that late ones read the dead lock while an early one replaces it
    for (let round = 0; round < ROUNDS; round++) {
      // every other round the pid lives on as another program, which takes longer to find out
      await writeLock(round % 2 === 0 ? deadPid() : process.ppid, 'node demo');
      const takers = Array.from({ length: TAKERS }, async (_, i) => {
        await sleep((i * SPREAD_MS) / TAKERS);
        return lockHome(home);
      });
      const results = await Promise.allSettled(takers);
      expect(results.filter((result) => result.status === 'fulfilled')).toHaveLength(1);
    }
  });

  it('is taken over from a process that died', async () => {
    await writeLock(deadPid(), 'node demo');
    await lockHome(home);
    expect(JSON.parse(await readFile(home.lockFile, 'utf8')).pid).toBe(process.pid);
  });

  it("is taken over when the holder's pid belongs to another program by now", async () => {
    const child = spawn(process.execPath, ['-e', 'process.stdin.resume()'], { stdio: ['pipe', 'ignore', 'ignore'] });
    onTestFinished(() => void child.kill());
    await once(child, 'spawn');
    if (child.pid === undefined) throw new Error('no pid');
    await writeLock(child.pid, 'node some-other-program.js');
    await lockHome(home);
    expect(await commandLine(child.pid)).toContain('process.stdin.resume');
  });

  it('is taken over when its file is not readable as a lock', async () => {
    await mkdir(home.dir, { recursive: true });
    await writeFile(home.lockFile, 'half a li');
    await expect(lockHome(home)).resolves.toBeDefined();
  });

  it('leaves nothing behind once released, and releases only its own', async () => {
    const lock = await lockHome(home);
    await lock.release();
    expect(await readdir(home.dir)).toEqual(['logs']);
    const next = await lockHome(home);
    await lock.release();
    await expect(lockHome(home)).rejects.toThrow('in use');
    await next.release();
  });
});

/** No Linux or macOS process has this id: pid_max is 4,194,304 at most. */
function deadPid(): number {
  return 99_999_999;
}
