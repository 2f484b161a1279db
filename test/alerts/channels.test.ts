import type { IncomingMessage, ServerResponse } from 'node:http';
import { inspect } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import type { Channel } from '../../src/alerts/channel.js';
import { createSlackChannel } from '../../src/alerts/slack.js';
import { createWebhookChannel } from '../../src/alerts/webhook.js';
import { HalfspaceError } from '../../src/contract/failures.js';
import { type AnsweringServer, startServer } from './answering-server.js';
import { exampleAlert } from './example-alert.js';
import { exampleDigest } from './example-digest.js';

const TOKEN = 'Bearer headerSECRET4';
const never = new AbortController().signal;

interface Setup {
  readonly kind: string;
  readonly create: (url: string | null, log?: (message: string, fields: object) => void, timeoutMs?: number) => Channel;
}

const setups: readonly Setup[] = [
  {
    kind: 'Slack',
    create: (webhook, log = () => {}, timeoutMs = 5000) => createSlackChannel({ name: 'ops', webhook, log, timeoutMs }),
  },
  {
    kind: 'webhook',
    create: (url, log = () => {}, timeoutMs = 5000) =>
      createWebhookChannel({ name: 'ops', url, headers: { authorization: TOKEN }, log, timeoutMs }),
  },
];

let server: AnsweringServer | null = null;

async function serve(answer: (response: ServerResponse, request: IncomingMessage) => void): Promise<AnsweringServer> {
  server = await startServer(answer);
  return server;
}

async function failureOf(channel: Channel, signal: AbortSignal = never): Promise<HalfspaceError> {
  const error = await channel.send(exampleAlert(), signal).then(
    () => null,
    (reason: unknown) => reason,
  );
  if (!(error instanceof HalfspaceError)) throw new Error('Expected a HalfspaceError', { cause: error });
  return error;
}

function expectNoSecret(error: unknown): void {
  const shown = inspect(error, { depth: 20, showHidden: true });
  expect(shown).not.toMatch(/SECRET/);
  expect(shown).not.toContain('127.0.0.1');
}

afterEach(async () => {
  await server?.close();
  server = null;
});

