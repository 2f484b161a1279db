import { setTimeout as delay } from 'node:timers/promises';
import type { Channel, Delivery } from '../alerts/channel.js';
import { HalfspaceError } from '../contract/failures.js';
import type { RunIdentity } from '../contract/run.js';
import { AlertRecords } from '../store/alert-records.js';
import type { Attempt } from './attempt.js';
import type { ActivityDeps, Links } from './deps.js';

/** What is told, and to which channel. */
export interface Message {
  /** The same for every attempt at the same message. */
  readonly key: string;
  readonly channel: string;
}

/** Pauses before the record is tried again: within the time that policies give one attempt, after a post of ten seconds. */
const RECORD_PAUSES_MS = [250, 500, 1000, 2000, 4000, 8000];

/**
 * Tells one channel one message, once. A record is written before the post, so that a store which cannot be written stops
 * the step before anyone is told, and again after it.
 */
export async function tellOnce(
  deps: ActivityDeps,
  message: Message,
  attempt: Attempt,
  post: (channel: Channel) => Promise<Delivery>,
): Promise<Delivery> {
  const channel = deps.channels.get(message.channel);
  if (channel === undefined) {
    throw new HalfspaceError('BadSettings', `No channel is called \`${message.channel}\`; add it under channels`);
  }
  const records = new AlertRecords(deps.storage);
  if (await records.isDelivered(message.key, channel.name)) return 'delivered';
  // A record that says `sending` already is an attempt whose end nobody saw: its worker died, or the store was away, between
  // the post and the record. It is sent again, for an event told twice harms less than one never told, and a webhook has no
  // key that could close this window.
  await records.mark(message.key, channel.name, 'sending');
  const delivery = await post(channel);
  await keepRecord(deps, records, message, delivery, attempt);
  return delivery;
}

/** Only the record is tried again, not the post. A record that cannot be kept does not undo the message: it is logged. */
async function keepRecord(
  deps: ActivityDeps,
  records: AlertRecords,
  { key, channel }: Message,
  delivery: Delivery,
  { signal }: Attempt,
): Promise<void> {
  for (const pause of [...RECORD_PAUSES_MS, null]) {
    try {
      return await records.mark(key, channel, delivery);
    } catch (error) {
      if (pause === null || signal.aborted) {
        const reason = error instanceof Error ? error.message : String(error);
        deps.log('warn', 'An alert was sent but not recorded; it may be sent again', { event: key, channel, reason });
        return;
      }
      await delay(pause, undefined, { signal }).catch(() => {});
    }
  }
}

/** Address of a run in the Temporal UI; null when people cannot reach one. */
export function runUrl({ temporalUi, namespace }: Links, run: RunIdentity): string | null {
  if (temporalUi === null) return null;
  const path = ['namespaces', namespace, 'workflows', run.workflowId, run.runId].map(encodeURIComponent);
  return `${temporalUi.replace(/\/$/, '')}/${path.join('/')}`;
}
