import type { Delivery } from '../alerts/channel.js';
import type { AnomalyEvent } from '../contract/anomaly-event.js';
import { HalfspaceError } from '../contract/failures.js';
import type { PlotResult, RunIdentity, RunPlan } from '../contract/run.js';
import { AlertRecords } from '../store/alert-records.js';
import type { Attempt } from './attempt.js';
import type { ActivityDeps, Links } from './deps.js';

export interface SendAlertInput {
  readonly plan: RunPlan;
  readonly run: RunIdentity;
  readonly channel: string;
  readonly event: AnomalyEvent;
  readonly plot: PlotResult | null;
}

/**
 * Tells one channel of one event, once: the record is read before and written after. A worker that dies between the
 * post and the record posts again on the retry; webhooks know no idempotency key that would close this window.
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
  const delivery = await channel.send(alert, attempt.signal);
  await records.markDelivered(event.key, channel.name, delivery);
  return delivery;
}

function runUrl(links: Links, run: RunIdentity): string | null {
  if (links.temporalUi === null) return null;
  const path = ['namespaces', links.namespace, 'workflows', run.workflowId, run.runId].map(encodeURIComponent);
  return `${links.temporalUi.replace(/\/$/, '')}/${path.join('/')}`;
}
