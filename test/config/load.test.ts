import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, test } from 'vitest';
import { type LoadOptions, loadSettings } from '../../src/config/load.js';
import type { Section } from '../../src/config/schema.js';
import { folderWith } from './folder.js';
import { failure, load, pipelineFailure, SMALL, SOURCE } from './load-yaml.js';

const ENV = { INFLUX_HOST: 'http://localhost:8181', INFLUX_TOKEN: 'very-secret', INFLUX_DATABASE: 'factory' };

describe('the shipped file', () => {
  test('serves when the folder has none, and the settings say so', () => {
    const settings = loadSettings({ cwd: folderWith(), env: ENV });
    expect(settings.shipped).toBe(true);
    expect(settings.file).toMatch(/halfspace\.yaml$/);
    expect(settings.defaultPipeline).toBe('machines');
    expect(Object.keys(settings.pipelines)).toEqual(['machines', 'mage-demo']);
    expect(settings.influx).toEqual({
      host: 'http://localhost:8181',
      token: 'very-secret',
      database: 'factory',
      query_timeout: 60_000,
      write_timeout: 30_000,
    });
    expect(settings.channels).toEqual({ ops: { kind: 'slack', webhook: null } });
    expect(settings.links).toEqual({ temporal_ui: null, plots: null });
    expect(settings.worker).toEqual({ task_queue: 'halfspace', model_cache_mb: 256, max_machines_at_once: 100 });
  });

  test('holds the numbers that the two pipelines were tried with', () => {
    const { pipelines } = loadSettings({ cwd: folderWith(), env: {}, sections: ['pipelines'] });
    expect(pipelines.machines).toMatchObject({
      mode: 'incremental',
      source: { table: 'machine_data', query: null, id: ['provider', 'machineID'], values: ['power'], time: 'time' },
      window: { history: 86_400_000, settle: 10_000, catch_up: 604_800_000, chunk: null },
      normalise: { power: [0, 500] },
      detector: { kind: 'half_space_trees', n_trees: 10, height: 8, window_size: 250, seed: 1 },
      order: 'score_then_learn',
      verdict: { threshold: 0.8, clear_after: 300_000 },
      output: { table: 'machine_anomalies' },
      alerts: ['ops'],
      schedule: '*/5 * * * *',
    });
    expect(pipelines['mage-demo']).toMatchObject({
      mode: 'replay',
      source: { table: null, query: 'SELECT * FROM machine_data' },
      normalise: 'batch',
      detector: { n_trees: 5, height: 2, window_size: 250, seed: 1 },
      order: 'learn_then_score',
      output: null,
      alerts: [],
      schedule: null,
    });
  });
});

describe('choosing the file', () => {
  test('the folder own file wins over the shipped one, HALFSPACE_CONFIG over that, an argument over both', () => {
    const other = (table: string) => SMALL.replace('table: t', `table: ${table}`);
    const cwd = folderWith({ 'halfspace.yaml': other('own'), 'b.yaml': other('from_env'), 'c.yaml': other('given') });
    const table = (options: LoadOptions) => loadSettings({ cwd, env: {}, ...options }).pipelines.one?.source.table;
    expect(table({})).toBe('own');
    expect(table({ env: { HALFSPACE_CONFIG: 'b.yaml' } })).toBe('from_env');
    expect(table({ env: { HALFSPACE_CONFIG: 'b.yaml' }, file: 'c.yaml' })).toBe('given');
    expect(loadSettings({ cwd, env: {} }).shipped).toBe(false);
  });

  test('a file that was asked for and is not there is an error, never the shipped one', () => {
    const error = failure(() => loadSettings({ cwd: folderWith(), env: {}, file: 'nowhere.yaml' }));
    expect(error.message).toBe(
      'nowhere.yaml:1:1 there is no such file; give another with --config or write one with `halfspace init`',
    );
    expect(error.kind).toBe('BadSettings');
    expect(error.retry).toBe(false);
  });

  test('a folder in place of the file is named', () => {
    const cwd = folderWith();
    mkdirSync(join(cwd, 'halfspace.yaml'));
    expect(failure(() => loadSettings({ cwd, env: {} })).message).toBe('halfspace.yaml:1:1 cannot be read (EISDIR)');
  });
});

