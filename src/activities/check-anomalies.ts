import type { AnomalyEvent } from '../contract/anomaly-event.js';
import type { PipelineSettings } from '../contract/pipeline.js';
import type { CheckedAnomalies, Detection, MachineInput } from '../contract/run.js';
import { AlertRecords } from '../store/alert-records.js';
import type { EventJson } from '../verdict/event-json.js';
import { reasonOf } from '../verdict/judge.js';
import type { ActivityDeps } from './deps.js';
import type { JsonArtifacts, RunPlanDocument } from './plan-document.js';
import type { WindowEvents } from './window-events.js';

/**
 * Rows → the event to tell. A window that touched several (a first start over a day of history, say) tells the newest
 * only, so that nobody is flooded.
 */
export async function checkAnomalies(
  deps: ActivityDeps,
  documents: JsonArtifacts,
  input: MachineInput & { readonly detection: Detection },
): Promise<CheckedAnomalies> {
  const { plan, detection } = input;
  if (detection.events === null) return { latest: null, events: 0, channels: [], isPlotted: false };
  const { settings } = await documents.get<RunPlanDocument>(plan.document);
  const { closed, open } = await documents.get<WindowEvents>(detection.events);
  const newest = open ?? closed.at(-1) ?? null;
  if (newest === null) return { latest: null, events: 0, channels: [], isPlotted: false };

  const latest = eventOf(newest, newest === open, input, settings);
  const records = new AlertRecords(deps.storage);
  const channels: string[] = [];
  for (const channel of plan.channels) {
    if (!(await records.isDelivered(latest.key, channel))) channels.push(channel);
  }
  const events = closed.length + (open === null ? 0 : 1);
  return { latest, events, channels, isPlotted: detection.anomalies > 0 || channels.length > 0 };
}

function eventOf(event: EventJson, open: boolean, input: MachineInput, settings: PipelineSettings): AnomalyEvent {
  const { plan, machine } = input;
  const { values: names, id } = settings.source;
  const limits = typeof settings.normalise === 'string' ? {} : settings.normalise;
  return {
    key: `${plan.pipeline}/${machine.uniqueId}/${event.first}`,
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
