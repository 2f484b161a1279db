import type { AnomalyEvent, EarlierEvents } from '../contract/anomaly-event.js';
import type { CheckedAnomalies, Detection, MachineInput, ModelGate, ToldEvent } from '../contract/machine-run.js';
import type { PipelineSettings } from '../contract/pipeline.js';
import { isoFromNanos, nanosFromMs } from '../contract/time.js';
import { firstRowFrom } from '../shape/shaping.js';
import { type AlertRecord, AlertRecords } from '../store/alert-records.js';
import { EventNotes } from '../store/event-notes.js';
import type { EventJson } from '../verdict/event-json.js';
import { rulesOf } from '../verdict/machine-rules.js';
import { toldEvent } from '../verdict/told-event.js';
import type { ActivityDeps } from './deps.js';
import { EVER, isKnown, type ScoredStretch, settleIncidents } from './incidents.js';
import { NOTHING_OWED, owedMessages, turnOf } from './owed-messages.js';
import type { JsonArtifacts, RunPlanDocument } from './plan-document.js';
import { NO_EVENTS, type WindowEvents } from './window-events.js';

export type CheckInput = MachineInput & { readonly gate: ModelGate; readonly detection: Detection };

/**
 * Rows → the event to tell. A window that touched several (a first start over a day of history, say) tells the newest
 * only, so that nobody is flooded; its message says how many others there were. Where late rows changed what was told,
 * or earlier runs could not tell an event, that is to be told too.
 */
export async function checkAnomalies(
  deps: ActivityDeps,
  documents: JsonArtifacts,
  input: CheckInput,
): Promise<CheckedAnomalies> {
  const { plan, machine, detection } = input;
  const { settings } = await documents.get<RunPlanDocument>(plan.document);
  const { closed, open } = detection.events === null ? NO_EVENTS : await documents.get<WindowEvents>(detection.events);
  const touched = [...closed, ...(open === null ? [] : [open])];
  const count = touched.filter((event) => isFoundHere(event, input, settings)).length;
  if (plan.events === 'noted') {
    await noteEvents(deps, input, touched, count);
    return { latest: null, events: count, channels: [], isFoundLate: false, revised: [], isPlotted: false };
  }
  const owner = { pipeline: plan.pipeline, scope: plan.scope, uniqueId: machine.uniqueId, ids: machine.ids };
  const all = touched.map((event) => toldEvent(event, event === open, owner, settings));
  const events = all.filter((_, index) => touched[index]?.isRepeat !== true);
  const records = new AlertRecords(deps.storage);
  const rescoredFrom = detection.late?.rescoredFrom ?? null;
  const scoredFrom = rescoredFrom ?? input.gate.watermark;
  const scored: ScoredStretch = {
    from: scoredFrom === null ? EVER : String(firstRowFrom(BigInt(scoredFrom), settings)),
    isAgain: rescoredFrom !== null,
  };
  const incidents = await settleIncidents(records, input, all, scored);

  const latest = events.at(-1) ?? null;
  const earliest = BigInt(plan.window.to) - nanosFromMs(settings.window.catch_up);
  const now = { events: all, latest, incidents, scored, earliest };
  const owed = scored.isAgain || machine.owesAlert ? await owedMessages(records, input, now) : NOTHING_OWED;
  const channels = latest === null ? [] : plan.channels.filter((channel) => !isKnown(incidents, latest, channel));
  const unsaid = events.slice(0, -1).filter(({ first }) => !owed.untold.some(({ event }) => event.first === first));
  const earlier = channels.length === 0 ? undefined : (untoldOf(incidents, unsaid) ?? owed.earlier);
  const silence = await silenceOf(records, input, settings);
  const isSilenceNew = silence !== null && machine.silent?.isNew === true;
  return {
    latest: latest === null || earlier === undefined ? latest : { ...latest, earlier },
    events: count + (isSilenceNew ? 1 : 0),
    channels,
    isFoundLate: rescoredFrom !== null && latest !== null && BigInt(latest.first) < BigInt(machine.from),
    revised: turnOf(owed.revised),
    ...(owed.untold.length === 0 ? {} : { untold: turnOf(owed.untold) }),
    isPlotted: (events.length > 0 && (detection.anomalies > 0 || channels.length > 0)) || isSilenceNew,
    ...(silence === null ? {} : { silence }),
  };
}

/** That the machine sends nothing, to those who do not know it; null while it does. */
async function silenceOf(
  records: AlertRecords,
  { plan, machine }: MachineInput,
  settings: PipelineSettings,
): Promise<ToldEvent | null> {
  const { uniqueId, silent } = machine;
  if (silent === undefined) return null;
  const { threshold, stale_after: after } = rulesOf(settings.verdict, uniqueId);
  const first = String(BigInt(silent.since) + nanosFromMs(after ?? 0));
  const event: AnomalyEvent = {
    key: `${plan.scope}/${uniqueId}/${first}`,
    pipeline: plan.pipeline,
    uniqueId,
    ids: Object.fromEntries(settings.source.id.map((name, index) => [name, machine.ids[index] ?? ''])),
    first,
    last: first,
    rows: 0,
    open: true,
    worst: {
      time: silent.since,
      score: 0,
      values: {},
      cause: 'silent',
      column: null,
      expected: null,
      lower: null,
      upper: null,
      reason: `no rows since ${isoFromNanos(BigInt(silent.since))}`,
    },
    threshold,
    limits: {},
  };
  const channels: string[] = [];
  for (const channel of plan.channels) if (!(await records.isDelivered(event, channel))) channels.push(channel);
  return { event, channels };
}

/** Those of a window's events, without its newest, that no channel was told of. */
function untoldOf(incidents: readonly AlertRecord[], events: readonly AnomalyEvent[]): EarlierEvents | undefined {
  const untold = events.filter((event) => !isKnown(incidents, event));
  const [first] = untold;
  if (first === undefined) return undefined;
  return { events: untold.length, rows: untold.reduce((rows, event) => rows + event.rows, 0), since: first.first };
}

/** Nobody is told of a backfill's events one by one: they are kept for its digest. */
async function noteEvents(
  { storage }: ActivityDeps,
  { plan, machine, gate, detection }: CheckInput,
  touched: readonly EventJson[],
  events: number,
): Promise<void> {
  const { uniqueId } = machine;
  const notes = new EventNotes(storage, plan.scope);
  if (detection.late !== null && detection.late.rescoredFrom !== null) {
    await notes.forgetFrom(gate.watermark, uniqueId);
  }
  if (detection.anomalies === 0 || touched.length === 0) return;
  const worst = touched.map((event) => event.worst).reduce((a, b) => (b.score > a.score ? b : a));
  const note = { uniqueId, rows: detection.anomalies, events, worst: { time: worst.time, score: worst.score } };
  await notes.write(gate.watermark, note);
}

/**
 * Whether an event counts as found here: it has a row that the model had not scored yet. One that went on from an earlier
 * chunk of the same run was counted there.
 */
function isFoundHere(
  event: EventJson,
  { plan, gate }: Pick<CheckInput, 'plan' | 'gate'>,
  settings: PipelineSettings,
): boolean {
  if (gate.watermark === null) return true;
  const watermark = BigInt(gate.watermark);
  const time = watermark <= BigInt(plan.span.from) ? event.last : event.first;
  return BigInt(time) >= firstRowFrom(watermark, settings);
}
