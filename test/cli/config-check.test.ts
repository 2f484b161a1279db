import { createServer } from 'node:net';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { type ConfigCheckOptions, configCheck } from '../../src/cli/config-check.js';
import { connectTemporal, type TemporalClient } from '../../src/client.js';
import { HalfspaceError } from '../../src/contract/failures.js';
import { createInflux } from '../../src/influx/connect.js';
import { type StandIn, startStandIn } from '../../src/local/standin/server.js';
import { startTemporalServer } from '../../src/local/temporal/server.js';
import { folderWith } from '../config/folder.js';
import { testTemporalCli } from '../local/temporal/test-cli.js';
import { capturedIo } from './captured-io.js';

const TOKEN = 'live-token';
let server: StandIn;
let closedPort = 0;

beforeAll(async () => {
  server = await startStandIn({ port: 0, dataDir: null, token: TOKEN });
  const influx = createInflux({ host: server.url, token: TOKEN, database: 'factory' });
  await influx.write([`t,m=a x=1,label="text",on=true ${Date.now() - 60_000}000000`]);
  await influx.close();
  closedPort = await freePort();
});

afterAll(() => server.close());

const SETTINGS = `influx: { host: "\${INFLUX_HOST}", token: "\${INFLUX_TOKEN}", database: factory }
pipelines:
  one:
    source: { table: t, id: [m], values: [x] }
    normalise: running
    output: { table: scores }
`;

async function check(yaml: string, options: ConfigCheckOptions = {}) {
  const io = capturedIo();
  const outcome = await configCheck({ cwd: folderWith({ 'halfspace.yaml': yaml }), ...options }, io);
  return { outcome, lines: io.out().trimEnd().split('\n') };
}

interface Live {
  readonly host?: string;
  readonly token?: string;
  readonly connect?: () => Promise<TemporalClient>;
}

function live(yaml: string, { host = server.url, token = TOKEN, connect = noTemporal }: Live = {}) {
  return check(yaml, { live: true, connect, env: { INFLUX_HOST: host, INFLUX_TOKEN: token } });
}

/** Gives up at once, unlike a connection that is tried for seconds. */
async function noTemporal(): Promise<never> {
  throw new HalfspaceError('Unreachable', 'nothing there');
}

