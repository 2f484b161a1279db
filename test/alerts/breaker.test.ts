import type { ServerResponse } from 'node:http';
import { beforeEach, expect, it } from 'vitest';
import { withBreaker } from '../../src/alerts/breaker.js';
import type { Channel } from '../../src/alerts/channel.js';
import { createWebhookChannel } from '../../src/alerts/webhook.js';
import { type FailureKind, HalfspaceError } from '../../src/contract/failures.js';
import { startServer } from './answering-server.js';
import { exampleAlert } from './example-alert.js';
import { exampleDigest } from './example-digest.js';

const never = new AbortController().signal;

/** How a post that is under way ends. */
interface Post {
  readonly takes: () => void;
  readonly fails: (kind: FailureKind | 'stopped') => void;
}

let nowMs: number;
let posts: Post[];
let channel: Channel;

beforeEach(() => {
  nowMs = 1_000_000;
  posts = [];
  const send: Channel['send'] = () =>
    new Promise((resolve, reject) => {
      posts.push({
        takes: () => resolve('delivered'),
        fails: (kind) => reject(kind === 'stopped' ? new Error('stop') : new HalfspaceError(kind, `it says ${kind}`)),
      });
    });
  channel = withBreaker({ name: 'ops', send, sendDigest: async () => 'logged' }, { nowMs: () => nowMs });
});

/** How an alert that is sent now ends: `delivered`, or a failure's kind. */
async function send(): Promise<string> {
  return channel.send(exampleAlert(), never).catch((error: unknown) => {
    return error instanceof HalfspaceError ? error.kind : 'stopped';
  });
}

/** How an alert ends that the channel fails after ten seconds, or takes at once. */
async function sendTo(answer: FailureKind | 'stopped' | 'takes'): Promise<string> {
  const before = posts.length;
  const sent = send();
  expect(posts).toHaveLength(before + 1);
  const post = posts.at(-1);
  if (answer === 'takes') post?.takes();
  else {
    nowMs += 10_000;
    post?.fails(answer);
  }
  return sent;
}

async function goAway(): Promise<void> {
  for (let i = 0; i < 6; i++) expect(await sendTo('TimedOut')).toBe('TimedOut');
  expect(await sendTo('TimedOut')).toBe('ChannelAway');
}

it('hands failures on as they are until nothing has got through for more than a minute', async () => {
  for (const kind of ['TimedOut', 'ServerFault', 'RateLimited', 'Unreachable', 'TimedOut', 'TimedOut'] as const) {
    expect(await sendTo(kind)).toBe(kind);
  }
  expect(await sendTo('ServerFault')).toBe('ChannelAway');
});

it('keeps the words of a channel that is away, and asks for no retry', async () => {
  await goAway();
  const first = channel.send(exampleAlert(), never);
  const second = channel.send(exampleAlert(), never);
  posts.at(-1)?.fails('TimedOut');
  await expect(first).rejects.toMatchObject({
    retry: false,
    message: 'it says TimedOut; nothing has got through for 70 s, the next run tries again',
  });
  await expect(second).rejects.toMatchObject({
    retry: false,
    message:
      'Alert channel `ops`: not tried, nothing has got through for 70 s; the next run tries again (last failure: it says TimedOut)',
  });
});

it('sends one alert at a time while the channel is away and fails the others', async () => {
  await goAway();
  const before = posts.length;
  const all = [send(), send(), send()];
  expect(posts).toHaveLength(before + 1);
  posts.at(-1)?.fails('Unreachable');
  expect(await Promise.all(all)).toEqual(['ChannelAway', 'ChannelAway', 'ChannelAway']);
  expect(posts).toHaveLength(before + 1);
  expect(await sendTo('Unreachable')).toBe('ChannelAway');
});

it('fails the others within moments when the one under way has no answer', { timeout: 5000 }, async () => {
  await goAway();
  const probe = send();
  expect(await Promise.all([send(), send()])).toEqual(['ChannelAway', 'ChannelAway']);
  posts.at(-1)?.takes();
  expect(await probe).toBe('delivered');
});

it('sends all again once one has got through', async () => {
  await goAway();
  const before = posts.length;
  const [first, ...waiting] = [send(), send(), send()];
  posts.at(-1)?.takes();
  expect(await first).toBe('delivered');
  while (posts.length < before + 3) await Promise.resolve();
  for (const post of posts) post.takes();
  expect(await Promise.all(waiting)).toEqual(['delivered', 'delivered']);
  expect(await sendTo('TimedOut')).toBe('TimedOut');
});

it('takes a refusal for an answer', async () => {
  await goAway();
  expect(await sendTo('RejectedAlert')).toBe('RejectedAlert');
  expect(await sendTo('TimedOut')).toBe('TimedOut');
});

it('begins to count anew with each success, also of one that was sent before', async () => {
  const slow = send();
  for (let i = 0; i < 6; i++) expect(await sendTo('TimedOut')).toBe('TimedOut');
  posts[0]?.takes();
  expect(await slow).toBe('delivered');
  expect(await sendTo('TimedOut')).toBe('TimedOut');
});

it('counts nothing from before the last success against one that was under way then', async () => {
  const slow = send();
  nowMs += 70_000;
  expect(await sendTo('takes')).toBe('delivered');
  posts[0]?.fails('TimedOut');
  expect(await slow).toBe('TimedOut');
});

it('does not add up failures that lie hours apart', async () => {
  expect(await sendTo('ServerFault')).toBe('ServerFault');
  nowMs += 3_600_000;
  expect(await sendTo('ServerFault')).toBe('ServerFault');
});

it('stays away over hours without an alert', async () => {
  await goAway();
  nowMs += 3_600_000;
  expect(await sendTo('TimedOut')).toBe('ChannelAway');
});

it('learns nothing from a caller who stops, and lets the next one try', async () => {
  await goAway();
  expect(await sendTo('stopped')).toBe('stopped');
  expect(await sendTo('TimedOut')).toBe('ChannelAway');
});

it('lets digests through at any time', async () => {
  await goAway();
  expect(await channel.sendDigest(exampleDigest(), never)).toBe('logged');
});

it('spares a server that never answers all but one post at a time', async () => {
  const open = new Set<ServerResponse>();
  const { url, received, close } = await startServer((response) => open.add(response));
  const webhook = createWebhookChannel({ name: 'ops', url, log: () => {}, timeoutMs: 400 });
  channel = withBreaker(webhook, { nowMs: () => nowMs });
  try {
    expect(await Promise.all([send(), send(), send()])).toEqual(['TimedOut', 'TimedOut', 'TimedOut']);
    nowMs += 61_000;
    expect(await send()).toBe('ChannelAway');
    expect(received).toHaveLength(4);
    const kinds = await Promise.all(Array.from({ length: 20 }, () => send()));
    expect(new Set(kinds)).toEqual(new Set(['ChannelAway']));
    expect(received).toHaveLength(5);
  } finally {
    await close();
  }
});
