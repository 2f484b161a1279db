import type { AnomalyEvent } from '../contract/anomaly-event.js';
import type { PipelineSettings } from '../contract/pipeline.js';
import type { CheckedAnomalies, Detection, MachineInput, ModelGate } from '../contract/run.js';
import { AlertRecords } from '../store/alert-records.js';
import { EventNotes } from '../store/event-notes.js';
import type { EventJson } from '../verdict/event-json.js';
import { reasonOf } from '../verdict/judge.js';
import type { ActivityDeps } from './deps.js';
import type { JsonArtifacts, RunPlanDocument } from './plan-document.js';
import type { WindowEvents } from './window-events.js';

export type CheckInput = MachineInput & { readonly gate: ModelGate; readonly detection: Detection };

/**
 * Rows → the event to tell. A window that touched several (a first start over a day of history, say) tells the newest
 * only, so that nobody is flooded.
 */
export async function checkAnomalies(
  deps: ActivityDeps,
  documents: JsonArtifacts,
  input: CheckInput,
): Promise<CheckedAnomalies> {
  const { plan, detection } = input;
  if (detection.events === null) return { latest: null, events: 0, channels: [], isPlotted: false };
  const { settings } = await documents.get<RunPlanDocument>(plan.document);
  const { closed, open } = await documents.get<WindowEvents>(detection.events);
  const newest = open ?? closed.at(-1) ?? null;
  if (newest === null) return { latest: null, events: 0, channels: [], isPlotted: false };

  const touched = [...closed, ...(open === null ? [] : [open])];
  const events = touched.filter((event) => isFirstSeen(event, input)).length;
  if (plan.events === 'noted') {
    await noteEvents(deps, input, touched, events);
    return { latest: null, events, channels: [], isPlotted: false };
  }
  const latest = eventOf(newest, newest === open, input, settings);
  const records = new AlertRecords(deps.storage);
  const channels: string[] = [];
  for (const channel of plan.channels) {
    if (!(await records.isDelivered(latest.key, channel))) channels.push(channel);
  }
  return { latest, events, channels, isPlotted: detection.anomalies > 0 || channels.length > 0 };
}

/** Nobody is told of a backfill's events one by one: they are kept for its digest. */
async function noteEvents(
  { storage }: ActivityDeps,
  { plan, machine, gate, detection }: CheckInput,
  touched: readonly EventJson[],
  events: number,
): Promise<void> {
  const worst = touched.map((event) => event.worst).reduce((a, b) => (b.score > a.score ? b : a));
  const { uniqueId } = machine;
  const note = { uniqueId, rows: detection.anomalies, events, worst: { time: worst.time, score: worst.score } };
  await new EventNotes(storage, plan.scope).write(gate.watermark, note);
}

/** False for an event that went on from an earlier chunk of the same run, where it was counted. */
function isFirstSeen(event: EventJson, { plan, gate }: Pick<CheckInput, 'plan' | 'gate'>): boolean {
  if (gate.watermark === null || BigInt(gate.watermark) <= BigInt(plan.span.from)) return true;
  return BigInt(event.first) >= BigInt(gate.watermark);
}

function eventOf(event: EventJson, open: boolean, input: MachineInput, settings: PipelineSettings): AnomalyEvent {
  const { plan, machine } = input;
  const { values: names, id } = settings.source;
  const limits = typeof settings.normalise === 'string' ? {} : settings.normalise;
  return {
    key: `${plan.scope}/${machine.uniqueId}/${event.first}`,
    pipeline: plan.pipeline,
    uniqueId: machine.uniqueId,
    ids: Object.fromEntries(id.map((name, index) => [name, machine.ids[index] ?? ''])),
    first: event.first,
    last: event.last,
    rows: event.rows,
    open,
    worst: {
      time: event.worst.time,
      score: event.worst.score,
      values: Object.fromEntries(names.map((name, index) => [name, event.worst.values[index] ?? null])),
      reason: reasonOf(event.worst.score, settings.verdict),
    },
    threshold: settings.verdict.threshold,
    limits,
  };
}