describe('variables', () => {
  const withHost = (host: string) => SMALL.replace('"http://localhost:8181"', host);

  test('come from .env, and the real environment wins', () => {
    const cwd = folderWith({
      'halfspace.yaml': SMALL.replace('database: factory', `database: "\${DB}"`).replace(
        'table: t',
        `table: "\${TABLE}"`,
      ),
      '.env': 'DB=from_file\nTABLE="from # file"\n',
    });
    const settings = loadSettings({ cwd, env: { DB: 'from_env' } });
    expect(settings.influx.database).toBe('from_env');
    expect(settings.pipelines.one?.source.table).toBe('from # file');
  });

  test('a missing one is named with its place and the remedy', () => {
    const error = failure(() => load(withHost(`"\${INFLUX_HOST}"`)));
    expect(error.message).toBe(
      'halfspace.yaml:1:17 influx.host: the variable INFLUX_HOST is not set; set it in the environment or in .env',
    );
  });

  test('a default serves when the variable is unset or empty', () => {
    const yaml = withHost(`"\${INFLUX_HOST:-http://fallback:1}"`);
    expect(load(yaml).influx.host).toBe('http://fallback:1');
    expect(load(yaml, { env: { INFLUX_HOST: '' } }).influx.host).toBe('http://fallback:1');
    expect(load(yaml, { env: { INFLUX_HOST: 'http://set:1' } }).influx.host).toBe('http://set:1');
  });

  test('a value cannot add settings, whatever it contains', () => {
    const yaml = SMALL.replace('database: factory', `database: factory, token: "\${INFLUX_TOKEN}"`);
    const token = 'x", host: "http://evil';
    expect(load(yaml, { env: { INFLUX_TOKEN: token } }).influx).toMatchObject({ token, host: 'http://localhost:8181' });
    const nested = `\${INFLUX_HOST}`;
    expect(load(yaml, { env: { INFLUX_TOKEN: nested } }).influx.token).toBe(nested);
  });

  test('an empty optional secret is none', () => {
    const yaml = SMALL.replace('database: factory', `database: factory, token: "\${INFLUX_TOKEN}"`);
    expect(load(yaml, { env: { INFLUX_TOKEN: '' } }).influx.token).toBeNull();
    expect(load(SMALL).influx.token).toBeNull();
  });

  test('of sections that were not asked for are not needed, and those sections are null', () => {
    const yaml = withHost(`"\${INFLUX_HOST}"`).replace('normalise: running', 'normalise: running\n    alerts: [ops]');
    const settings = loadSettings({
      cwd: folderWith({ 'halfspace.yaml': `${yaml}channels: { ops: { kind: slack, webhook: "\${HOOK}" } }\n` }),
      env: {},
      sections: ['pipelines', 'worker'],
    });
    expect(settings.influx).toBeNull();
    expect(settings.channels).toBeNull();
    expect(settings.storeUrl).toBeNull();
    expect(settings.worker.task_queue).toBe('halfspace');
    expect(settings.pipelines.one?.alerts).toEqual(['ops']);
  });

  test('in a query, $from is left alone and $${ stands for itself', () => {
    const query = `SELECT '$\${x}' FROM t WHERE time >= $from AND k = '\${KIND}'`;
    const yaml = SMALL.replace('table: t', () => `query: "${query}"`);
    expect(load(yaml, { env: { KIND: 'a' } }).pipelines.one?.source.query).toBe(
      `SELECT '\${x}' FROM t WHERE time >= $from AND k = 'a'`,
    );
  });

  test('a malformed reference is an error', () => {
    expect(failure(() => load(withHost(`"\${INFLUX-HOST}"`))).message).toContain(
      `halfspace.yaml:1:17 influx.host: expected \${NAME} or \${NAME:-default}`,
    );
  });

  test('what a variable holds is never in a message', () => {
    const env = { ...ENV, INFLUX_HOST: 'secret-host', SLACK_WEBHOOK_URL: 'secret-hook' };
    const { message } = failure(() => loadSettings({ cwd: folderWith(), env }));
    expect(message.split('\n')).toHaveLength(2);
    expect(message).toContain(
      'influx.host: expected an address such as https://host:8181, got the value of INFLUX_HOST',
    );
    expect(message).toContain('channels.ops.webhook: expected an address');
    expect(message).not.toContain('secret');
  });

  test('a secret written into the file itself is not in a message either', () => {
    const { message } = failure(() =>
      load(`${SMALL}channels: { ops: { kind: slack, webhook: hooks.slack.com/T0/SECRET } }\n`),
    );
    expect(message).toMatch(/^halfspace\.yaml:6:42 channels\.ops\.webhook: expected an address/);
    expect(message).not.toContain('SECRET');
  });
});

