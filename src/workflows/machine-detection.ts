import { ApplicationFailure } from '@temporalio/common';
import { isCancellation, log, proxyActivities, setCurrentDetails } from '@temporalio/workflow';
import type { Activities } from '../activities/index.js';
import type { SendAlertInput } from '../activities/send-alert.js';
import type {
  AlertOutcome,
  CheckedAnomalies,
  Detection,
  LateRows,
  MachineChildInput,
  MachineInput,
  MachineResult,
  ModelGate,
  PlotResult,
} from '../contract/run.js';
import { isoFromNanos } from '../contract/time.js';
import { failureReason } from './failure-reason.js';
import { Home } from './home.js';
import { ALERT, EXPLAIN } from './policies.js';
import { counted, windowText } from './texts.js';

const { checkAnomalies, plotAnomalies } = proxyActivities<Activities>(EXPLAIN);
const { sendAlert } = proxyActivities<Activities>(ALERT);

/** One machine's slice, start to end. Its workflow id is the machine's lock. Publishing the snapshot is the last step. */
export async function machineDetection({ home: queue, ...input }: MachineChildInput): Promise<MachineResult> {
  const { uniqueId, owesAlert } = input.machine;
  const home = new Home(queue);
  const { gate, detection } = await detect(input, home);
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

  const scores = `${uniqueId}: ${counted(detection.rows, 'score')}`;
  const written = await home.run((steps) =>
    steps.writeScores.executeWithOptions({ summary: scores }, [{ ...input, gate, detection }]),
  );
  setCurrentDetails(detailsOf(input, gate, detection, plot));
  return {
    uniqueId,
    rows: detection.rows,
    anomalies: detection.anomalies,
    events: checked?.events ?? 0,
    scoresWritten: written.scoresWritten,
    model: gate.why,
    late,
    plot: plot?.path ?? null,
    alerts,
    deadHome: home.dead,
  };
}

/** The newest model scores and learns the slice; where late rows are to be learned too, the model from before them does. */
async function detect(input: MachineInput, home: Home): Promise<{ gate: ModelGate; detection: Detection }> {
  const { uniqueId, rows } = input.machine;
  const startedAtMs = Date.now();
  const gate = await home.run((steps) => steps.modelIsCached(uniqueId, { ...input, startedAtMs }));
  if (!gate.cached) {
    await home.run((steps) => steps.loadModel.executeWithOptions({ summary: uniqueId }, [{ ...input, gate }]));
  }
  const slice = `${uniqueId}: ${counted(rows, 'row')}`;
  const detection = await home.run((steps) =>
    steps.detectAnomalies.executeWithOptions({ summary: slice }, [{ ...input, gate }]),
  );
  if (detection.kind !== 'roll back') return { gate, detection };

  const late = `${uniqueId}: ${counted(detection.rows, 'late row')}`;
  const earlier = await home.run((steps) =>
    steps.rollBackModel.executeWithOptions({ summary: late }, [{ ...input, gate, wish: detection }]),
  );
  const again = await home.run((steps) =>
    steps.detectAnomalies.executeWithOptions({ summary: late }, [{ ...input, gate: earlier }]),
  );
  if (again.kind === 'roll back') throw ApplicationFailure.nonRetryable(`${uniqueId} asked twice for an earlier model`);
  return { gate: earlier, detection: again };
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

/** A channel that is down for good fails nothing but its alert; the next run tries again while the event is open. */
async function tellChannels(
  input: MachineInput,
  checked: CheckedAnomalies,
  plot: PlotResult | null,
): Promise<AlertOutcome[]> {
  const { latest, channels, isFoundLate, revised } = checked;
  const messages = [
    ...revised.map((taken) => ({ kind: 'revised' as const, isFoundLate: true, ...taken })),
    ...(latest === null ? [] : [{ kind: 'event' as const, isFoundLate, event: latest, channels }]),
  ];
  const outcomes: AlertOutcome[] = [];
  for (const { channels: untold, ...message } of messages) {
    for (const channel of untold) outcomes.push(await tell(input, { ...message, channel }, plot));
  }
  return outcomes;
}

async function tell(
  input: MachineInput,
  message: Pick<SendAlertInput, 'kind' | 'event' | 'isFoundLate' | 'channel'>,
  plot: PlotResult | null,
): Promise<AlertOutcome> {
  const { uniqueId } = input.machine;
  const { kind, event, channel } = message;
  const outcome = { uniqueId, event: event.key, channel, kind };
  const summary = `${uniqueId}: ${kind === 'revised' ? 'revised, ' : ''}${channel}`;
  try {
    const args = { plan: input.plan, run: input.run, ...message, plot };
    return { ...outcome, status: await sendAlert.executeWithOptions({ summary }, [args]) };
  } catch (error) {
    if (isCancellation(error)) throw error;
    return { ...outcome, status: 'failed', reason: failureReason(error) };
  }
}

function detailsOf(input: MachineInput, gate: ModelGate, detection: Detection, plot: PlotResult | null): string {
  const lines = [
    `- machine: ${input.machine.uniqueId}`,
    `- window: ${windowText(input.plan)}`,
    `- rows: ${detection.rows}, anomalous: ${detection.anomalies}`,
    `- model: ${gate.why}`,
    ...lateLines(detection.late),
  ];
  if (plot !== null) lines.push(`- plot: ${plot.url ?? plot.path}`);
  return lines.join('\n');
}

function lateLines(late: LateRows | null): string[] {
  if (late === null) return [];
  const { rows, first, rescoredFrom, problem } = late;
  const lines = [`- late rows: ${rows}, the first at ${isoFromNanos(BigInt(first))}`];
  if (rescoredFrom !== null) lines.push(`- scored again from ${isoFromNanos(BigInt(rescoredFrom))}`);
  if (problem !== null) lines.push(`- not scored again: ${problem}`);
  return lines;
}
