import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { createAsk } from '../../src/cli/init/ask.js';
import { type InitIo, type InitOptions, init } from '../../src/cli/init.js';
import { UsageError } from '../../src/cli/usage-error.js';
import { loadSettings } from '../../src/config/load.js';
import { HalfspaceError } from '../../src/contract/failures.js';
import { createInflux } from '../../src/influx/connect.js';
import { type StandIn, startStandIn } from '../../src/local/standin/server.js';
import { folderWith } from '../config/folder.js';
import { randomFrom } from '../random.js';
import { capturedIo } from './captured-io.js';

const TOKEN = 'a token with # and $signs';
const NOW = 1_767_225_600_000; // 2026-01-01

/** Stays open after a question, as a terminal does. */
class Screen extends PassThrough {
  override end(): this {
    return this;
  }
}

let server: StandIn;

beforeAll(async () => {
  server = await startStandIn({ port: 0, dataDir: null, token: TOKEN });
  const influx = createInflux({ host: server.url, token: TOKEN, database: 'factory' });
  const lines: string[] = [];
  for (let i = 0; i < 300; i++) {
    const machine = `machine${(i % 3) + 1}`;
    lines.push(
      `machine_data,machineID=${machine},provider=Acme power=${200 + (i % 20)},load=${50 + (i % 50)} ${NOW + i * 1000}000000`,
      `as_fields device="d${i % 4}",message="text ${i}",x=${-i / 100},flat=7 ${NOW + i * 1000}000000`,
    );
  }
  await influx.write(lines);
  const random = randomFrom(1);
  await influx.write(
    Array.from({ length: 1200 }, (_, i) => {
      const noise = Array.from({ length: 12 }, random).reduce((sum, x) => sum + x, -6);
      return `noisy,machineID=machine${i % 2} power=${200 + 5 * noise} ${NOW + i * 1000}000000`;
    }),
  );
  await influx.write(
    Array.from({ length: 1200 }, (_, i) => {
      const values = `power=${100 + 100 * (i % 2) + 4 * random()},temperature=${35 + random()}`;
      return `unlike,machineID=machine${i % 2} ${values} ${NOW + i * 1000}000000`;
    }),
  );
  await influx.close();
  const other = createInflux({ host: server.url, token: TOKEN, database: 'texts' });
  await other.write(
    [1, 20, 300].map((x, i) => `texts,machineID=m power="${x},5",note="ok",load="${x}" ${NOW + i}000000`),
  );
  await other.close();
});

afterAll(() => server.close());

function run(options: InitOptions, io: InitIo = capturedIo()) {
  return init({ env: {}, host: server.url, token: TOKEN, database: 'factory', yes: !io.isTty, ...options }, io);
}

const read = (cwd: string, file: string) => readFileSync(join(cwd, file), 'utf8');