describe.each(setups)('the $kind channel', ({ create }) => {
  it('delivers a digest with one POST of JSON, and logs it without an address', async () => {
    const { url, received } = await serve((response) => response.end('ok'));
    expect(await create(url).sendDigest(exampleDigest(), never)).toBe('delivered');
    expect(received).toHaveLength(1);
    expect(received[0]?.body).toContain('bosch-gmbh-m1');

    const logged: string[] = [];
    expect(await create(null, (text) => logged.push(text)).sendDigest(exampleDigest(), never)).toBe('logged');
    expect(logged).toEqual([
      expect.stringMatching(/^Backfill of machines, .*: 57 anomalous rows in 1 event on 1 machine$/),
    ]);
  });

  it('delivers with one POST of JSON', async () => {
    const { url, received } = await serve((response) => response.end('ok'));
    expect(await create(url).send(exampleAlert(), never)).toBe('delivered');
    expect(received).toHaveLength(1);
    expect(received[0]?.method).toBe('POST');
    expect(received[0]?.headers['content-type']).toBe('application/json');
    expect(JSON.parse(received[0]?.body ?? '')).toBeTypeOf('object');
  });

  it('waits as many seconds as a 429 asks for', async () => {
    const { url, received } = await serve((response) =>
      response.writeHead(429, { 'retry-after': '30' }).end('slow down'),
    );
    const error = await failureOf(create(url));
    expect(error.kind).toBe('RateLimited');
    expect(error.retry).toBe(true);
    expect(error.retryAfterMs).toBe(30_000);
    expect(error.message).toContain('30 s');
    expect(received).toHaveLength(1);
    expectNoSecret(error);
  });

  it('waits until the date a 429 names', async () => {
    const { url } = await serve((response) => {
      response.writeHead(429, { 'retry-after': new Date(Date.now() + 90_000).toUTCString() }).end();
    });
    const { kind, retryAfterMs = 0 } = await failureOf(create(url));
    expect(kind).toBe('RateLimited');
    expect(retryAfterMs).toBeGreaterThan(60_000);
    expect(retryAfterMs).toBeLessThanOrEqual(90_000);
  });

  it.each([undefined, 'soon', '-5', ''])('names no time when Retry-After is %j', async (value) => {
    const { url } = await serve((response) => {
      response.writeHead(429, value === undefined ? {} : { 'retry-after': value }).end();
    });
    const error = await failureOf(create(url));
    expect(error.kind).toBe('RateLimited');
    expect(error.retryAfterMs).toBeUndefined();
  });

  it('takes 500 and 503 for faults that pass, after one attempt', async () => {
    for (const status of [500, 503]) {
      const { url, received, close } = await serve((response) =>
        response.writeHead(status, { 'retry-after': '7' }).end('oops'),
      );
      const error = await failureOf(create(url));
      expect(error.kind).toBe('ServerFault');
      expect(error.retry).toBe(true);
      expect(error.retryAfterMs).toBe(7000);
      expect(error.message).toContain(`${status} (oops)`);
      expect(received).toHaveLength(1);
      await close();
    }
  });

  it('does not try again after 403 and 404, and tells the server’s word', async () => {
    for (const [status, word] of [
      [403, 'action_prohibited'],
      [404, 'channel_not_found'],
    ] as const) {
      const { url, close } = await serve((response) => response.writeHead(status).end(word));
      const error = await failureOf(create(url));
      expect(error.kind).toBe('RejectedAlert');
      expect(error.retry).toBe(false);
      expect(error.message).toContain('`ops`');
      expect(error.message).toContain(`${status} (${word})`);
      expectNoSecret(error);
      await close();
    }
  });

  it('follows no redirect', async () => {
    const { url, received } = await serve((response, request) => {
      if (request.url === '/elsewhere') response.end('ok');
      else response.writeHead(307, { location: '/elsewhere' }).end();
    });
    expect((await failureOf(create(url))).kind).toBe('RejectedAlert');
    expect(received).toHaveLength(1);
  });

  it('gives up on a server that never answers', async () => {
    const { url } = await serve(() => {});
    const error = await failureOf(create(url, () => {}, 60));
    expect(error.kind).toBe('TimedOut');
    expect(error.message).toContain('60 ms');
    expectNoSecret(error);
  });

  it('gives up also when memory is collected while it waits', { timeout: 5000 }, async () => {
    setFlagsFromString('--expose-gc');
    const collect: () => void = runInNewContext('gc');
    const { url, received } = await serve(() => {});
    const failure = failureOf(create(url, () => {}, 500));
    await vi.waitFor(() => expect(received).toHaveLength(1));
    const collecting = setInterval(collect, 20);
    onTestFinished(() => clearInterval(collecting));
    expect((await failure).kind).toBe('TimedOut');
  });

  it('gives up on a server whose answer never ends', async () => {
    const { url } = await serve((response) => response.writeHead(404).write('no'));
    expect((await failureOf(create(url, () => {}, 60))).kind).toBe('TimedOut');
  });

  it('takes a message for delivered when the server says so, though its answer never ends', async () => {
    const { url, received } = await serve((response) => response.writeHead(200).write('o'));
    expect(await create(url, () => {}, 1000).send(exampleAlert(), never)).toBe('delivered');
    expect(received).toHaveLength(1);
  });

  it('reads no more of a long answer than it tells', async () => {
    const { url } = await serve((response) => {
      const pour = (): void => {
        while (!response.destroyed && response.write('z'.repeat(65_536)));
      };
      response.on('drain', pour).writeHead(400);
      pour();
    });
    const error = await failureOf(create(url));
    expect(error.kind).toBe('RejectedAlert');
    expect(error.message.length).toBeLessThan(600);
  });

  it('calls a dropped connection unreachable', async () => {
    const { url } = await serve((_response, request) => request.socket.destroy());
    const error = await failureOf(create(url));
    expect(error.kind).toBe('Unreachable');
    expect(error.retry).toBe(true);
    expectNoSecret(error);
  });

  it('calls a closed port unreachable and says why', async () => {
    const { url, close } = await serve((response) => response.end());
    await close();
    const error = await failureOf(create(url));
    expect(error.kind).toBe('Unreachable');
    expect(error.message).toContain('ECONNREFUSED');
    expectNoSecret(error);
  });

  it('hides the address and the headers in a server’s words', async () => {
    const { url } = await serve((response, request) => {
      const { authorization = '' } = request.headers;
      response
        .writeHead(400)
        .end(`bad ${request.headers.host}${request.url} ${authorization} token=tokenSECRET3\u0007`);
    });
    const error = await failureOf(create(url));
    expect(error.message).toContain('[secret]');
    expect(error.message).not.toContain('\u0007');
    expect(error.message).not.toMatch(/SECRET/);
  });

  it('stops at once with the caller’s reason while it waits', { timeout: 5000 }, async () => {
    const stop = new AbortController();
    const reason = new Error('cancelled by the test');
    const { url, received } = await serve(() => stop.abort(reason));
    await expect(create(url, () => {}, 60_000).send(exampleAlert(), stop.signal)).rejects.toBe(reason);
    expect(received).toHaveLength(1);
  });

  it('sends nothing when the caller has stopped before', async () => {
    const { url, received } = await serve((response) => response.end('ok'));
    const reason = new Error('cancelled by the test');
    await expect(create(url).send(exampleAlert(), AbortSignal.abort(reason))).rejects.toBe(reason);
    expect(received).toHaveLength(0);
  });

  it('writes to the log when it has no address', async () => {
    const lines: { message: string; fields: object }[] = [];
    const channel = create(null, (message, fields) => lines.push({ message, fields }));
    const alert = exampleAlert();
    expect(await channel.send(alert, never)).toBe('logged');
    expect(lines).toHaveLength(1);
    expect(lines[0]?.message).toContain('Anomaly on bosch-gmbh-m1 (machines): 57 anomalous rows');
    expect(lines[0]?.fields).toMatchObject({ channel: 'ops', event: alert.event.key });
  });

  it.each(['hooks.slack.com/services/SECRET', 'ftp://host/SECRET', 'https://', 'https://user:SECRET@host/x', ''])(
    'refuses the address %j when it is made, without showing it',
    (url) => {
      let error: unknown = null;
      try {
        create(url);
      } catch (caught) {
        error = caught;
      }
      expect(error).toBeInstanceOf(HalfspaceError);
      expect(error).toMatchObject({ kind: 'BadSettings', retry: false });
      expect(error).toHaveProperty('message', expect.stringContaining('`ops`'));
      expectNoSecret(error);
    },
  );
});