describe('without --live', () => {
  test('a good file gives one line a check, and secrets are not shown', async () => {
    const { outcome, lines } = await check(SETTINGS, { env: { INFLUX_HOST: 'http://h:1', INFLUX_TOKEN: TOKEN } });
    expect(outcome).toBe('done');
    expect(lines).toHaveLength(3);
    expect(lines[0]).toMatch(/^ok {6}settings: .*halfspace\.yaml$/);
    expect(lines[1]).toBe(
      'ok      pipeline one: incremental, table t, half_space_trees, scores to scores, no schedule, the default',
    );
  });

  test('half_space_trees over limits taken from the data get a remark, which is no problem', async () => {
    const env = { INFLUX_HOST: 'http://h:1', INFLUX_TOKEN: TOKEN };
    const { outcome, lines } = await check(SETTINGS.replace('running', 'robust'), { env });
    expect(outcome).toBe('done');
    expect(lines[2]).toMatch(
      /^remark {2}pipeline one: half_space_trees over `normalise: robust` takes nearly every row/,
    );
    const declared = await check(SETTINGS.replace('running', '{ x: [0, 500] }'), { env });
    expect(declared.lines).toHaveLength(2);
  });

  test("a threshold far above the detector's own level gets a remark", async () => {
    const env = { INFLUX_HOST: 'http://h:1', INFLUX_TOKEN: TOKEN };
    const remarks = async (more: string) => {
      const { lines } = await check(`${SETTINGS.replace('    normalise: running\n', '')}    ${more}\n`, {
        env,
      });
      return lines.filter((line) => line.startsWith('remark'));
    };
    expect(await remarks('detector: { kind: robust_zscore }\n    verdict: { threshold: 0.8 }')).toEqual([
      expect.stringMatching(
        /^remark {2}pipeline one: verdict.threshold 0.8 is far above 0.5, where the limit of robust_zscore lies: /,
      ),
    ]);
    expect(await remarks('detector: { kind: robust_zscore }\n    verdict: { threshold: 0.7 }')).toEqual([]);
    expect(await remarks('detector: { kind: robust_zscore }')).toEqual([]);
    expect(
      await remarks(
        'detector: { kind: vote, of: [{ detector: { kind: robust_zscore } }, { detector: { kind: quantile } }] }\n    verdict: { threshold: 0.9 }',
      ),
    ).toEqual([]);
  });

  test('every problem gets a line', async () => {
    const { outcome, lines } = await check(SETTINGS.replace('values: [x]', 'value: [x]'), {
      env: { INFLUX_HOST: 'http://h:1' },
    });
    expect(outcome).toBe('wrongUse');
    expect(lines).toEqual([
      expect.stringContaining(
        'problem settings: halfspace.yaml:1:42 influx.token: the variable INFLUX_TOKEN is not set',
      ),
      expect.stringContaining('problem settings: halfspace.yaml:4:5 pipelines.one.source.values: missing; expected'),
      expect.stringContaining(
        'problem settings: halfspace.yaml:4:34 pipelines.one.source.value: unknown setting; did you mean `values`?',
      ),
    ]);
  });

  test('with --json it prints one document', async () => {
    const io = capturedIo({ json: true });
    const cwd = folderWith({ 'halfspace.yaml': 'pipelines: [' });
    expect(await configCheck({ cwd, env: {} }, io)).toBe('wrongUse');
    expect(JSON.parse(io.out())).toMatchObject({
      ok: false,
      checks: [{ name: 'settings', ok: false }],
      error: { kind: 'BadSettings', message: expect.stringContaining('broken YAML') },
    });
  });

  const unusable: readonly [string, string, Record<string, string>, RegExp][] = [
    ['a host with a path', SETTINGS, { INFLUX_HOST: 'http://h:1/path' }, /problem influx: influx\.host must be/],
    ['a host with credentials', SETTINGS, { INFLUX_HOST: 'http://u:secret@h:1' }, /problem influx: influx\.host holds/],
    ['a token that no header can hold', SETTINGS, { INFLUX_TOKEN: 'secret\n2' }, /problem influx: influx\.token/],
    [
      'a channel that no alert can be sent to',
      `${SETTINGS}channels: { ops: { kind: webhook, url: "http://u:secret@h" } }\n`,
      {},
      /problem channel ops: .*user name/,
    ],
    ['an unknown log level', SETTINGS, { LOG_LEVEL: 'loud' }, /problem settings: Expected LOG_LEVEL/],
  ];
  test.each(unusable)('finds %s as a worker would, and connects to nothing', async (_, yaml, env, problem) => {
    const { outcome, lines } = await check(yaml, { env: { INFLUX_HOST: 'http://h:1', INFLUX_TOKEN: TOKEN, ...env } });
    expect(outcome).toBe('wrongUse');
    expect(lines.filter((line) => line.startsWith('problem'))).toEqual([expect.stringMatching(problem)]);
    expect(lines.join('\n')).not.toContain('secret');
  });
});

