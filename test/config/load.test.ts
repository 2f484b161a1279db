import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, test } from 'vitest';
import { type LoadOptions, loadSettings } from '../../src/config/load.js';
import type { Section } from '../../src/config/schema.js';
import { SettingsError } from '../../src/config/settings-error.js';
import { folderWith } from './folder.js';

const ENV = { INFLUX_HOST: 'http://localhost:8181', INFLUX_TOKEN: 'very-secret', INFLUX_DATABASE: 'factory' };

const SMALL = `influx: { host: "http://localhost:8181", database: factory }
pipelines:
  one:
    source: { table: t, id: [m], values: [x] }
    normalise: running
`;

function load(yaml: string, options: LoadOptions = {}) {
  return loadSettings({ env: {}, cwd: folderWith({ 'halfspace.yaml': yaml }), ...options });
}

function failure(run: () => unknown): SettingsError {
  try {
    run();
  } catch (error) {
    if (error instanceof SettingsError) return error;
    throw error;
  }
  throw new Error('Expected a SettingsError');
}

/** The message for a pipeline whose settings are these lines. */
function pipelineFailure(lines: string, rest = ''): string {
  const body = lines
    .trim()
    .split('\n')
    .map((line) => `    ${line}`)
    .join('\n');
  const yaml = `influx: { host: "http://h", database: d }\npipelines:\n  p:\n${body}\n${rest}`;
  return failure(() => load(yaml)).message;
}

const SOURCE = 'source: { table: t, id: [m], values: [x] }';

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

