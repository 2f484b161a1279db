import {
  ActivityFailure,
  ApplicationFailure,
  isCancellation,
  log,
  patched,
  proxyActivities,
  setCurrentDetails,
} from '@temporalio/workflow';
import type { Activities } from '../activities/index.js';
import type { SendAlertInput } from '../activities/send-alert.js';
import type { AnomalyEvent } from '../contract/anomaly-event.js';
import type { FailureKind } from '../contract/failures.js';
import type {
  AlertOutcome,
  CheckedAnomalies,
  Detection,
  LateRows,
  MachineAnswer,
  MachineChildInput,
  MachineInput,
  ModelGate,
  PlotResult,
  SetBack,
} from '../contract/machine-run.js';
import { isoFromNanos } from '../contract/time.js';
import { failureReason } from './failure-reason.js';
import { Home, isFinal } from './home.js';
import { ALERT, EXPLAIN } from './policies.js';
import { noteAnomalies } from './search-attributes.js';
import { counted, damageText, windowText } from './texts.js';

const { checkAnomalies, plotAnomalies } = proxyActivities<Activities>(EXPLAIN);
const { sendAlert } = proxyActivities<Activities>(ALERT);

/** One machine's slice, start to end. Its workflow id is the machine's lock. Publishing the snapshot is the last step. */
export async function machineDetection({ home: queue, ...input }: MachineChildInput): Promise<MachineAnswer> {
  const { uniqueId, owesAlert } = input.machine;
  const home = new Home(queue);
  const detected = await detect(input, home);
  if (detected.kind === 'set back') {
    setCurrentDetails([`- machine: ${uniqueId}`, `- ${damageText(detected.reason, detected.from)}`].join('\n'));
    return detected;
  }
  const { gate, detection } = detected;
  const { late } = detection;

  let checked: CheckedAnomalies | null = null;
  let plot: PlotResult | null = null;
  let alerts: readonly AlertOutcome[] = [];
  // A stretch that was scored again may have lost the event that people know of.
  if (detection.events !== null || owesAlert || (late !== null && late.rescoredFrom !== null)) {
    const found = `${uniqueId}: ${counted(detection.anomalies, 'anomalous row')}`;
    checked = await checkAnomalies.executeWithOptions({ summary: found }, [{ ...input, gate, detection }]);
    if (checked.isPlotted) plot = await plotEvent(input, detection);
    alerts = await tellChannels(input, checked, plot);
  }

  const scores = `${uniqueId}: ${counted(detection.scored ?? detection.rows, 'score')}`;
  const written = await home.run((steps) =>
    steps.writeScores.executeWithOptions({ summary: scores }, [{ ...input, gate, detection }]),
  );
  setCurrentDetails(detailsOf(input, gate, detection, plot));
  noteAnomalies(input.plan, detection.anomalies);
  return {
    kind: 'done',
    uniqueId,
    rows: detection.rows,
    ...(detection.scored === undefined ? {} : { scored: detection.scored }),
    anomalies: detection.anomalies,
    events: checked?.events ?? 0,
    scoresWritten: written.scoresWritten,
    model: gate.why,
    late,
    damaged: gate.passedOver === undefined ? null : damageText(gate.passedOver.reason, null),
    plot: plot?.path ?? null,
    alerts,
    deadHome: home.dead,
  };
}

type Detected = { readonly kind: 'detected'; readonly gate: ModelGate; readonly detection: Detection };

/** The newest model that can be used scores and learns the slice; where late rows are to be learned too, the one from before them does. */
async function detect(input: MachineInput, home: Home): Promise<Detected | SetBack> {
  const { uniqueId } = input.machine;
  const startedAtMs = Date.now();
  const gate = await home.run((steps) => steps.modelIsCached(uniqueId, { ...input, startedAtMs }));
  try {
    return await detectFrom(gate, input, home);
  } catch (error) {
    if (!hasKind(error, 'CorruptSnapshot')) throw error;
    const other = await home.run((steps) =>
      steps.passOverModel.executeWithOptions({ summary: uniqueId }, [{ ...input, gate }]),
    );
    return 'kind' in other ? other : detectFrom(other, input, home);
  }
}

