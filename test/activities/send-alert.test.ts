import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Attempt } from '../../src/activities/attempt.js';
import type { ActivityDeps } from '../../src/activities/deps.js';
import { type SendAlertInput, sendAlert } from '../../src/activities/send-alert.js';
import type { Channel } from '../../src/alerts/channel.js';
import { HalfspaceError } from '../../src/contract/failures.js';
import { createInflux, type Influx } from '../../src/influx/connect.js';
import { openStorage, type Storage } from '../../src/store/storage.js';
import { exampleAlert } from '../alerts/example-alert.js';
import { planOf } from '../run-plan.js';
import { memoryDeps } from './memory-deps.js';

let folder: string;
let storage: Storage;
let influx: Influx;
let sent: string[];
let logged: string[];

const attempt: Attempt = { signal: new AbortController().signal, report: () => {}, breathe: async () => {} };

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'halfspace-alert-'));
  storage = openStorage(pathToFileURL(folder).href);
  influx = createInflux({ host: 'http://127.0.0.1:1', token: null, database: 'unused' });
  sent = [];
  logged = [];
});

afterEach(async () => {
  await influx.close();
  await rm(folder, { recursive: true, force: true });
});

function depsWith(send: Channel['send'], store: Storage = storage): ActivityDeps {
  return memoryDeps({
    influx,
    storage: store,
    channels: new Map([['ops', { name: 'ops', send, sendDigest: async () => 'delivered' }]]),
    log: (_level, message) => logged.push(message),
  });
}

const deliver: Channel['send'] = async ({ event }) => {
  sent.push(event.key);
  return 'delivered';
};

/** A store that cannot be written while `isAway` says so. */
function failing(isAway: () => boolean): Storage {
  return {
    read: (key) => storage.read(key),
    write: async (key, bytes) => {
      if (isAway()) throw new HalfspaceError('StoreFault', 'disk full');
      await storage.write(key, bytes);
    },
    list: (prefix) => storage.list(prefix),
    remove: (key) => storage.remove(key),
    removeAll: (prefix) => storage.removeAll(prefix),
    removeLeftovers: () => storage.removeLeftovers(),
    locate: (key) => storage.locate(key),
  };
}

function input(): SendAlertInput {
  return {
    plan: planOf({ pipeline: 'machines', folder: 'runs/machines/1', channels: ['ops'] }),
    run: { workflowId: 'w', runId: 'r' },
    channel: 'ops',
    kind: 'event',
    isFoundLate: false,
    event: exampleAlert().event,
    plot: null,
  };
}

it('tells an event once, whatever is tried again', async () => {
  const deps = depsWith(deliver);
  expect(await sendAlert(deps, input(), attempt)).toBe('delivered');
  expect(await sendAlert(deps, input(), attempt)).toBe('delivered');
  expect(sent).toHaveLength(1);
});

it('tells nobody when the store cannot be written', async () => {
  const deps = depsWith(
    deliver,
    failing(() => true),
  );
  await expect(sendAlert(deps, input(), attempt)).rejects.toMatchObject({ kind: 'StoreFault' });
  expect(sent).toHaveLength(0);
});

it('tries only the record again when the store goes away after the message', async () => {
  let refusals = 2;
  const deps = depsWith(
    deliver,
    failing(() => sent.length > 0 && refusals-- > 0),
  );
  expect(await sendAlert(deps, input(), attempt)).toBe('delivered');
  expect(await sendAlert(deps, input(), attempt)).toBe('delivered');
  expect(sent).toHaveLength(1);
  expect(logged).toEqual([]);
});

it('does not take a message back when its record cannot be kept, and says so', async () => {
  const stopping = new AbortController();
  const deps = depsWith(
    deliver,
    failing(() => sent.length > 0),
  );
  stopping.abort();
  expect(await sendAlert(deps, input(), { ...attempt, signal: stopping.signal })).toBe('delivered');
  expect(sent).toHaveLength(1);
  expect(logged).toEqual(['An alert was sent but not recorded; it may be sent again']);
});

it('sends again when nobody saw how an earlier attempt ended', async () => {
  const down = depsWith(async () => {
    throw new HalfspaceError('TimedOut', 'no answer');
  });
  await expect(sendAlert(down, input(), attempt)).rejects.toMatchObject({ kind: 'TimedOut' });
  expect(await sendAlert(depsWith(deliver), input(), attempt)).toBe('delivered');
  expect(sent).toHaveLength(1);
});
