import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { type AddressInfo, createServer } from 'node:net';
import { Client, Connection } from '@temporalio/client';
import { DefaultLogger, Runtime } from '@temporalio/worker';
import { afterAll, beforeAll, describe, expect, inject, it, onTestFinished, vi } from 'vitest';
import { asActivity } from '../../src/activities/attempt.js';
import { readEnvironment } from '../../src/config/environment.js';
import { HalfspaceError } from '../../src/contract/failures.js';
import { runWorkflowId } from '../../src/contract/names.js';
import { findTemporalCli } from '../../src/local/temporal/find-cli.js';
import { findFreePort } from '../../src/local/temporal/free-port.js';
import { startTemporalServer } from '../../src/local/temporal/server.js';
import { type RunningCommand, runCommand, startCommand } from './command.js';
import { type Fakes, QUIET, type QuietWorker, startQuietWorker } from './quiet-worker.js';

const TOKEN = 'f3b0c44298fc1c149afb';

beforeAll(() => {
  Runtime.install({ logger: new DefaultLogger('ERROR') });
});

interface Serving {
  readonly url: string;
  readonly command: RunningCommand;
}

/** `halfspace serve` on a free port, once it has said which. */
async function startServing(cwd: string | undefined, temporalAddress: string): Promise<Serving> {
  const env = { TEMPORAL_ADDRESS: temporalAddress, HALFSPACE_API_TOKEN: TOKEN };
  const command = await startCommand(['serve', '--port', '0'], { env, ...(cwd === undefined ? {} : { cwd }) });
  try {
    const url = await vi.waitUntil(() => /http:\S+(?=\n)/.exec(command.output())?.[0], { timeout: 20_000 });
    return { command, url };
  } catch (error) {
    command.process.kill('SIGKILL');
    throw error;
  }
}