describe('broken files', () => {
  test('broken YAML is named with its line', () => {
    const error = failure(() => load('influx:\n  host: "open\npipelines: {}\n'));
    expect(error.message).toMatch(/^halfspace\.yaml:\d+:\d+ broken YAML: /);
    expect(error.problems[0]?.path).toBe('');
  });

  test('a key given twice is an error', () => {
    expect(failure(() => load(`${SMALL}pipelines: {}\n`)).message).toMatch(
      /^halfspace\.yaml:6:1 broken YAML: .*unique/,
    );
  });

  test.each(['', '- a\n- b\n', 'just words\n'])('a file without settings is an error: %j', (yaml) => {
    expect(failure(() => load(yaml)).message).toBe('halfspace.yaml:1:1 expected settings such as influx, pipelines');
  });

  test('aliases that multiply, lead nowhere or contain themselves are refused', () => {
    const bomb = ['a: &a [x,x,x,x,x,x,x,x,x]'];
    for (const [from, to] of ['ab', 'bc', 'cd', 'de'])
      bomb.push(`${to}: &${to} [${Array(9).fill(`*${from}`).join(',')}]`);
    expect(failure(() => load(`${bomb.join('\n')}\n`)).message).toMatch(/broken YAML: its aliases .* multiply/);
    expect(failure(() => load('pipelines: *nope\n')).message).toMatch(/broken YAML: Unresolved alias .*: nope$/);
    expect(failure(() => load('pipelines: &all\n  one: *all\n')).message).toBe(
      'halfspace.yaml:2:3 pipelines.one: this alias (*name) contains itself; write the settings out',
    );
    expect(failure(() => load('pipelines: &all\n  <<: *all\n')).problems).toHaveLength(1);
  });

  test.each([
    ['lists', (depth: number) => `pipelines: ${'['.repeat(depth)}${']'.repeat(depth)}\n`],
    ['groups', (depth: number) => `pipelines: ${'{a: '.repeat(depth)}1${'}'.repeat(depth)}\n`],
  ])('%s that are nested without end are refused in one line', (_, text) => {
    for (const depth of [101, 500, 20_000]) {
      const { message } = failure(() => load(text(depth)));
      expect(message).toMatch(/^halfspace\.yaml:1:\d+ .*nested (too deeply|more than 100 levels deep)$/);
    }
  });

  test('`__proto__` is no name, wherever it stands', () => {
    expect(failure(() => load(SMALL.replace('one:', '__proto__:'))).message).toBe(
      'halfspace.yaml:3:3 pipelines.__proto__: `__proto__` cannot be a name; choose another',
    );
    expect(pipelineFailure(`${SOURCE}\nnormalise: { __proto__: [0, 1] }`)).toContain('pipelines.p.normalise.__proto__');
  });

  test('a file that is no UTF-8 text is refused; a byte order mark and Windows line ends are fine', () => {
    const written = (bytes: Uint8Array) => {
      const cwd = folderWith();
      writeFileSync(join(cwd, 'halfspace.yaml'), bytes);
      return () => loadSettings({ cwd, env: {} });
    };
    const refused = 'halfspace.yaml:1:1 not a UTF-8 text; save it as UTF-8';
    expect(failure(written(Buffer.from(`\ufeff${SMALL}`, 'utf16le'))).message).toBe(refused);
    expect(failure(written(Buffer.from(`${SMALL}# gr\u00fcn`, 'latin1'))).message).toBe(refused);
    const settings = written(Buffer.from(`\ufeff${SMALL}`.replaceAll('\n', '\r\n')))();
    expect(settings.pipelines.one?.normalise).toBe('running');
  });

  test('more than one document is an error that says so', () => {
    expect(failure(() => load(`${SMALL}---\n${SMALL}`)).message).toContain('broken YAML: more than one document');
  });
});

describe('names that every object knows', () => {
  test('find no pipeline and no channel, unless the file has them', () => {
    const { pipelines, channels } = load(`${SMALL}channels: {}\n`);
    for (const name of ['constructor', 'toString', '__proto__', 'hasOwnProperty']) {
      expect(pipelines[name]).toBeUndefined();
      expect(channels[name]).toBeUndefined();
    }
    expect(load(SMALL.replace('one:', 'constructor:')).pipelines.constructor).toMatchObject({ normalise: 'running' });
  });

  test('every problem gets its own line, in the order of the file', () => {
    const error = failure(() =>
      load(`influx: { host: nowhere }
pipelines:
  p:
    source: { table: t, id: [], values: [x] }
    normalise: running
    detector: { kind: half_space_trees, window_size: 0 }
    verdict: { threshold: 1.5 }
`),
    );
    expect(error.message.split('\n')).toEqual([
      'halfspace.yaml:1:1 influx.database: missing; expected a database name',
      'halfspace.yaml:1:17 influx.host: expected an address such as https://host:8181, got a text that is none (not shown here)',
      'halfspace.yaml:4:29 pipelines.p.source.id: expected a list of id columns, at least one, e.g. [a, b], got an empty list',
      'halfspace.yaml:6:54 pipelines.p.detector.window_size: expected an integer from 1 to 1000000000, got 0',
      'halfspace.yaml:7:27 pipelines.p.verdict.threshold: expected a number from 0 to 1, got 1.5',
    ]);
    expect(error.problems.map(({ line }) => line)).toEqual([1, 1, 4, 6, 7]);
  });
});