describe('contradictions', () => {
  const refused: readonly [string, string, string][] = [
    [
      'batch in an incremental pipeline',
      `${SOURCE}\nnormalise: batch`,
      'halfspace.yaml:5:16 pipelines.p.normalise: batch needs the whole series',
    ],
    [
      'several values for a detector that looks at one',
      'source: { table: t, id: [m], values: [x, y] }\ndetector: { kind: novelty }',
      'pipelines.p.detector.kind: novelty looks at one feature a model; use `model: per_column`, with no more than one of `features` a column',
    ],
    [
      'a vote of such a detector, over two features of one column',
      `${SOURCE}\nmodel: per_column\nfeatures: [x, { difference: x }]\ndetector: { kind: vote, of: [{ detector: { kind: novelty } }, { detector: { kind: persist } }] }`,
      'pipelines.p.detector.kind: novelty looks at one feature a model',
    ],
    [
      'a normaliser for a detector that looks at values as measured',
      `${SOURCE}\nnormalise: running\ndetector: { kind: novelty }`,
      'halfspace.yaml:5:16 pipelines.p.normalise: has no meaning for novelty',
    ],
    [
      'a resolution that is none',
      `${SOURCE}\ndetector: { kind: novelty, eps: 0 }`,
      'halfspace.yaml:5:37 pipelines.p.detector.eps: expected a number from 0.0001 to 0.1, got 0',
    ],
    [
      'late rows in replay mode',
      `${SOURCE}\nnormalise: running\nmode: replay\nlate: { within: 1h }`,
      'pipelines.p.late: has no meaning in replay mode, which reads all rows anew each run; leave it out',
    ],
    [
      'a word that is none for late rows',
      `${SOURCE}\nnormalise: running\nlate: { then: relearn }`,
      'pipelines.p.late.then: expected report or rescore, got "relearn"',
    ],
    [
      'neither table nor query',
      'source: { id: [m], values: [x] }\nnormalise: running',
      'pipelines.p.source: needs a `table` or a `query`',
    ],
    [
      'table and query',
      'source: { table: t, query: SELECT 1, id: [m], values: [x] }\nnormalise: running',
      'pipelines.p.source.query: give `table` or `query`, not both',
    ],
    [
      'a value column without limits',
      `${SOURCE}\nnormalise: {}`,
      'pipelines.p.normalise: no limits for the value column `x`; add `x: [low, high]`',
    ],
    [
      'limits for an unknown column',
      `${SOURCE}\nnormalise: { x: [0, 1], y: [0, 1] }`,
      'halfspace.yaml:5:32 pipelines.p.normalise.y: not a value column; the value columns are x',
    ],
    [
      'limits the wrong way round',
      `${SOURCE}\nnormalise: { x: [5, 1] }`,
      'pipelines.p.normalise.x: expected two numbers, the lower first, e.g. [0, 500], got a list',
    ],
    [
      'a feature of no value column',
      `${SOURCE}\nnormalise: running\nfeatures: [x, { difference: power }]`,
      'halfspace.yaml:6:33 pipelines.p.features.1.difference: `power` is not a value column; the value columns are x',
    ],
    [
      'a feature of a column that is written slightly wrong',
      'source: { table: t, id: [m], values: [power] }\nnormalise: running\nfeatures: [pwoer]',
      'halfspace.yaml:6:16 pipelines.p.features.0: `pwoer` is not a value column; did you mean `power`?',
    ],
    [
      'a window of no rows',
      `${SOURCE}\nnormalise: running\nfeatures: [{ rolling_mean: x, rows: 0 }]`,
      'halfspace.yaml:6:41 pipelines.p.features.0.rows: expected an integer from 2 to 10000, got 0',
    ],
    [
      'a lag without its rows',
      `${SOURCE}\nnormalise: running\nfeatures: [{ lag: x }]`,
      'halfspace.yaml:6:16 pipelines.p.features.0: expected a value column, or one of { difference: power }, { lag: power, rows: 3 }',
    ],
    [
      'a time zone that is none',
      `${SOURCE}\nnormalise: running\nfeatures: [x, { hour: Europe/Berlim }]`,
      'halfspace.yaml:6:27 pipelines.p.features.1.hour: unknown time zone `Europe/Berlim`; did you mean `Europe/Berlin`?',
    ],
    [
      'a kind of feature that is none',
      `${SOURCE}\nnormalise: running\nfeatures: [{ median: x }]`,
      'halfspace.yaml:6:16 pipelines.p.features.0: expected a value column, or one of { difference: power }',
    ],
    [
      'a feature given twice',
      `${SOURCE}\nnormalise: running\nfeatures: [{ difference: x }, { difference: x }]`,
      'pipelines.p.features.1: a second feature `x_difference`; leave one out',
    ],
    [
      'features of the calendar alone',
      `${SOURCE}\nnormalise: running\nfeatures: [{ hour: UTC }]`,
      'pipelines.p.features: needs at least one feature of a value column',
    ],
    [
      'no features',
      `${SOURCE}\nnormalise: running\nfeatures: []`,
      'features: expected a list of features, at least one',
    ],
    [
      'a feature without limits',
      `${SOURCE}\nnormalise: { x: [0, 1] }\nfeatures: [x, { difference: x }, { weekday: UTC }]`,
      'pipelines.p.normalise: no limits for the feature `x_difference`; add `x_difference: [low, high]`',
    ],
    [
      'limits for what is no feature',
      `${SOURCE}\nnormalise: { x: [0, 1], x_difference: [0, 1] }\nfeatures: [{ difference: x }]`,
      'halfspace.yaml:5:21 pipelines.p.normalise.x: not a feature; the features are x_difference',
    ],
    [
      'a grid without width',
      `${SOURCE}\nnormalise: running\nresample: { every: 0s }`,
      'halfspace.yaml:6:24 pipelines.p.resample.every: expected a duration such as 90ms',
    ],
    [
      'a limit below a bucket',
      `${SOURCE}\nnormalise: running\nresample: { every: 10s, fill: previous, limit: 5s }`,
      'pipelines.p.resample.limit: shorter than one bucket, so nothing would ever be filled',
    ],
    [
      'a limit of millions of rows',
      `${SOURCE}\nnormalise: running\nresample: { every: 1ms, fill: previous, limit: 1d }`,
      'pipelines.p.resample.limit: too long: at most 100000 buckets of `every`',
    ],
    [
      'a value column named as the mark of filled rows',
      'source: { table: t, id: [m], values: [filled] }\nnormalise: running\noutput: { table: o }\nresample: { every: 1s, fill: linear }',
      '`filled` is a column of the scores table',
    ],
    [
      'a word that is no number of models',
      `${SOURCE}\nnormalise: running\nmodel: single`,
      'pipelines.p.model: expected joint or per_column, got "single"',
    ],
    ['equal limits', `${SOURCE}\nnormalise: { x: [5, 5] }`, 'expected two numbers, the lower first'],
    [
      'an id column as a value',
      'source: { table: t, id: [m, x], values: [x] }\nnormalise: running',
      'pipelines.p.source.values.0: `x` is an id column too',
    ],
    [
      'the time column as a value',
      'source: { table: t, id: [m], values: [time] }\nnormalise: running',
      '`time` is the time column',
    ],
    [
      'a column given twice',
      'source: { table: t, id: [m, m], values: [x] }\nnormalise: running',
      'pipelines.p.source.id: expected each of the id columns once',
    ],
    [
      'scores into the table that is read',
      `${SOURCE}\nnormalise: running\noutput: { table: t }`,
      'pipelines.p.output.table: scores cannot be written to the table that is read',
    ],
    [
      'a value column named as the scores are',
      'source: { table: t, id: [m], values: [score] }\nnormalise: running\noutput: { table: o }',
      '`score` is a column of the scores table',
    ],
    [
      'a wait for nothing',
      `${SOURCE}\nnormalise: running\nwait_for: { limit: 5m }`,
      'halfspace.yaml:6:15 pipelines.p.wait_for: needs `rows`, `pipeline` or both',
    ],
    [
      'a replay that waits',
      `${SOURCE}\nnormalise: running\nmode: replay\nwait_for: { rows: 1 }`,
      'pipelines.p.wait_for: a replay reads everything each run',
    ],
    [
      'looks that come too fast',
      `${SOURCE}\nnormalise: running\nwait_for: { rows: 1, every: 100ms }`,
      'pipelines.p.wait_for.every: expected at least 1s, got "100ms"',
    ],
    [
      'a wait for no rows',
      `${SOURCE}\nnormalise: running\nwait_for: { rows: 0 }`,
      'pipelines.p.wait_for.rows: expected an integer from 1 to 1000000000, got 0',
    ],
    [
      'an unknown channel',
      `${SOURCE}\nnormalise: running\nalerts: [opps]`,
      'halfspace.yaml:6:14 pipelines.p.alerts.0: unknown channel `opps`; there are none under `channels`',
    ],
    [
      'a forest that is too large',
      `${SOURCE}\nnormalise: running\ndetector: { kind: half_space_trees, n_trees: 1000, height: 15 }`,
      'pipelines.p.detector: too large: n_trees * 2^height is 32768000, at most 4194304',
    ],
    [
      'an unknown detector',
      `${SOURCE}\nnormalise: running\ndetector: { kind: magic }`,
      'pipelines.p.detector.kind: expected a detector of kind half_space_trees, ',
    ],
    [
      'a detector without a kind',
      `${SOURCE}\nnormalise: running\ndetector: { n_trees: 3 }`,
      'pipelines.p.detector.kind: missing; expected a detector of kind half_space_trees, ',
    ],
    [
      'a warm-up that is too short to learn from',
      `${SOURCE}\ndetector: { kind: drift_gate, warm_up: 12 }`,
      'pipelines.p.detector.warm_up: expected an integer from 100 to 100000, got 12',
    ],
    [
      'limits for a detector that looks at the values as measured',
      `${SOURCE}\nnormalise: running\ndetector: { kind: drift_gate }`,
      'pipelines.p.normalise: has no meaning for drift_gate, which looks at the values as measured; leave it out',
    ],
    [
      'a bad cron',
      `${SOURCE}\nnormalise: running\nschedule: "*/5 25 * * *"`,
      'halfspace.yaml:6:15 pipelines.p.schedule: hour: expected numbers from 0 to 23 in ascending order, found `25`',
    ],
    [
      'a cron with too few fields',
      `${SOURCE}\nnormalise: running\nschedule: "5 4 *"`,
      'expected five fields (minute hour day-of-month month day-of-week), found 3',
    ],
    [
      'a seed that is no whole number',
      `${SOURCE}\nnormalise: running\ndetector: { kind: half_space_trees, seed: 1.5 }`,
      'pipelines.p.detector.seed: expected an integer from 0 to 9007199254740991, got 1.5',
    ],
    [
      'a duration without a unit',
      `${SOURCE}\nnormalise: running\nwindow: { history: 24 }`,
      'pipelines.p.window.history: expected a duration such as 90ms, 10s, 5m, 24h, 7d or 1h30m, above zero, got 24',
    ],
    [
      'a history of nothing',
      `${SOURCE}\nnormalise: running\nwindow: { history: 0s }`,
      'pipelines.p.window.history: expected a duration',
    ],
    [
      'a history of a thousand years',
      `${SOURCE}\nnormalise: running\nwindow: { history: 365000d }`,
      'pipelines.p.window.history: expected at most 36500d, got "365000d"',
    ],
    [
      'a language for a table',
      'source: { table: t, language: influxql, id: [m], values: [x] }\nnormalise: running',
      'pipelines.p.source.language: is that of a `query`; a `table` needs none, leave it out',
    ],
    [
      'a language that there is not',
      'source: { query: q, language: flux, id: [m], values: [x] }\nnormalise: running',
      'pipelines.p.source.language: expected sql or influxql, got "flux"',
    ],
    [
      'new rows of an InfluxQL query',
      'source: { query: q, language: influxql, id: [m], values: [x] }\nnormalise: running\nwait_for: { rows: 1 }',
      'pipelines.p.wait_for.rows: cannot be counted in an InfluxQL query',
    ],
    [
      'another time column in InfluxQL',
      'source: { query: q, language: influxql, id: [m], values: [x], time: ts }\nnormalise: running',
      'pipelines.p.source.time: InfluxQL always calls the time column `time`; leave it out',
    ],
    [
      'aggregates of a replay',
      `${SOURCE}\nmode: replay\nnormalise: batch\naggregate: { every: 5m, table: a }`,
      'pipelines.p.aggregate: needs windows, which replay mode has not; use mode: incremental',
    ],
    [
      'aggregates into the table that is read',
      `${SOURCE}\nnormalise: running\naggregate: { every: 5m, table: t }`,
      'pipelines.p.aggregate.table: aggregates cannot be written to the table that is read',
    ],
    [
      'aggregates into the table of the scores',
      `${SOURCE}\nnormalise: running\noutput: { table: s }\naggregate: { every: 5m, table: s }`,
      'pipelines.p.aggregate.table: aggregates cannot be written to the table of the scores',
    ],
    [
      'buckets below a second',
      `${SOURCE}\nnormalise: running\naggregate: { every: 999ms, table: a }`,
      'pipelines.p.aggregate.every: expected at least 1s, got "999ms"',
    ],
    [
      'buckets of days',
      `${SOURCE}\nnormalise: running\naggregate: { every: 2d, table: a }`,
      'pipelines.p.aggregate.every: expected at most 24h, got "2d"',
    ],
    [
      'a function that there is not',
      `${SOURCE}\nnormalise: running\naggregate: { every: 5m, table: a, functions: [median] }`,
      'pipelines.p.aggregate.functions.0: expected a list of different functions out of mean, min, max, count',
    ],
    [
      'a function twice',
      `${SOURCE}\nnormalise: running\naggregate: { every: 5m, table: a, functions: [mean, mean] }`,
      'pipelines.p.aggregate.functions: expected a list of different functions out of mean, min, max, count',
    ],
    [
      'a table that would be a comment',
      `${SOURCE}\nnormalise: running\naggregate: { every: 5m, table: "#a" }`,
      'pipelines.p.aggregate.table: expected a table name that does not begin with #',
    ],
    [
      'an id called like an aggregate',
      'source: { table: t, id: [x_mean], values: [x] }\nnormalise: running\naggregate: { every: 5m, table: a }',
      "pipelines.p.source.id.0: `x_mean` is a column of the aggregates' table; rename it in a `query`",
    ],
    [
      'a column with a line break',
      'source: { table: t, id: ["a\\nb"], values: [x] }\nnormalise: running',
      'pipelines.p.source.id.0: expected a column name without control characters and without a backslash at its end, got "a\\nb"',
    ],
    [
      'a schedule faster than a second',
      `${SOURCE}\nnormalise: running\nschedule: "@every 1ms"`,
      'pipelines.p.schedule: expected @every with whole seconds, from 1s to 365d',
    ],
    [
      'an expectation of no kind',
      `${SOURCE}\nnormalise: running\nexpectations: { after_load: [{ min_row: 3 }] }`,
      'pipelines.p.expectations.after_load.0: expected one of min_rows, fresh_within',
    ],
    [
      'an expectation with a wrong value',
      `${SOURCE}\nnormalise: running\nexpectations: { after_load: [{ min_rows: -1 }] }`,
      'pipelines.p.expectations.after_load.0.min_rows: expected an integer from 0',
    ],
    [
      'a word that is no normaliser',
      `${SOURCE}\nnormalise: minmax`,
      'pipelines.p.normalise: expected running, robust, batch, or limits a feature such as { power: [0, 500] }, got "minmax"',
    ],
    [
      'no normaliser at all',
      SOURCE,
      'halfspace.yaml:3:3 pipelines.p.normalise: missing; expected running, robust, batch, or limits',
    ],
  ];
  test.each(refused)('%s', (_name, lines, message) => {
    expect(pipelineFailure(lines)).toContain(message);
  });

  test('an unknown channel suggests the one that exists', () => {
    const rest = 'channels: { ops: { kind: slack } }\n';
    expect(pipelineFailure(`${SOURCE}\nnormalise: running\nalerts: [opps]`, rest)).toContain(
      'unknown channel `opps`; did you mean `ops`?',
    );
  });

  test('a pipeline name that cannot be part of an id', () => {
    const { message } = failure(() => load(SMALL.replace('one:', 'One Two:')));
    expect(message).toContain('halfspace.yaml:3:3 pipelines.One Two: expected a name of lower-case letters');
  });

  test('a time limit longer than a timer holds', () => {
    const yaml = SMALL.replace('database: factory', 'database: factory, query_timeout: 30d');
    expect(failure(() => load(yaml)).message).toContain('influx.query_timeout: expected at most 24h, got "30d"');
  });

  test('a default pipeline that does not exist', () => {
    expect(failure(() => load(`default: two\n${SMALL}`)).message).toContain(
      'halfspace.yaml:1:10 default: expected one of the pipelines: one',
    );
  });

  test('a channel of an unknown kind', () => {
    expect(failure(() => load(`${SMALL}channels: { ops: { kind: mail } }\n`)).message).toContain(
      'halfspace.yaml:6:26 channels.ops.kind: expected a channel of kind slack or webhook, got',
    );
  });

  test.each([
    'https://host/store',
    's3://b',
    's3://bucket/../a',
    's3://bucket/a b',
    's3://bucket/a?region=x',
    'file://',
  ])('another kind of store: %s', (url) => {
    const { message } = failure(() => load(`${SMALL}store: { url: "${url}" }\n`));
    expect(message).toContain('store.url: expected a folder such as file:///var/lib/halfspace');
    expect(message).toContain('or a bucket such as s3://bucket/prefix, got a text that is none (not shown here)');
    const variable = failure(() => load(SMALL, { env: { STORE_URL: url } })).message;
    expect(variable).toMatch(/store\.url: expected a folder .*, got the value of STORE_URL$/);
  });

  test('a folder whose first name would be read as a host', () => {
    const { message } = failure(() => load(`${SMALL}store: { url: "file://srv/models" }\n`));
    expect(message).toContain('store.url: a folder on this computer has three slashes (file:///srv/models)');
  });

  test("keys in the store's address, without showing them", () => {
    const { message } = failure(() => load(`${SMALL}store: { url: "s3://KEY:SECRET@bucket/prefix" }\n`));
    expect(message).toBe(
      'halfspace.yaml:6:15 store.url: keys have no place in the address; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY instead',
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