describe('without questions', () => {
  test('proposes ids, values and limits, and writes files that load', async () => {
    const cwd = folderWith();
    const io = capturedIo();
    await run({ cwd, table: 'machine_data' }, io);

    const settings = loadSettings({ cwd, env: {} });
    expect(settings.shipped).toBe(false);
    expect(settings.influx).toMatchObject({ host: server.url, token: TOKEN, database: 'factory' });
    expect(settings.pipelines.machines).toMatchObject({
      source: { table: 'machine_data', id: ['provider', 'machineID'], values: ['load', 'power'], time: 'time' },
      normalise: { load: [20, 130], power: [190, 230] },
      output: { table: 'machine_data_anomalies' },
      alerts: ['ops'],
    });
    expect(read(cwd, 'halfspace.yaml')).toContain('# observed 200 to 219');
    expect(io.out()).toContain('Wrote halfspace.yaml and .env');
    expect(io.out() + io.err()).toMatch(
      /300 rows; machineID \(tag, 3 values\), provider \(tag, 1 value\), load \(50 to 99\)/,
    );
  });

  test('widens limits under which many rows of the table would be anomalous, and says so', async () => {
    const [cwd, io] = [folderWith(), capturedIo()];
    await run({ cwd, table: 'noisy' }, io);
    expect(io.err()).toMatch(
      /^limits: \d+ % of ordinary rows are anomalous within the limits power \d+ to \d+, .*; 0(\.\d+)? % would be with these$/m,
    );
    const settings = loadSettings({ cwd, env: {} });
    const limits = settings.pipelines.machines?.normalise as Record<string, [number, number]> | undefined;
    const [low, high] = limits?.power ?? [Number.NaN, Number.NaN];
    expect(low).toBeLessThan(150);
    expect(high).toBeGreaterThan(250);
    expect(io.out()).not.toContain('suggest');
  });

  test('takes another detector where no limits suit the rows of the table, and says why', async () => {
    const [cwd, io] = [folderWith(), capturedIo()];
    await run({ cwd, table: 'unlike' }, io);
    expect(io.err()).toMatch(
      /^detector: .*% of rows moved by 10 standard deviations are noticed .*; with this 0 % of/m,
    );
    expect(loadSettings({ cwd, env: {} }).pipelines.machines).toMatchObject({
      detector: { kind: 'robust_zscore', limit: 5 },
      verdict: { threshold: 0.5 },
    });
  });

  test.each([
    [{ npm_command: 'exec' }, '/plant/node_modules/.bin/halfspace', 'npx halfspace'],
    [{}, '/usr/local/bin/halfspace', 'halfspace'],
  ])('says what comes next in the words it was called with: %j, %s', async (env, script, program) => {
    const io = capturedIo();
    await run({ cwd: folderWith(), table: 'machine_data', env, script }, io);
    expect(io.out()).toContain(
      `Next: \`${program} config check --live\`; once there are more rows, \`${program} suggest --from … --to …\`, which tries the limits on them (there were too few now): narrow ones call healthy rows anomalous; then \`${program} worker\`, and \`${program} trigger\` in another terminal.`,
    );
  });

  test('points editors to the schema of the program installed beside the settings, and to none that is not there', async () => {
    const cwd = folderWith();
    await run({ cwd, table: 'machine_data' });
    expect(read(cwd, 'halfspace.yaml')).not.toContain('$schema');
    mkdirSync(join(cwd, 'node_modules', 'halfspace'), { recursive: true });
    writeFileSync(join(cwd, 'node_modules', 'halfspace', 'halfspace.schema.json'), '{}');
    await run({ cwd, table: 'machine_data', force: true });
    expect(read(cwd, 'halfspace.yaml').split('\n')[0]).toBe(
      '# yaml-language-server: $schema=./node_modules/halfspace/halfspace.schema.json',
    );
  });

  test('takes proposals only when told to', async () => {
    const cwd = folderWith();
    const refused = run({ cwd, table: 'machine_data', yes: false });
    await expect(refused).rejects.toThrow(UsageError);
    await expect(refused).rejects.toThrow(
      /give --id \(proposed: provider,machineID\), or --yes to take every proposal$/,
    );
    await expect(run({ cwd, table: 'machine_data', id: ['machineID'], yes: false })).rejects.toThrow(/give --values/);
    expect(existsSync(join(cwd, '.env'))).toBe(false);
    await run({ cwd, table: 'machine_data', id: ['machineID'], values: ['power'], yes: false });
    expect(loadSettings({ cwd, env: {} }).pipelines.machines?.source.values).toEqual(['power']);
  });

  test('says which columns hold texts that look like numbers where there is nothing to watch', async () => {
    const database = 'texts';
    const refused = run({ cwd: folderWith(), database });
    await expect(refused).rejects.toThrow(UsageError);
    await expect(refused).rejects.toThrow(
      /no column for --values; choose another with --table\. load, power hold texts that look like numbers, such as "300"\. Write them as numbers to another table \(--decimal in `.* import --help`\)$/,
    );
    const named = run({ cwd: folderWith(), database, values: ['power'] });
    await expect(named).rejects.toThrow(/columns of that kind: none\. power holds texts that .*, such as "300,5"\./);
    const other = run({ cwd: folderWith(), database, values: ['note'] });
    await expect(other).rejects.toThrow(/columns of that kind: none$/);
  });

  test('keeps the token out of everything but .env, which only its owner can read', async () => {
    const cwd = folderWith();
    const io = capturedIo();
    await run({ cwd, table: 'machine_data' }, io);
    expect(read(cwd, 'halfspace.yaml') + io.out() + io.err()).not.toContain(TOKEN);
    expect(statSync(join(cwd, '.env')).mode & 0o777).toBe(0o600);
  });

  test('takes string fields with few values as ids, and leaves messages and flat columns to the person', async () => {
    const cwd = folderWith();
    const io = capturedIo({ json: true });
    await run({ cwd, table: 'as_fields', values: ['x', 'flat'] }, io);
    expect(JSON.parse(io.out())).toEqual({
      files: ['halfspace.yaml', '.env'],
      pipeline: 'machines',
      detector: 'half_space_trees',
      table: 'as_fields',
      id: ['device'],
      limits: { x: [-5, 2], flat: [3, 11] },
    });
    expect(loadSettings({ cwd, env: {} }).pipelines.machines?.normalise).toEqual({ x: [-5, 2], flat: [3, 11] });
  });

  test('takes the address from .env, whose other lines stay', async () => {
    const text = `# mine\nOTHER=1\nINFLUX_TOKEN=\nINFLUX_HOST=${server.url}\n`;
    const cwd = folderWith({ '.env': text });
    await run({ cwd, host: undefined, table: 'machine_data' });
    expect(read(cwd, '.env')).toBe(
      `# mine\nOTHER=1\nINFLUX_TOKEN='${TOKEN}'\nINFLUX_HOST=${server.url}\nINFLUX_DATABASE=factory\n`,
    );
    expect(existsSync(join(cwd, 'halfspace.yaml'))).toBe(true);
  });

  test.each<[string, InitOptions, string]>([
    ['no host', { host: undefined }, 'Nobody is there to answer questions: give --host (see --help)'],
    ['no host and database', { host: undefined, database: undefined }, 'give --host and --database'],
    ['no table of several', {}, 'Say which table with --table; the database has: as_fields, machine_data, noisy'],
    [
      'a table that is not there',
      { table: 'nope' },
      'There is no table `nope`; the database has: as_fields, machine_data, noisy',
    ],
    [
      'an id column that is not there',
      { table: 'machine_data', id: ['serial'] },
      '--id cannot be serial; columns of that kind: machineID, provider',
    ],
    [
      'a text as a value',
      { table: 'as_fields', values: ['message'] },
      '--values cannot be message; columns of that kind: ',
    ],
  ])('%s is wrong use, said in one line, and nothing is written', async (_name, options, message) => {
    const cwd = folderWith();
    const failure = run({ cwd, ...options });
    await expect(failure).rejects.toThrow(UsageError);
    await expect(failure).rejects.toThrow(message);
    expect(existsSync(join(cwd, '.env')) || existsSync(join(cwd, 'halfspace.yaml'))).toBe(false);
  });

  test('an empty or unknown database says to write data first', async () => {
    const failure = run({ cwd: folderWith(), database: 'empty' });
    await expect(failure).rejects.toThrow(HalfspaceError);
    await expect(failure).rejects.toThrow(/empty/);
  });

  test('a bad token is told without showing it', async () => {
    const failure = run({ cwd: folderWith(), token: 'wrong-token' });
    await expect(failure).rejects.toMatchObject({ kind: 'BadCredentials' });
    await expect(failure).rejects.not.toThrow(/wrong-token/);
  });
});

