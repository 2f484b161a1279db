import {
  ActivityFailure,
  ApplicationFailure,
  isCancellation,
  log,
  proxyActivities,
  setCurrentDetails,
} from '@temporalio/workflow';
import type { Activities } from '../activities/index.js';
import type { SendAlertInput } from '../activities/send-alert.js';
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
    if (!isUnusableModel(error)) throw error;
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

function isUnusableModel(error: unknown): boolean {
  if (!(error instanceof ActivityFailure) || !(error.cause instanceof ApplicationFailure)) return false;
  const kind: FailureKind = 'CorruptSnapshot';
  return error.cause.type === kind;
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

/** A channel that is down for good fails nothing but its alerts; the next run tries them again. */
async function tellChannels(
  input: MachineInput,
  checked: CheckedAnomalies,
  plot: PlotResult | null,
): Promise<AlertOutcome[]> {
  const { latest, channels, isFoundLate, revised, silence, untold: owed = [] } = checked;
  const messages = [
    ...revised.map((taken) => ({ kind: 'revised' as const, isFoundLate: true, ...taken })),
    ...(latest === null ? [] : [{ kind: 'event' as const, isFoundLate, event: latest, channels }]),
    ...(silence === undefined ? [] : [{ kind: 'event' as const, isFoundLate: false, ...silence }]),
  ];
  const outcomes: AlertOutcome[] = [];
  const away = new Set<string>();
  for (const { channels: untold, ...message } of messages) {
    for (const channel of untold) outcomes.push(await tell(input, { ...message, channel }, plot, away));
  }
  // Each message to a channel that is away costs minutes: those that have waited go on waiting.
  for (const { event, channels: untold } of owed) {
    for (const channel of untold) {
      if (away.has(channel)) continue;
      outcomes.push(await tell(input, { kind: 'event', event, isFoundLate: false, channel }, null, away));
    }
  }
  return outcomes;
}

/** @param away gains the channel when trying once more may help. */
async function tell(
  input: MachineInput,
  message: Pick<SendAlertInput, 'kind' | 'event' | 'isFoundLate' | 'channel'>,
  plot: PlotResult | null,
  away: Set<string>,
): Promise<AlertOutcome> {
  const { uniqueId } = input.machine;
  const { kind, event, channel } = message;
  const earlier = event.earlier === undefined ? {} : { earlierEvents: event.earlier.events };
  const outcome = { uniqueId, event: event.key, channel, kind, ...earlier };
  const summary = `${uniqueId}: ${kind === 'revised' ? 'revised, ' : ''}${channel}`;
  try {
    const args = { plan: input.plan, run: input.run, ...message, plot };
    return { ...outcome, status: await sendAlert.executeWithOptions({ summary }, [args]) };
  } catch (error) {
    if (isCancellation(error)) throw error;
    if (!isFinal(error)) away.add(channel);
    return { ...outcome, status: 'failed', reason: failureReason(error) };
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
