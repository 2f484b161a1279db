import type { Alert, Delivery } from '../alerts/channel.js';
import type { AnomalyEvent } from '../contract/anomaly-event.js';
import type { PlotResult } from '../contract/machine-run.js';
import type { MachinePlan, RunIdentity } from '../contract/run-plan.js';
import type { Attempt } from './attempt.js';
import type { ActivityDeps } from './deps.js';
import { runUrl, tellOnce } from './tell-once.js';

export interface SendAlertInput {
  readonly plan: MachinePlan;
  readonly run: RunIdentity;
  readonly channel: string;
  /** What to tell: the event, or that it is none since late rows came. */
  readonly kind: Alert['kind'];
  readonly event: AnomalyEvent;
  readonly isFoundLate: boolean;
  readonly plot: PlotResult | null;
}

/** Tells one channel of one event, or that it is none after all, once. */
export async function sendAlert(deps: ActivityDeps, input: SendAlertInput, attempt: Attempt): Promise<Delivery> {
  const { kind, event, isFoundLate, plot, run, channel } = input;
  const alert = { kind, event, isFoundLate, runUrl: runUrl(deps.links, run), plotUrl: plot?.url ?? null };
  const message = { subject: event, channel, isTakenBack: kind === 'revised' };
  return tellOnce(deps, message, attempt, (to) => to.send(alert, attempt.signal));
}