describe('files that are there', () => {
  test('are not replaced without --force', async () => {
    const cwd = folderWith({ 'halfspace.yaml': 'mine' });
    await expect(run({ cwd, table: 'machine_data' })).rejects.toThrow(
      'halfspace.yaml is there already; start in a folder of its own for your settings, or replace it with --force',
    );
    expect(read(cwd, 'halfspace.yaml')).toBe('mine');
    await run({ cwd, table: 'machine_data', force: true });
    expect(loadSettings({ cwd, env: {} }).defaultPipeline).toBe('machines');
  });

  test('a variable with another value is not replaced without --force, and nothing else is written', async () => {
    const cwd = folderWith({ '.env': 'export INFLUX_DATABASE=elsewhere # prod\nA=1\n' });
    await expect(run({ cwd, table: 'machine_data' })).rejects.toThrow(
      '.env sets INFLUX_DATABASE to something else already; change it there, or replace it with --force',
    );
    expect(existsSync(join(cwd, 'halfspace.yaml'))).toBe(false);
    await run({ cwd, table: 'machine_data', force: true });
    expect(read(cwd, '.env')).toMatch(/^INFLUX_DATABASE=factory\nA=1\n/);
  });
});

test('on a terminal it asks for what no flag says', async () => {
  const cwd = folderWith();
  const [input, output] = [new PassThrough(), new Screen()];
  let screen = '';
  output.on('data', (chunk: Buffer) => {
    screen += chunk.toString();
  });
  const answer = async (question: string, keys: string) => {
    await vi.waitUntil(() => screen.includes(question), { timeout: 10_000 });
    screen = '';
    input.write(keys);
  };
  const io = { ...capturedIo({ isTty: true }), ask: await createAsk({ input, output }) };
  const done = run({ cwd, token: undefined, database: undefined }, io);
  await answer('Token', `${TOKEN}\r`);
  await answer('Database', 'factory\r');
  await answer('Table', '\u001b[B\r'); // down to machine_data
  await answer('Columns that together name a machine', '\r');
  await answer('Values to watch', ' \r'); // without the first one
  await done;
  const settings = loadSettings({ cwd, env: {} });
  expect(settings.influx.token).toBe(TOKEN);
  expect(settings.pipelines.machines?.source).toMatchObject({
    table: 'machine_data',
    id: ['provider', 'machineID'],
    values: ['power'],
  });
});

test('Ctrl-C at a question stops it with nothing written', async () => {
  const cwd = folderWith();
  const [input, output] = [new PassThrough(), new Screen()];
  output.resume();
  const asked = new Promise((resolve) => output.once('data', resolve));
  const io = { ...capturedIo({ isTty: true }), ask: await createAsk({ input, output }) };
  const done = run({ cwd, token: undefined }, io);
  const failure = expect(done).rejects.toThrow('Stopped; nothing was written');
  await asked;
  input.write('\u0003');
  await failure;
  expect(existsSync(join(cwd, '.env'))).toBe(false);
});
