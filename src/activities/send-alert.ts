import type { Delivery } from '../alerts/channel.js';
import type { AnomalyEvent } from '../contract/anomaly-event.js';
import type { MachinePlan, PlotResult, RunIdentity } from '../contract/run.js';
import type { Attempt } from './attempt.js';
import type { ActivityDeps } from './deps.js';
import { runUrl, tellOnce } from './tell-once.js';

export interface SendAlertInput {
  readonly plan: MachinePlan;
  readonly run: RunIdentity;
  readonly channel: string;
  readonly event: AnomalyEvent;
  readonly plot: PlotResult | null;
}

/** Tells one channel of one event, once. */
export async function sendAlert(deps: ActivityDeps, input: SendAlertInput, attempt: Attempt): Promise<Delivery> {
  const { event, plot, run, channel } = input;
  const alert = { event, runUrl: runUrl(deps.links, run), plotUrl: plot?.url ?? null };
  return tellOnce(deps, { key: event.key, channel }, attempt, (to) => to.send(alert, attempt.signal));
}
