import { setTimeout as delay } from 'node:timers/promises';
import type { Delivery } from '../alerts/channel.js';
import type { AnomalyEvent } from '../contract/anomaly-event.js';
import { HalfspaceError } from '../contract/failures.js';
import type { MachinePlan, PlotResult, RunIdentity } from '../contract/run.js';
import { AlertRecords } from '../store/alert-records.js';
import type { Attempt } from './attempt.js';
import type { ActivityDeps, Links } from './deps.js';

export interface SendAlertInput {
  readonly plan: MachinePlan;
  readonly run: RunIdentity;
  readonly channel: string;
  readonly event: AnomalyEvent;
  readonly plot: PlotResult | null;
}

/** Pauses before the record is tried again: within the time that policies give one attempt, after a post of ten seconds. */
const RECORD_PAUSES_MS = [250, 500, 1000, 2000, 4000, 8000];

/**
 * Tells one channel of one event, once. A record is written before the post, so that a store which cannot be written stops
 * the step before anyone is told, and again after it.
 */
export async function sendAlert(deps: ActivityDeps, input: SendAlertInput, attempt: Attempt): Promise<Delivery> {
  const { event, plot, run } = input;
  const channel = deps.channels.get(input.channel);
  if (channel === undefined) {
    throw new HalfspaceError('BadSettings', `No channel is called \`${input.channel}\`; add it under channels`);
  }
  const records = new AlertRecords(deps.storage);
  if (await records.isDelivered(event.key, channel.name)) return 'delivered';
  const alert = { event, runUrl: runUrl(deps.links, run), plotUrl: plot?.url ?? null };
  // A record that says `sending` already is an attempt whose end nobody saw: its worker died, or the store was away, between
  // the post and the record. It is sent again, for an event told twice harms less than one never told, and a webhook has no
  // key that could close this window.
  await records.mark(event.key, channel.name, 'sending');
  const delivery = await channel.send(alert, attempt.signal);
  await keepRecord(deps, records, input, delivery, attempt);
  return delivery;
}

/** Only the record is tried again, not the post. A record that cannot be kept does not undo the message: it is logged. */
async function keepRecord(
  deps: ActivityDeps,
  records: AlertRecords,
  { event, channel }: SendAlertInput,
  delivery: Delivery,
  { signal }: Attempt,
): Promise<void> {
  for (const pause of [...RECORD_PAUSES_MS, null]) {
    try {
      return await records.mark(event.key, channel, delivery);
    } catch (error) {
      if (pause === null || signal.aborted) {
        const reason = error instanceof Error ? error.message : String(error);
        deps.log('warn', 'An alert was sent but not recorded; it may be sent again', {
          event: event.key,
          channel,
          reason,
        });
        return;
      }
      await delay(pause, undefined, { signal }).catch(() => {});
    }
  }
}

function runUrl(links: Links, run: RunIdentity): string | null {
  if (links.temporalUi === null) return null;
  const path = ['namespaces', links.namespace, 'workflows', run.workflowId, run.runId].map(encodeURIComponent);
  return `${links.temporalUi.replace(/\/$/, '')}/${path.join('/')}`;
}
