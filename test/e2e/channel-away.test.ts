import { afterEach, expect, inject, it, onTestFinished } from 'vitest';
import { withBreaker } from '../../src/alerts/breaker.js';
import type { Channel } from '../../src/alerts/channel.js';
import { createWebhookChannel } from '../../src/alerts/webhook.js';
import { nanosFromMs } from '../../src/contract/time.js';
import { startServer } from '../alerts/answering-server.js';
import { buildPlant, machinesPipeline, type Plant } from './plant.js';

const START = Date.parse('2026-01-05T00:00:00.123Z');
const MACHINES = 12;

let plant: Plant;
afterEach(() => plant?.close());

function at(second: number): bigint {
  return nanosFromMs(START + second * 1000);
}

/** A row a second of each machine. */
function* rows(from: number, to: number, power: number): Generator<string> {
  for (let m = 0; m < MACHINES; m++) {
    for (let s = from; s < to; s++) yield `machine_data,provider=acme,machineID=m${m} power=${power} ${at(s)}`;
  }
}

/** A channel to a server that answers nothing until it is told to, and what was seen of it. */
async function silentChannel() {
  const seen = { isBack: false, underWay: 0, most: 0, taken: new Set<unknown>() };
  const { url, close, received } = await startServer((response, request) => {
    if (!seen.isBack) return;
    seen.taken.add(request.headers['idempotency-key']);
    response.end();
  });
  onTestFinished(close);
  const webhook = createWebhookChannel({ name: 'silent', url, log: () => {}, timeoutMs: 2000 });
  const channel: Channel = {
    ...webhook,
    send: async (alert, signal) => {
      seen.most = Math.max(seen.most, ++seen.underWay);
      return webhook.send(alert, signal).finally(() => seen.underWay--);
    },
  };
  return { channel: withBreaker(channel, { awayAfterMs: 3000 }), seen, received };
}

it('holds up neither the machines nor the other channel, and is told of all when it is back', async () => {
  const { channel, seen, received } = await silentChannel();
  const good = await startServer((response) => response.end());
  onTestFinished(good.close);
  plant = await buildPlant({
    temporalAddress: inject('temporalAddress'),
    channels: [channel, withBreaker(createWebhookChannel({ name: 'good', url: good.url, log: () => {} }))],
    pipelines: {
      machines: machinesPipeline({
        window: { history: 300_000, settle: 0, catch_up: 86_400_000, chunk: null },
        normalise: 'none',
        detector: { kind: 'threshold', high: 90, low: null },
        verdict: { threshold: 0.5, clear_after: 5000 },
        alerts: ['silent', 'good'],
      }),
    },
  });
  await plant.write([...rows(0, 50, 50), ...rows(50, 55, 99), ...rows(55, 65, 50)]);

  const broken = await plant.run('machines', at(65));
  expect(broken).toMatchObject({ machines: MACHINES, done: MACHINES, events: MACHINES, failedCount: 0 });
  expect(broken.seconds).toBeLessThan(45);
  expect(good.received).toHaveLength(MACHINES);
  const failed = broken.alerts.filter(({ status }) => status === 'failed');
  expect(new Set(failed.map(({ channel }) => channel))).toEqual(new Set(['silent']));
  for (const { reason } of failed) {
    expect(reason).toMatch(/did not answer within 2000 ms/);
    expect(reason).toMatch(/nothing has got through for/);
  }

  // Nothing new: one post at a time looks whether it is back.
  seen.most = 0;
  const before = received.length;
  const quiet = await plant.run('machines', at(66));
  expect(quiet).toMatchObject({ machines: MACHINES, done: MACHINES });
  expect(quiet.seconds).toBeLessThan(30);
  expect(received.length).toBeGreaterThan(before);
  expect(seen.most).toBe(1);
  expect(good.received).toHaveLength(MACHINES);

  seen.isBack = true;
  // On a busy computer its first answer may come too late for those that came meanwhile: then the next run tells them.
  for (const second of [67, 68]) await plant.run('machines', at(second));
  expect(seen.taken.size).toBe(MACHINES);
  expect(await plant.run('machines', at(69))).toMatchObject({ alerts: [], lagging: 0 });
});
