import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
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
