import { mkdtemp, readdir, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { isAlive } from '../../src/local/temporal/running-process.js';
import { type RunningCommand, startCommand } from './command.js';

const ANY_PORTS = ['--influx-port', '0', '--temporal-port', '0', '--ui-port', '0'];

async function demoIn(cwd: string, ...args: string[]): Promise<RunningCommand> {
  const command = await startCommand(['demo', ...args], { cwd });
  onTestFinished(() => void command.process.kill('SIGKILL'));
  return command;
}

async function newFolder(): Promise<string> {
  return mkdtemp(join(tmpdir(), 'halfspace-demo-'));
}

/** Waits until it has printed this. */
async function printed({ output }: RunningCommand, text: RegExp): Promise<void> {
  await expect.poll(output, { timeout: 60_000, interval: 100 }).toMatch(text);
}

describe('demo --once', () => {
  it('alerts the broken machine and no other, and prints one document', async () => {
    const { code, stdout, stderr } = await (await demoIn(await newFolder(), '--once', '--json')).done;
    expect(code, stderr).toBe(0);
    const document = JSON.parse(stdout);
    expect(Object.keys(document)).toEqual([
      'rows',
      'machines',
      'anomalies',
      'alerts',
      'plots',
      'scores_written',
      'seconds',
    ]);
    expect(document).toMatchObject({ rows: 21_600, machines: 3, scores_written: 21_600 });
    expect(document.alerts).toHaveLength(1);
    expect(document.alerts[0].unique_id).toMatch(/-machine2$/);
    const plot = await readFile(document.plots[0]);
    expect(plot.subarray(1, 4).toString()).toBe('PNG');
  });

  it('leaves one that is still going on in peace, begins anew each time, and names the plot from where one is', async () => {
    const cwd = await newFolder();
    const first = await demoIn(cwd, '--once');
    await printed(first, /starting Temporal/);
    const second = await (await demoIn(cwd, '--once')).done;
    expect(second.code).not.toBe(0);
    expect(second.stderr.trim()).toMatch(
      new RegExp(`^halfspace: .*demo-once is in use by process ${first.process.pid}`),
    );
    expect(second.stderr.trim().split('\n')).toHaveLength(1);
    const { code, stdout } = await first.done;
    expect(code, first.output()).toBe(0);
    expect(stdout).toMatch(/^ {2}plot: \.halfspace\/demo-once\/store\/plots\//m);
    const third = await (await demoIn(cwd, '--once')).done;
    expect(third.code, third.stderr).toBe(0);
    expect(third.stdout).toMatch(/0 loaded, 3 new/);
  });
});

describe('demo', () => {
  it('ends all its processes within ten seconds of Ctrl-C, and the next start continues in a home of its own', async () => {
    const cwd = await newFolder();
    const first = await demoIn(cwd, ...ANY_PORTS);
    await printed(first, /rows of 3 machines scored .*3 new models/);
    expect(await readdir(join(cwd, '.halfspace'))).toEqual(['demo']);
    const pidFile = join(cwd, '.halfspace', 'demo', 'temporal.pid');
    const pid = Number(/"pid":\s*(\d+)/.exec(await readFile(pidFile, 'utf8'))?.[1]);
    expect(pid).toBeGreaterThan(0);
    const stoppedAt = Date.now();
    first.process.kill('SIGINT');
    const { code } = await first.done;
    expect(Date.now() - stoppedAt).toBeLessThan(10_000);
    expect(code).toBe(0);
    expect(await isAlive(pid)).toBe(false);

    const second = await demoIn(cwd, ...ANY_PORTS);
    await printed(second, /\d\dZ {2}\d+ rows? of 3 machines scored/);
    second.process.kill('SIGINT');
    expect((await second.done).code).toBe(0);
    // A new history would be 21,600 rows and three new models; two runs at once would find machines busy.
    expect(second.output()).toMatch(/wrote the time since the last demo/);
    expect(second.output()).not.toMatch(/new model|not scored/);
  });
});
