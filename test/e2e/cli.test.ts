import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, inject, it } from 'vitest';
import { runCommand, startCommand } from './command.js';

const COMMANDS = [
  ['demo'],
  ['worker'],
  ['trigger'],
  ['schedule', 'apply'],
  ['schedule', 'list'],
  ['schedule', 'pause'],
  ['schedule', 'resume'],
  ['schedule', 'delete'],
  ['score'],
  ['import'],
  ['init'],
  ['config', 'check'],
  ['simulate'],
  ['local', 'up'],
];

/** Environment of a command that talks to the shared Temporal server. */
function shared(): Record<string, string> {
  return { TEMPORAL_ADDRESS: inject('temporalAddress') };
}

async function folderWith(file: string, text: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'halfspace-cli-'));
  await writeFile(join(folder, file), text);
  return folder;
}

/** The message without Node's own notes. */
function lineOf(stderr: string): string {
  return stderr.trim();
}

describe('every command', () => {
  it.each(COMMANDS)('%s %s explains itself with an example', async (...command) => {
    const { code, stdout } = await runCommand([...command, '--help']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/Usage: halfspace/);
    expect(stdout).toMatch(new RegExp(`Examples?:\\n +\\$ halfspace ${command.join(' ')}`));
  });

  it.each([[['nonsense']], [['trigger', '--nonsense']], [['demo', '--ui-port', 'x']], [['score']]])(
    'exits 2 when it is called wrongly: %s',
    async (args) => {
      const { code, stderr } = await runCommand(args);
      expect(code).toBe(2);
      expect(stderr).toMatch(/error:/);
    },
  );
});

describe('bad input', () => {
  it('names the pipelines there are when there is no such pipeline', async () => {
    const { code, stderr } = await runCommand(['trigger', 'machine'], { env: shared() });
    expect(code).toBe(2);
    expect(lineOf(stderr)).toBe('halfspace: No pipeline is called `machine`; halfspace.yaml has: machines, mage-demo');
  });

  it('says where YAML is broken', async () => {
    const cwd = await folderWith('halfspace.yaml', 'influx: {host: "x"\npipelines:\n');
    const { code, stderr } = await runCommand(['trigger'], { cwd });
    expect(code).toBe(2);
    expect(lineOf(stderr)).toMatch(/^halfspace: halfspace\.yaml:\d+:\d+ /);
  });

  it('names a missing variable and where it is used', async () => {
    const { code, stderr } = await runCommand(['worker'], {
      env: { INFLUX_TOKEN: '', INFLUX_DATABASE: 'x', ...shared() },
    });
    expect(code).toBe(2);
    expect(stderr).toMatch(/halfspace\.yaml:\d+:\d+ influx\.host: .*INFLUX_HOST/);
    expect(lineOf(stderr).split('\n')).toHaveLength(1);
  });

  it('says that no Temporal server answers', async () => {
    const { code, stderr } = await runCommand(['trigger'], { env: { TEMPORAL_ADDRESS: '127.0.0.1:1' } });
    expect(code).toBe(1);
    expect(lineOf(stderr)).toMatch(/^halfspace: No Temporal server answers at 127\.0\.0\.1:1; start one/);
  });

  it('says that no worker is there, and starts nothing', async () => {
    const yaml = await readFile(new URL('../../halfspace.yaml', import.meta.url), 'utf8');
    const cwd = await folderWith('halfspace.yaml', `${yaml}\nworker: { task_queue: nobody-here }\n`);
    const { code, stderr } = await runCommand(['trigger'], { cwd, env: shared() });
    expect(code).toBe(1);
    expect(lineOf(stderr)).toMatch(/^halfspace: No worker polls the task queue `nobody-here`/);
  });

  it('names the port that is in use and what to do', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => taken.once('listening', resolve));
    const address = taken.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const { code, stderr } = await runCommand(['demo', '--once', '--influx-port', String(port)]);
    taken.close();
    expect(code).toBe(1);
    expect(stderr).toMatch(new RegExp(`Port ${port} .*--influx-port`));
  });
});

describe('demo', () => {
  it('--once alerts the broken machine and no other, and prints one document', async () => {
    const { code, stdout, stderr } = await runCommand(['demo', '--once', '--json']);
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

  it('ends all its processes within ten seconds of Ctrl-C, and the next start continues', async () => {
    const cwd = await mkdtemp(join(tmpdir(), 'halfspace-cli-'));
    const ports = ['--influx-port', '0', '--temporal-port', '0', '--ui-port', '0'];
    const first = await startCommand(['demo', ...ports], { cwd });
    await expect.poll(first.output, { timeout: 60_000, interval: 100 }).toMatch(/rows scored/);
    const pid = Number(/"pid":\s*(\d+)/.exec(await readFile(join(cwd, '.halfspace', 'temporal.pid'), 'utf8'))?.[1]);
    expect(pid).toBeGreaterThan(0);
    const stoppedAt = Date.now();
    first.process.kill('SIGINT');
    const { code } = await first.done;
    expect(Date.now() - stoppedAt).toBeLessThan(10_000);
    expect(code).toBe(0);
    expect(() => process.kill(pid, 0)).toThrow();

    const second = await startCommand(['demo', ...ports], { cwd });
    await expect.poll(second.output, { timeout: 60_000, interval: 100 }).toMatch(/3 cached|3 loaded/);
    second.process.kill('SIGINT');
    expect((await second.done).code).toBe(0);
    // A new history would be 21,600 rows and three new models.
    expect(second.output()).not.toMatch(/wrote 21600 rows|3 new/);
  });
});
