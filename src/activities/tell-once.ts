import { setTimeout as delay } from 'node:timers/promises';
import type { Channel, Delivery } from '../alerts/channel.js';
import { HalfspaceError } from '../contract/failures.js';
import type { RunIdentity } from '../contract/run-plan.js';
import { AlertRecords, type AlertState, type AlertSubject, isTold } from '../store/alert-records.js';
import type { Attempt } from './attempt.js';
import type { ActivityDeps, Links } from './deps.js';

/** What is told, and to which channel. */
export interface Message {
  readonly subject: AlertSubject;
  readonly channel: string;
  /** True when people are told that an event they know of is none. */
  readonly isTakenBack?: boolean;
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
  const { subject, isTakenBack = false } = message;
  const state = await records.stateOf(subject, channel.name);
  if (isTakenBack ? state !== 'revising' : isTold(state)) return 'delivered';
  // A record that says `sending` already is an attempt whose end nobody saw: its worker died, or the store was away, between
  // the post and the record. It is sent again, for an event told twice harms less than one never told, and a webhook has no
  // key that could close this window.
  await records.begin(message, Date.now());
  const delivery = await post(channel);
  await keepRecord(deps, records, message, isTakenBack ? 'revised' : delivery, attempt);
  return delivery;
}

/** Only the record is tried again, not the post. A record that cannot be kept does not undo the message: it is logged. */
async function keepRecord(
  deps: ActivityDeps,
  records: AlertRecords,
  { subject, channel }: Message,
  how: AlertState,
  { signal }: Attempt,
): Promise<void> {
  for (const pause of [...RECORD_PAUSES_MS, null]) {
    try {
      return await records.mark(subject, channel, how);
    } catch (error) {
      if (pause === null || signal.aborted) {
        const reason = error instanceof Error ? error.message : String(error);
        deps.log('warn', 'An alert was sent but not recorded; it may be sent again', {
          event: keyOf(subject),
          channel,
          reason,
        });
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

function keyOf(subject: AlertSubject): string {
  return 'digest' in subject ? subject.digest : subject.key;
}