describe('the Slack channel alone', () => {
  it('posts text and blocks and asks for no previews', async () => {
    const { url, received } = await serve((response) => response.end('ok'));
    await createSlackChannel({ name: 'ops', webhook: url, log: () => {} }).send(exampleAlert(), never);
    const payload = JSON.parse(received[0]?.body ?? '');
    expect(Object.keys(payload).sort()).toEqual(['blocks', 'text', 'unfurl_links', 'unfurl_media']);
    expect(payload.blocks[0].type).toBe('header');
    expect(payload.unfurl_links).toBe(false);
  });

  it.each([
    ['no_service', 404, 'make a new one'],
    ['invalid_payload', 400, 'did not understand'],
    ['invalid_blocks', 400, 'public address'],
    ['channel_is_archived', 410, 'archived'],
    ['something_new', 400, 'check the webhook address'],
  ])('says what to do about %s', async (word, status, remedy) => {
    const { url } = await serve((response) => response.writeHead(status).end(word));
    const error = await failureOf(createSlackChannel({ name: 'ops', webhook: url, log: () => {} }));
    expect(error.kind).toBe('RejectedAlert');
    expect(error.message).toContain(word);
    expect(error.message).toContain(remedy);
  });
});

describe('the webhook channel alone', () => {
  const channelTo = (url: string, headers: Record<string, string> = {}): Channel =>
    createWebhookChannel({ name: 'ops', url, headers, log: () => {} });

  it('posts the event as it is, with its headers and the event’s key', async () => {
    const { url, received } = await serve((response) => response.writeHead(204).end());
    const alert = exampleAlert();
    const headers = { Authorization: TOKEN, 'Content-Type': 'text/plain', 'Idempotency-Key': 'theirs' };
    expect(await channelTo(url, headers).send(alert, never)).toBe('delivered');
    expect(JSON.parse(received[0]?.body ?? '')).toEqual(alert);
    expect(received[0]?.headers).toMatchObject({
      authorization: TOKEN,
      'content-type': 'application/json',
      'idempotency-key': alert.event.key,
    });
  });

  it('sends one key an event even where a header cannot hold it', async () => {
    const { url, received } = await serve((response) => response.end());
    const hostile = ['line\nbreak', 'Größe-机器', 'x'.repeat(10_000), ' padded ', '\ud800', ''];
    for (const key of [...hostile, ...hostile]) await channelTo(url).send(exampleAlert({ key }), never);
    const sent = received.map(({ headers }) => String(headers['idempotency-key']));
    expect(sent.slice(hostile.length)).toEqual(sent.slice(0, hostile.length));
    expect(new Set(sent).size).toBe(hostile.length);
    for (const key of sent) expect(key).toMatch(/^sha256-[0-9a-f]{64}$/);
  });

  it('refuses a header that is not valid, without showing its value', () => {
    for (const headers of [{ 'bad name': 'SECRET' }, { authorization: 'SECRET\nx: y' }]) {
      expect(() => channelTo('https://host.example.com/', headers)).toThrow(/`ops`: the header/);
      expect(() => channelTo('https://host.example.com/', headers)).not.toThrow(/SECRET/);
    }
  });
});