async function detectFrom(gate: ModelGate, input: MachineInput, home: Home): Promise<Detected> {
  const { uniqueId, rows } = input.machine;
  if (!gate.cached) {
    await home.run((steps) => steps.loadModel.executeWithOptions({ summary: uniqueId }, [{ ...input, gate }]));
  }
  const slice = `${uniqueId}: ${counted(rows, 'row')}`;
  const detection = await home.run((steps) =>
    steps.detectAnomalies.executeWithOptions({ summary: slice }, [{ ...input, gate }]),
  );
  if (detection.kind !== 'roll back') return { kind: 'detected', gate, detection };

  const late = `${uniqueId}: ${counted(detection.rows, 'late row')}`;
  const earlier = await home.run((steps) =>
    steps.rollBackModel.executeWithOptions({ summary: late }, [{ ...input, gate, wish: detection }]),
  );
  const again = await home.run((steps) =>
    steps.detectAnomalies.executeWithOptions({ summary: late }, [{ ...input, gate: earlier }]),
  );
  if (again.kind === 'roll back') throw ApplicationFailure.nonRetryable(`${uniqueId} asked twice for an earlier model`);
  return { kind: 'detected', gate: earlier, detection: again };
}

function hasKind(error: unknown, kind: FailureKind): boolean {
  return error instanceof ActivityFailure && error.cause instanceof ApplicationFailure && error.cause.type === kind;
}

/** A picture that cannot be drawn must not keep a machine from its alert or its scores. */
async function plotEvent(input: MachineInput, detection: Detection): Promise<PlotResult | null> {
  try {
    return await plotAnomalies.executeWithOptions({ summary: `${input.machine.uniqueId}: plot` }, [
      { ...input, detection },
    ]);
  } catch (error) {
    if (isCancellation(error)) throw error;
    log.warn('No plot was drawn', { uniqueId: input.machine.uniqueId, reason: failureReason(error) });
    return null;
  }
}

/** What is to be said to some channels. */
interface Message {
  readonly alert: Pick<SendAlertInput, 'kind' | 'event' | 'isFoundLate'>;
  readonly channels: readonly string[];
  readonly plot: PlotResult | null;
  /** `now`: its step has to begin, which notes that it is to be said; the next run knows of the others anyhow. */
  readonly urgency: 'now' | 'soon' | 'owed';
}

/** A channel that is down for good fails nothing but its alerts; the next run tries them again. */
async function tellChannels(
  input: MachineInput,
  checked: CheckedAnomalies,
  plot: PlotResult | null,
): Promise<AlertOutcome[]> {
  const messages = messagesOf(checked, plot);
  const posts = messages.flatMap(({ channels }) => channels);
  if (posts.length > 1 && !patched('channels-at-once')) return tellInTurn(input, messages);
  const ends = await Promise.allSettled([...new Set(posts)].map((channel) => tellChannel(input, messages, channel)));
  return ends.flatMap((end) => {
    if (end.status === 'rejected') throw end.reason;
    return end.value;
  });
}

/** In the order in which each channel is to hear of them. */
function messagesOf(checked: CheckedAnomalies, plot: PlotResult | null): Message[] {
  const { latest, channels, isFoundLate, revised, silence, untold: owed = [] } = checked;
  const event = (of: AnomalyEvent) => ({ kind: 'event' as const, event: of, isFoundLate: false });
  return [
    ...revised.map((taken) => ({
      alert: { kind: 'revised' as const, event: taken.event, isFoundLate: true },
      channels: taken.channels,
      plot,
      urgency: 'soon' as const,
    })),
    ...(latest === null ? [] : [{ alert: { ...event(latest), isFoundLate }, channels, plot, urgency: 'now' as const }]),
    ...(silence === undefined
      ? []
      : [{ alert: event(silence.event), channels: silence.channels, plot, urgency: 'soon' as const }]),
    ...owed.map((told) => ({
      alert: event(told.event),
      channels: told.channels,
      plot: null,
      urgency: 'owed' as const,
    })),
  ];
}