describe('unknown settings', () => {
  test('are errors that suggest the nearest known one', () => {
    expect(pipelineFailure(`${SOURCE}\nnormalise: running\nwindw: { history: 1h }`)).toBe(
      'halfspace.yaml:6:5 pipelines.p.windw: unknown setting; did you mean `window`?',
    );
    expect(pipelineFailure(`${SOURCE}\nnormalise: running\nverdict: { treshold: 0.5, foo: 1 }`).split('\n')).toEqual([
      'halfspace.yaml:6:16 pipelines.p.verdict.treshold: unknown setting; did you mean `threshold`?',
      expect.stringMatching(/^halfspace.yaml:6:31 pipelines.p.verdict.foo: unknown setting; known here: threshold, /),
    ]);
  });

  test('at the top are found whatever sections are asked for', () => {
    const sections: readonly Section[] = ['worker'];
    expect(failure(() => load(`${SMALL}chanels: {}\n`, { sections })).message).toBe(
      'halfspace.yaml:6:1 chanels: unknown setting; did you mean `channels`?',
    );
  });
});

describe('what is allowed', () => {
  test('the first pipeline of the file is the default one, even when its name is a number', () => {
    const second = '  2:\n    source: { table: u, id: [m], values: [x] }\n    normalise: running\n';
    expect(load(`${SMALL}${second}`).defaultPipeline).toBe('one');
    expect(load(`default: "2"\n${SMALL}${second}`).defaultPipeline).toBe('2');
  });

  test('a section with nothing under it is as good as none', () => {
    const settings = load(`${SMALL}channels:\n#  ops: { kind: slack }\nlinks:\nstore:\n`);
    expect(settings.channels).toEqual({});
    expect(settings.links).toEqual({ temporal_ui: null, plots: null });
    expect(settings.store.url).toBe('file://./.halfspace/store');
    const { message } = failure(() => load(SMALL.replace(/influx: .*/, 'influx:')));
    expect(message).toMatch(/^halfspace\.yaml:1:8 influx: expected settings \(host, token, .*\), got nothing$/);
  });

  test('anchors, aliases and merge keys; a problem inside a merged group is shown where it is written', () => {
    const yaml = `${SMALL}  two:
    <<: &base
      source: { table: u, id: [m], values: [x] }
      normalise: running
    order: learn_then_score
  three: { <<: *base, verdict: { threshold: 0.5 } }
`;
    expect(load(yaml).pipelines).toMatchObject({
      two: { order: 'learn_then_score' },
      three: { source: { table: 'u' } },
    });
    const { message } = failure(() => load(yaml.replace('table: u', 'table: 7')));
    expect(message.split('\n')[0]).toBe('halfspace.yaml:8:24 pipelines.two.source.table: expected a table name, got 7');
  });

  test('the store is a folder below the working directory, or wherever STORE_URL says', () => {
    const cwd = folderWith({ 'halfspace.yaml': SMALL });
    expect(loadSettings({ cwd, env: {} }).storeUrl).toBe(pathToFileURL(join(cwd, '.halfspace/store')).href);
    const moved = loadSettings({ cwd, env: { STORE_URL: 'file:///srv/models' } });
    expect(moved.store.url).toBe('file:///srv/models');
    expect(moved.storeUrl).toBe('file:///srv/models');
    expect(loadSettings({ cwd, env: { STORE_URL: 'file:///srv/my models' } }).storeUrl).toBe('file:///srv/my%20models');
  });

  test('the store may be in a bucket, reached as the AWS variables say', () => {
    const env = { STORE_URL: 's3://bucket/some/where/', AWS_REGION: 'eu-central-1' };
    const settings = loadSettings({ cwd: folderWith({ 'halfspace.yaml': SMALL }), env });
    expect(settings.storeUrl).toBe('s3://bucket/some/where/');
    expect(settings.s3.region).toBe('eu-central-1');
  });

  test('expectations with their columns and their way of failing', () => {
    const yaml = `${SMALL}    expectations:
      after_load: [{ min_rows: 10 }, { fresh_within: 90s, otherwise: warn }, { required_columns: [x] }]
      after_transform: [{ max_missing: 0.25, columns: [x] }, { max_missing: 1 }]
`;
    expect(load(yaml).pipelines.one?.expectations).toEqual({
      after_load: [
        { min_rows: 10, otherwise: 'fail' },
        { fresh_within: 90_000, otherwise: 'warn' },
        { required_columns: ['x'], otherwise: 'fail' },
      ],
      after_transform: [
        { max_missing: 0.25, columns: ['x'], otherwise: 'fail' },
        { max_missing: 1, otherwise: 'fail' },
      ],
    });
  });
});