describe('with --live', () => {
  test('says what was checked of the database, and that the right to write was not', async () => {
    const { lines } = await live(SETTINGS);
    expect(lines).toContain(`ok      database: factory at ${server.url}, 1 table`);
    expect(lines).toContain('ok      source of one: table t has m, x');
    expect(lines).toContain('ok      output of one: table scores is made by the first run with scores');
    expect(lines).toContain('ok      right to write: not checked, because a check would write');
    expect(lines.find((line) => line.startsWith('ok      store: '))).toMatch(
      /\.halfspace\/store can be read; a worker tries to write when it starts$/,
    );
  });

  test('says where aggregates go', async () => {
    const { lines } = await live(`${SETTINGS}    aggregate: { every: 5m, table: t_5m }\n`);
    expect(lines).toContain(
      'ok      pipeline one: incremental, table t, half_space_trees, scores to scores, aggregates a 5m to t_5m, no schedule, the default',
    );
    expect(lines).toContain('ok      aggregate of one: table t_5m is made by the first run with rows');
  });

  test('Temporal away is a problem that names its address', async () => {
    const { outcome, lines } = await live(SETTINGS, {
      connect: () => connectTemporal({ embedded: `127.0.0.1:${closedPort}` }),
    });
    expect(outcome).toBe('failed');
    expect(lines.at(-1)).toContain(`problem temporal: No Temporal server answers at 127.0.0.1:${closedPort}`);
  });

  test('with Temporal there all is well, and a namespace that is not there is a problem', async () => {
    const temporal = await startTemporalServer({ cliPath: await testTemporalCli(), port: 0, uiPort: 0, dbFile: null });
    onTestFinished(() => temporal.close());
    const connect = () => connectTemporal({ embedded: temporal.address });
    const { outcome, lines } = await live(SETTINGS, { connect });
    expect(lines.at(-1)).toBe(`ok      temporal: ${temporal.address}, namespace default`);
    expect(outcome).toBe('done');

    const elsewhere = await live(SETTINGS, { connect: async () => ({ ...(await connect()), namespace: 'elsewhere' }) });
    expect(elsewhere.lines.at(-1)).toContain(`problem temporal: namespace elsewhere at ${temporal.address}:`);
    expect(elsewhere.outcome).toBe('failed');
  }, 60_000);

  test('a missing table is named with those that exist', async () => {
    const { lines } = await live(SETTINGS.replace('table: t,', 'table: nope,'));
    expect(lines).toContain('problem source of one: no table nope; tables: t');
  });

  test('booleans are values, as they are for runs', async () => {
    const { lines } = await live(SETTINGS.replace('values: [x]', 'values: [x, on]'));
    expect(lines).toContain('ok      source of one: table t has m, x, on');
  });

  test('missing columns and columns of the wrong kind are named together', async () => {
    const { lines } = await live(SETTINGS.replace('id: [m], values: [x]', 'id: [x], values: [label, y]'));
    const line = lines.find((text) => text.startsWith('problem source of one'));
    expect(line).toContain('id column x is of kind number, expected tag or string');
    expect(line).toContain('value column label is of kind string, expected number or boolean');
    expect(line).toContain('no column y');
    expect(line).toContain('m (tag)');
  });

  test('a query is tried on one row', async () => {
    const query = (sql: string) => SETTINGS.replace('table: t,', () => `query: ${JSON.stringify(sql)},`);
    const good = await live(query('SELECT * FROM t WHERE time >= $from AND time < $to;'));
    expect(good.lines).toContain('ok      source of one: the query has m, x');
    const lacking = await live(query('SELECT time, m FROM t'));
    expect(lacking.lines.find((line) => line.startsWith('problem source of one'))).toContain('"x"');
    const broken = await live(query('SELEC * FROM t'));
    expect(broken.lines.some((line) => line.startsWith('problem source of one'))).toBe(true);
  });

  test('a query in InfluxQL is tried too', async () => {
    const query = (text: string) =>
      SETTINGS.replace('table: t,', () => `query: ${JSON.stringify(text)}, language: influxql,`);
    const good = await live(query('SELECT m, x FROM t WHERE time >= $from AND time < $to;'));
    expect(good.lines).toContain('ok      source of one: the query has m, x');
    const lacking = await live(query('SELECT m, label FROM t'));
    expect(lacking.lines.find((line) => line.startsWith('problem source of one'))).toContain('"x"; it has "time"');
    const elsewhere = await live(query('SELECT m, x FROM nowhere'));
    expect(elsewhere.lines).toContain(
      'ok      source of one: the query runs and has no rows yet, so its columns were not checked',
    );
    const broken = await live(query('SELECT m, x FROM t WHERE'));
    expect(broken.lines.find((line) => line.startsWith('problem source of one'))).toContain('expected a column');
  });

  test('a bad token and an absent server are problems, without the token', async () => {
    const wrong = await live(SETTINGS, { token: 'wrong-token' });
    expect(wrong.lines.join('\n')).toMatch(/problem database: /);
    expect(wrong.lines.join('\n')).not.toContain('wrong-token');
    const absent = await live(SETTINGS, { host: `http://127.0.0.1:${closedPort}` });
    expect(absent.lines.join('\n')).toContain(`problem database: `);
    expect(absent.lines.join('\n')).toContain(String(closedPort));
  });
});

/** A port that was free a moment ago, so that nothing answers there. */
async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve));
  const address = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('Expected a TCP address');
  return address.port;
}