/** One message after the other. Each to a channel that is away may cost minutes: what can wait does. */
async function tellChannel(
  input: MachineInput,
  messages: readonly Message[],
  channel: string,
): Promise<AlertOutcome[]> {
  const outcomes: AlertOutcome[] = [];
  let isAway = false;
  for (const message of messages) {
    if (!message.channels.includes(channel) || (isAway && message.urgency !== 'now')) continue;
    const { outcome, error } = await tell(input, message, channel);
    outcomes.push(outcome);
    if (error !== null) isAway = !isFinal(error) || hasKind(error, 'ChannelAway');
  }
  return outcomes;
}

/** As those go on that began when one channel waited for the other. */
async function tellInTurn(input: MachineInput, messages: readonly Message[]): Promise<AlertOutcome[]> {
  const outcomes: AlertOutcome[] = [];
  const away = new Set<string>();
  for (const message of messages) {
    for (const channel of message.channels) {
      if (message.urgency === 'owed' && away.has(channel)) continue;
      const { outcome, error } = await tell(input, message, channel);
      outcomes.push(outcome);
      if (error !== null && !isFinal(error)) away.add(channel);
    }
  }
  return outcomes;
}

/** What became of one message; `error` null: it was told. */
async function tell(
  input: MachineInput,
  { alert, plot }: Message,
  channel: string,
): Promise<{ readonly outcome: AlertOutcome; readonly error: Error | null }> {
  const { uniqueId } = input.machine;
  const { kind, event } = alert;
  const earlier = event.earlier === undefined ? {} : { earlierEvents: event.earlier.events };
  const outcome = { uniqueId, event: event.key, channel, kind, ...earlier };
  const summary = `${uniqueId}: ${kind === 'revised' ? 'revised, ' : ''}${channel}`;
  try {
    const args = { plan: input.plan, run: input.run, ...alert, channel, plot };
    return { outcome: { ...outcome, status: await sendAlert.executeWithOptions({ summary }, [args]) }, error: null };
  } catch (error) {
    if (isCancellation(error) || !(error instanceof Error)) throw error;
    return { outcome: { ...outcome, status: 'failed', reason: failureReason(error) }, error };
  }
}

function detailsOf(input: MachineInput, gate: ModelGate, detection: Detection, plot: PlotResult | null): string {
  const lines = [
    `- machine: ${input.machine.uniqueId}`,
    `- window: ${windowText(input.plan)}`,
    `- rows: ${detection.rows}${scoredText(detection)}, anomalous: ${detection.anomalies}`,
    `- model: ${gate.why}`,
    ...(gate.passedOver === undefined ? [] : [`- ${damageText(gate.passedOver.reason, null)}`]),
    ...lateLines(detection.late),
  ];
  if (plot !== null) lines.push(`- plot: ${plot.url ?? plot.path}`);
  return lines.join('\n');
}

/** How many have a score, where that is not all. */
function scoredText({ rows, scored = rows }: Detection): string {
  return scored === rows ? '' : `, scored: ${scored}`;
}

function lateLines(late: LateRows | null): string[] {
  if (late === null) return [];
  const { rows, first, rescoredFrom, problem } = late;
  const lines = [`- late rows: ${rows}, the first at ${isoFromNanos(BigInt(first))}`];
  if (rescoredFrom !== null) lines.push(`- scored again from ${isoFromNanos(BigInt(rescoredFrom))}`);
  if (problem !== null) lines.push(`- not scored again: ${problem}`);
  return lines;
}