interface Call {
  readonly method?: string;
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

interface Reply {
  readonly status: number;
  readonly headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: whatever the server says is compared, not used
  readonly body: any;
}

async function call(url: string, { method = 'POST', body, headers }: Call = {}): Promise<Reply> {
  const authorization = `Bearer ${TOKEN}`;
  const init = { method, headers: { authorization, ...headers }, ...(body === undefined ? {} : { body }) };
  const response = await fetch(url, init);
  return { status: response.status, headers: response.headers, body: await response.json() };
}

/** Runs wait here until they are let go. */
function gate(): { readonly opened: Promise<void>; open(): void } {
  let open = (): void => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}

describe('the HTTP server', () => {
  let worker: QuietWorker;
  let serving: Serving;
  let runs: string;
  let waiting = gate();
  let isThere = false;

  beforeAll(async () => {
    const planRun: Fakes['planRun'] = asActivity(async (input: { pipeline: string; until?: string }) => {
      await waiting.opened;
      if (input.until === '2000000000' && !isThere) {
        return { kind: 'wait', missing: 'rows of t', untilMs: 0, nextLookMs: 100, looksPerExecution: 100 };
      }
      // The time stands for a window that cannot be.
      if (input.until === '1000000000') {
        throw new HalfspaceError('BadWindow', 'it cannot end there', { remedy: 'delete /store/progress' });
      }
      if (input.until === '3000000000') throw new HalfspaceError('CorruptStore', '/store/progress is damaged');
      return QUIET.planRun?.(input as never);
    });
    worker = await startQuietWorker(inject('temporalAddress'), { planRun });
    serving = await startServing(worker.folder, inject('temporalAddress'));
    runs = `${serving.url}/api/pipelines/${worker.pipeline}/runs`;
  });

  afterAll(async () => {
    serving?.command.process.kill();
    await serving?.command.done;
    await worker?.stop();
  });

  /** The run without a key waits at the gate that is there when it comes to it: the next test's gate must not be its own. */
  async function runWithoutKeyEnded(): Promise<void> {
    const connection = await Connection.connect({ address: inject('temporalAddress') });
    onTestFinished(() => connection.close());
    await new Client({ connection }).workflow.getHandle(runWorkflowId(worker.pipeline)).result();
  }

  async function ended(key: string): Promise<Reply> {
    const look = async () => (await call(`${runs}/${key}`, { method: 'GET' })).body.status;
    await expect.poll(look, { timeout: 20_000 }).not.toBe('running');
    return call(`${runs}/${key}`, { method: 'GET' });
  }

  it('starts a run under a key, says how it went, and finds it again when the key comes back', async () => {
    waiting.open();
    const until = '2026-11-23T09:15:58.000000007Z';
    const first = await call(runs, { body: JSON.stringify({ key: 'shift-1', until }) });
    expect(first).toMatchObject({ status: 202, body: { is_new: true, status: 'running', url: null } });
    expect(first.body.workflow_id).toBe(`detect/${worker.pipeline}/shift-1`);
    expect(first.headers.get('location')).toBe(`/api/pipelines/${worker.pipeline}/runs/shift-1`);

    const end = await ended('shift-1');
    expect(end.body).toMatchObject({
      status: 'completed',
      run_id: first.body.run_id,
      result: { pipeline: worker.pipeline, window: { to: until }, rows_loaded: 0, failed_count: 0 },
    });
    const again = await call(runs, { body: JSON.stringify({ key: 'shift-1', until }) });
    expect(again).toMatchObject({ status: 200, body: { ...end.body, is_new: false } });
  });

  it('starts one run when a key comes several times at once, in the body or the header, quoted or not', async () => {
    waiting = gate();
    const ways: Call[] = [
      { body: '{"key": "same"}' },
      { headers: { 'idempotency-key': 'same' } },
      { headers: { 'idempotency-key': '"same"' } },
    ];
    const replies = await Promise.all([...ways, ...ways].map((way) => call(runs, way)));
    expect(replies.map(({ status }) => status).sort()).toEqual([200, 200, 200, 200, 200, 202]);
    expect(new Set(replies.map(({ body }) => body.run_id)).size).toBe(1);
    expect(replies.filter(({ body }) => body.is_new)).toHaveLength(1);
    waiting.open();
    expect((await ended('same')).body.status).toBe('completed');
  });

  it('refuses a key that was used for another window', async () => {
    waiting.open();
    await call(runs, { body: '{"key": "taken"}' });
    const other = await call(runs, { body: '{"key": "taken", "until": "2026-01-31T12:00:00Z"}' });
    expect(other).toMatchObject({ status: 409, body: { error: { kind: 'KeyInUse' } } });
  });

  it('joins the run that is going on when there is no key', async () => {
    waiting = gate();
    const first = await call(runs);
    const second = await call(runs, { body: '{}' });
    waiting.open();
    expect(first).toMatchObject({ status: 202, body: { workflow_id: `detect/${worker.pipeline}` } });
    expect(second).toMatchObject({ status: 200, body: { is_new: false, run_id: first.body.run_id } });
    await runWithoutKeyEnded();
  });

  it('joins a run only where both end at the same time', async () => {
    waiting = gate();
    const until = (time: string): Call => ({ body: JSON.stringify({ until: time }) });
    const first = await call(runs, until('2026-01-31T12:00:00Z'));
    expect(first).toMatchObject({ status: 202 });
    const others = [until('2026-01-31T13:00:00Z'), {}];
    for (const other of others) {
      const reply = await call(runs, other);
      expect(reply).toMatchObject({ status: 409, body: { error: { kind: 'RunGoesOn' } } });
      expect(reply.body.error.message).toContain(`\`detect/${worker.pipeline}\`, ends elsewhere`);
    }
    // The same moment, written otherwise.
    const joined = await call(runs, until('2026-01-31T13:00:00+01:00'));
    waiting.open();
    expect(joined).toMatchObject({ status: 200, body: { is_new: false, run_id: first.body.run_id } });
    await runWithoutKeyEnded();
  });

  it('tells what a run waits for', async () => {
    waiting.open();
    await call(runs, { body: '{"key": "waits", "until": "1970-01-01T00:00:02Z"}' });
    const look = async () => (await call(`${runs}/waits`, { method: 'GET' })).body.waits_for;
    await expect.poll(look, { timeout: 20_000 }).toMatch(/^rows of t, until /);
    isThere = true;
    expect((await ended('waits')).body).not.toHaveProperty('waits_for');
  });

  it('tells why a run failed', async () => {
    waiting.open();
    await call(runs, { body: '{"key": "bad", "until": "1970-01-01T00:00:01Z"}' });
    expect((await ended('bad')).body).toMatchObject({
      status: 'failed',
      error: { kind: 'BadWindow', message: 'it cannot end there' },
    });
  });

  it('keeps the files of the plant to itself', async () => {
    waiting.open();
    await call(runs, { body: '{"key": "damaged", "until": "1970-01-01T00:00:03Z"}' });
    const { error } = (await ended('damaged')).body;
    expect(error).toEqual({
      kind: 'CorruptStore',
      message: "The plant's store cannot be used as it is; the log of its worker says why",
    });
  });

  it.each([
    ['no token', {}],
    ['a wrong token', { authorization: 'Bearer nonsense' }],
    ['the token in another scheme', { authorization: `Basic ${TOKEN}` }],
    ['more than the token', { authorization: `Bearer ${TOKEN}a` }],
  ])('lets nobody in with %s, whatever the address', async (_what, headers) => {
    for (const url of [runs, `${serving.url}/nothing`]) {
      const response = await fetch(url, { method: 'POST', headers });
      expect(response.status).toBe(401);
      expect(response.headers.get('www-authenticate')).toBe('Bearer');
      expect(await response.json()).toMatchObject({ error: { kind: 'WrongToken' } });
    }
  });

  it('answers /healthz without a token', async () => {
    const response = await fetch(`${serving.url}/healthz`);
    expect([response.status, await response.json()]).toEqual([200, { status: 'ok' }]);
  });

  it('answers HEAD as GET, without a body', async () => {
    const health = await fetch(`${serving.url}/healthz`, { method: 'HEAD' });
    expect([health.status, await health.text()]).toEqual([200, '']);
    const unknown = await fetch(`${runs}/nobody`, { method: 'HEAD', headers: { authorization: `Bearer ${TOKEN}` } });
    expect([unknown.status, await unknown.text()]).toEqual([404, '']);
  });

  it.each([
    ['an unknown pipeline', '/api/pipelines/nobody/runs', {}, 404, /called `nobody`; there are: \S+, mage-demo$/],
    ['an address where nothing is', '/api/pipelines', {}, 404, /^Nothing is here; there are /],
    ['a key that nobody has used', '/runs/nobody', { method: 'GET' }, 404, /has the key `nobody`/],
    ['a key that is none', '/runs/-a', { method: 'GET' }, 400, /^Expected the key to be 1 to 128 .*, got `-a`$/],
    ['a broken escape', '/runs/%zz', { method: 'GET' }, 400, /broken escape/],
    ['another method', '/runs', { method: 'PUT' }, 405, /^Expected POST, got PUT$/],
    ['another method for a key', '/runs/a', { method: 'DELETE' }, 405, /^Expected GET, got DELETE$/],
    ['a body that is not JSON', '/runs', { body: '{key: 1}' }, 400, /^The body is not JSON: /],
    ['a body that is no object', '/runs', { body: '["a"]' }, 400, /^Expected the body to be an object/],
    ['a setting nobody knows', '/runs', { body: '{"untill": "x"}' }, 400, /^Expected key and until at most.*`untill`/],
    ['a key that is no text', '/runs', { body: '{"key": 7}' }, 400, /^Expected `key` to be a text, got 7$/],
    ['an empty key', '/runs', { body: '{"key": ""}' }, 400, /^Expected the key to be/],
    ['a key that leads elsewhere', '/runs', { body: '{"key": "a/../b"}' }, 400, /^Expected the key to be/],
    ['a key that is too long', '/runs', { body: `{"key": "${'a'.repeat(129)}"}` }, 400, /^Expected the key to be/],
    ['two keys', '/runs', { body: '{"key": "a"}', headers: { 'idempotency-key': 'b' } }, 400, /differ/],
    ['a time that is none', '/runs', { body: '{"until": "tomorrow"}' }, 400, /^Expected until to be a time/],
    ['a time beyond all', '/runs', { body: '{"until": "9999-01-01T00:00:00Z"}' }, 400, /^Expected until between/],
    ['a body that is too large', '/runs', { body: ' '.repeat(200_000) }, 413, /^The body is larger than 16384 bytes/],
  ])('refuses %s in one line', async (_what, path, options: Call, status, message) => {
    const reply = await call(path.startsWith('/runs') ? runs + path.slice(5) : serving.url + path, options);
    expect(reply.status).toBe(status);
    expect(reply.body.error.message).toMatch(message);
    expect(reply.body.error.message).not.toContain('\n');
    if (status === 405) expect(reply.headers.get('allow')).toBe(options.method === 'PUT' ? 'POST' : 'GET, HEAD');
  });

  it('says nothing of all that on its own terminal', () => {
    expect(serving.command.output().split('\n').slice(1)).toEqual([
      'Ctrl-C ends it; runs that were started go on.',
      '',
    ]);
  });
});

it.each(['SIGINT', 'SIGTERM'] as const)('finishes what is under way on %s and ends with 0', async (signal) => {
  const worker = await startQuietWorker(inject('temporalAddress'), {});
  onTestFinished(worker.stop);
  const { url, command } = await startServing(worker.folder, inject('temporalAddress'));
  onTestFinished(() => void command.process.kill('SIGKILL'));
  const headers = { authorization: `Bearer ${TOKEN}`, 'content-length': '14', connection: 'keep-alive' };
  const request = httpRequest(`${url}/api/pipelines/${worker.pipeline}/runs`, { method: 'POST', headers });
  request.write('{"key":');
  // A second caller's answer says that the first one's request has been taken.
  await fetch(`${url}/healthz`);
  command.process.kill(signal);
  await expect
    .poll(
      () =>
        fetch(`${url}/healthz`).then(
          () => 'open',
          () => 'closed',
        ),
      { timeout: 5000 },
    )
    .toBe('closed');
  request.end('"last"}');
  const [response] = await once(request, 'response');
  expect(response.statusCode).toBe(202);
  expect(response.headers.connection).toBe('close');
  response.resume();
  const { code, stderr } = await command.done;
  expect(code).toBe(0);
  expect(stderr).toMatch(/^ending; what is under way is answered$/m);
});

it('answers 503 in one line while Temporal is away, and goes on by itself once it is there', async () => {
  const { temporalCliPath, searchPath, cacheHome } = readEnvironment();
  const cliPath = await findTemporalCli({ cacheDir: cacheHome, cliPath: temporalCliPath, pathVariable: searchPath });
  const port = await findFreePort('127.0.0.1');
  const { url, command } = await startServing(undefined, `127.0.0.1:${port}`);
  onTestFinished(() => void command.process.kill('SIGKILL'));
  const away = () => call(`${url}/api/pipelines/machines/runs`, { body: '{"key": "a"}' });
  const unreachable = { status: 503, body: { error: { kind: 'Unreachable' } } };
  expect(await away()).toMatchObject(unreachable);
  await expect.poll(() => command.output()).toMatch(/\nNo Temporal server answers at .*\n/);
  expect((await fetch(`${url}/healthz`)).status).toBe(200);

  const server = await startTemporalServer({ cliPath, port, uiPort: 0, dbFile: null });
  const first = await away().finally(() => server.close());
  expect(first.status).toBe(202);
  const askedMs = Date.now();
  expect(await away()).toMatchObject(unreachable);
  expect(Date.now() - askedMs).toBeLessThan(8000);
});

it.each([
  ['without a token', {}, 2, /^halfspace: HALFSPACE_API_TOKEN is not set; .*\n$/],
  [
    'with a token that no header carries',
    { HALFSPACE_API_TOKEN: 'a b' },
    2,
    /^halfspace: HALFSPACE_API_TOKEN holds .*\n$/,
  ],
])('does not start %s', async (_what, env, code, message) => {
  const ended = await runCommand(['serve', '--port', '0'], { env });
  expect(ended).toMatchObject({ code, stdout: '' });
  expect(ended.stderr).toMatch(message);
});

it('does not start on a port that is taken', async () => {
  const taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  onTestFinished(() => void taken.close());
  const { port } = taken.address() as AddressInfo;
  const { code, stderr } = await runCommand(['serve', '--port', String(port)], { env: { HALFSPACE_API_TOKEN: TOKEN } });
  expect(code).toBe(1);
  expect(stderr).toBe(
    `halfspace: Port ${port} on 127.0.0.1 is in use. End what listens there, or choose another with --port (0 takes a free one).\n`,
  );
});
