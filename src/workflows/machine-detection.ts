import { isCancellation, log, proxyActivities, setCurrentDetails } from '@temporalio/workflow';
import type { Activities } from '../activities/index.js';
import type {
  AlertOutcome,
  CheckedAnomalies,
  Detection,
  MachineChildInput,
  MachineInput,
  MachineResult,
  ModelGate,
  PlotResult,
} from '../contract/run.js';
import { failureReason } from './failure-reason.js';
import { Home } from './home.js';
import { ALERT, EXPLAIN } from './policies.js';
import { counted, windowText } from './texts.js';

const { checkAnomalies, plotAnomalies } = proxyActivities<Activities>(EXPLAIN);
const { sendAlert } = proxyActivities<Activities>(ALERT);

/** One machine's slice, start to end. Its workflow id is the machine's lock. Publishing the snapshot is the last step. */
export async function machineDetection({ home: queue, ...input }: MachineChildInput): Promise<MachineResult> {
  const { uniqueId, rows } = input.machine;
  const home = new Home(queue);
  const startedAtMs = Date.now();
  const gate = await home.run((steps) => steps.modelIsCached(uniqueId, { ...input, startedAtMs }));
  if (!gate.cached) {
    await home.run((steps) => steps.loadModel.executeWithOptions({ summary: uniqueId }, [{ ...input, gate }]));
  }
  const slice = `${uniqueId}: ${counted(rows, 'row')}`;
  const detection = await home.run((steps) =>
    steps.detectAnomalies.executeWithOptions({ summary: slice }, [{ ...input, gate }]),
  );

  let checked: CheckedAnomalies | null = null;
  let plot: PlotResult | null = null;
  let alerts: readonly AlertOutcome[] = [];
  if (detection.events !== null) {
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
    plot: plot?.path ?? null,
    alerts,
    deadHome: home.dead,
  };
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
  const event = checked.latest;
  if (event === null) return [];
  const outcomes: AlertOutcome[] = [];
  for (const channel of checked.channels) {
    const { uniqueId } = input.machine;
    try {
      const status = await sendAlert.executeWithOptions({ summary: `${uniqueId}: ${channel}` }, [
        { plan: input.plan, run: input.run, channel, event, plot },
      ]);
      outcomes.push({ uniqueId, event: event.key, channel, status });
    } catch (error) {
      if (isCancellation(error)) throw error;
      outcomes.push({ uniqueId, event: event.key, channel, status: 'failed', reason: failureReason(error) });
    }
  }
  return outcomes;
}

function detailsOf(input: MachineInput, gate: ModelGate, detection: Detection, plot: PlotResult | null): string {
  const lines = [
    `- machine: ${input.machine.uniqueId}`,
    `- window: ${windowText(input.plan)}`,
    `- rows: ${detection.rows}, anomalous: ${detection.anomalies}`,
    `- model: ${gate.why}`,
  ];
  if (plot !== null) lines.push(`- plot: ${plot.url ?? plot.path}`);
  return lines.join('\n');
}
