import { mkdir, mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, inject, it } from 'vitest';
import { runCommand, startCommand } from './command.js';

const COMMANDS = [
  ['demo'],
  ['worker'],
  ['trigger'],
  ['backfill'],
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

  it.each([['schedule'], ['config'], ['local']])('the group %s explains itself with an example', async (name) => {
    const { code, stdout } = await runCommand([name, '--help']);
    expect(code).toBe(0);
    expect(stdout).toMatch(new RegExp(`Examples?:\\n +\\$ halfspace ${name} `));
  });

  it('shows no default that only a program can read, and marks what is required', async () => {
    const pages = await Promise.all(COMMANDS.map((command) => runCommand([...command, '--help'])));
    for (const { stdout } of pages) expect(stdout).not.toMatch(/default: (\[|\{|\d{4})/);
    const score = pages[COMMANDS.findIndex(([name]) => name === 'score')];
    expect(score?.stdout).toMatch(/--out <file>[^-]*\(required\)/);
  });

  it('suggests the nearest command', async () => {
    expect((await runCommand(['trigge'])).stderr).toMatch(/unknown command 'trigge'[\s\S]*mean trigger\?/);
    expect((await runCommand(['schedule', 'aply'])).stderr).toMatch(/unknown command 'aply'[\s\S]*mean apply\?/);
  });

  it('prints its version', async () => {
    const { version } = JSON.parse(await readFile(new URL('../../package.json', import.meta.url), 'utf8'));
    expect(await runCommand(['--version'])).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' });
  });

  it('ends quietly when nobody reads what it prints', async () => {
    const { process: child, done } = await startCommand(['help', 'simulate']);
    child.stdout?.destroy();
    expect(await done).toEqual({ code: 0, stdout: '', stderr: '' });
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

it('model list takes the pipeline as the other model commands do, and as an option', async () => {
  const cwd = await mkdtemp(join(tmpdir(), 'halfspace-cli-'));
  const list = (...args: string[]) =>
    runCommand(['model', 'list', ...args], { cwd, env: { STORE_URL: pathToFileURL(cwd).href } });
  for (const args of [['machines'], ['--pipeline', 'machines'], ['machines', '--pipeline', 'machines'], []]) {
    expect(await list(...args)).toMatchObject({ code: 0, stdout: 'no models\n' });
  }
  expect((await list('nothing')).stderr).toContain('No pipeline is called `nothing`');
  const two = await list('machines', '--pipeline', 'mage-demo');
  expect(two).toMatchObject({ code: 2, stderr: expect.stringContaining('leave --pipeline out') });
});

describe('a failure with --json', () => {
  it.each([
    ['a wrong option', ['trigger', '--nonsense'], {}, 2, 'WrongUse'],
    ['an unknown pipeline', ['trigger', 'nothing'], {}, 2, 'WrongUse'],
    ['settings that cannot be used', ['worker'], { LOG_LEVEL: 'loud' }, 2, 'BadSettings'],
    ['settings that a check finds wrong', ['config', 'check'], { LOG_LEVEL: 'loud' }, 2, 'BadSettings'],
    ['an absent server', ['schedule', 'list'], { TEMPORAL_ADDRESS: '127.0.0.1:1' }, 1, 'Unreachable'],
  ])('is one document on stdout: %s', async (_, args, env, code, kind) => {
    const result = await runCommand([...args, '--json'], { env });
    expect(result.code).toBe(code);
    expect(JSON.parse(result.stdout).error).toEqual({ kind, message: expect.stringMatching(/\S/) });
  });
});

describe('settings that cannot be used', () => {
  const good = { INFLUX_HOST: 'http://127.0.0.1:1', INFLUX_TOKEN: '', INFLUX_DATABASE: 'x' };
  const commands = [['worker'], ['trigger'], ['schedule', 'apply'], ['config', 'check'], ['simulate', '--live']];
  it.each(commands)('end %s %s with exit code 2', async (...command) => {
    const env = { ...good, TEMPORAL_ADDRESS: '127.0.0.1:1', LOG_LEVEL: 'loud' };
    const { code, stdout, stderr } = await runCommand(command, { env });
    expect((stdout + stderr).match(/Expected LOG_LEVEL to be one of/g)).toHaveLength(1);
    expect(code).toBe(2);
  });

  it.each([
    ['a .env that is a folder', ['worker'], {}, async (cwd: string) => mkdir(join(cwd, '.env'))],
    ['a host with a path', ['simulate', '--live'], { INFLUX_HOST: 'http://127.0.0.1:1/path' }, null],
    ['a broken Temporal profile', ['trigger'], { TEMPORAL_CONFIG_FILE: 'temporal.toml' }, brokenToml],
    ['a broken Temporal profile', ['config', 'check'], { TEMPORAL_CONFIG_FILE: 'temporal.toml' }, brokenToml],
    ['a certificate that is not there', ['trigger'], { TEMPORAL_TLS_CLIENT_CERT_PATH: 'no.pem' }, null],
  ])('%s ends %s with exit code 2', async (_, command, env, prepare) => {
    const cwd = await mkdtemp(join(tmpdir(), 'halfspace-cli-'));
    await prepare?.(cwd);
    const { code, stderr } = await runCommand(command, { cwd, env: { ...good, ...env } });
    expect(stderr).not.toMatch(/\n +at /);
    expect(code).toBe(2);
  });

  async function brokenToml(cwd: string): Promise<void> {
    await writeFile(join(cwd, 'temporal.toml'), '[profile.default\n');
  }
});

describe('bad input', () => {
  it.each([
    ['--from 2026-01-02T00:00:00Z --to 2026-01-01T00:00:00Z', /Expected --to after --from/],
    ['--from 2026-01-01 --to 2026-01-02T00:00:00Z', /Expected --from to be a time such as/],
    ['--from 2026-01-01T00:00:00Z --to 2100-01-01T00:00:00Z', /Expected --to before now/],
    ['--from 2026-01-01T00:00:00Z', /required option '--to/],
    ['--from 2026-01-01T00:00:00Z --to 2026-01-02T00:00:00Z --alerts each', /Allowed choices are off, digest/],
  ])('of a backfill is wrong use: %s', async (args, reason) => {
    const { code, stderr } = await runCommand(['backfill', ...args.split(' ')]);
    expect(code).toBe(2);
    expect(stderr).toMatch(reason);
  });

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
    expect(lineOf(stderr)).toMatch(/^halfspace: No Temporal server answers at 127\.0\.0\.1:1\b.*; start one/);
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
    expect(code).toBe(2);
    expect(stderr).toMatch(new RegExp(`Port ${port} .*--influx-port`));
  });
});
