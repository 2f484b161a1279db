import { createHash } from 'node:crypto';
import type { PipelineSettings } from '../contract/pipeline.js';
import type { Detection, MachineInput, ModelGate } from '../contract/run.js';
import type { Slice } from '../contract/slice.js';
import type { Column, Table } from '../contract/table.js';
import { createModel, type Model, type ScoredSlice, scoreInSteps } from '../model/model.js';
import { decodeSnapshot, encodeSnapshot } from '../model/snapshot.js';
import { encodeTable } from '../shape/slice-codec.js';
import { putArtifact } from '../store/artifacts.js';
import { formatSnapshotName, type SnapshotName } from '../store/snapshots.js';
import type { Attempt } from './attempt.js';
import type { ActivityDeps } from './deps.js';
import { snapshotBytes } from './gate.js';
import type { JsonArtifacts, RunPlanDocument } from './plan-document.js';
import type { SlicePacks } from './slices.js';
import { windowEventsJson } from './window-events.js';

export type DetectInput = MachineInput & { readonly gate: ModelGate };

/**
 * Base snapshot + slice → scores + next snapshot, both staged under names made of their content. A pure function of its
 * input: any attempt, on any worker, gives the same bytes.
 */
export async function detectAnomalies(
  deps: ActivityDeps,
  documents: JsonArtifacts,
  packs: SlicePacks,
  input: DetectInput,
  attempt: Attempt,
): Promise<Detection> {
  const { plan, machine, gate } = input;
  const { settings, settingsHash } = await documents.get<RunPlanDocument>(plan.document);
  const whole = await packs.read(machine);
  const slice = gate.watermark === null ? whole : rowsFrom(whole, BigInt(gate.watermark));

  const model =
    gate.base === null
      ? createModel(settings)
      : decodeSnapshot(await snapshotBytes(deps, input, gate.base), settings, settingsHash);
  const until = laterOf(BigInt(plan.window.to), gate.watermark);
  const scored = await runSteps(model, slice, settings, until, attempt);

  const events = windowEventsJson(scored);
  return {
    scores: await putArtifact(deps.storage, plan.folder, 'scores', encodeTable(scoreTable(slice, scored, settings))),
    events: events === null ? null : await putArtifact(deps.storage, plan.folder, 'events', events, '.json'),
    snapshot: plan.mode === 'replay' ? null : await stageSnapshot(deps, input, model, settingsHash, until),
    rows: slice.rows,
    trimmed: whole.rows - slice.rows,
    anomalies: scored.anomalies,
  };
}

async function runSteps(
  model: Model,
  slice: Slice,
  settings: PipelineSettings,
  until: bigint,
  attempt: Attempt,
): Promise<ScoredSlice> {
  const steps = scoreInSteps(model, slice, settings, until);
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
    attempt.report(step.value);
    await attempt.breathe();
  }
}

async function stageSnapshot(
  deps: ActivityDeps,
  input: DetectInput,
  model: Model,
  settingsHash: string,
  watermark: bigint,
): Promise<Detection['snapshot']> {
  const { plan, machine, gate } = input;
  const bytes = encodeSnapshot(model, settingsHash);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const name: SnapshotName = { token: gate.token, watermark, settingsHash, sha256 };
  deps.models.set(plan.scope, machine.uniqueId, name, bytes);
  return {
    name: formatSnapshotName(name),
    bytes: await putArtifact(deps.storage, plan.folder, 'snapshot', bytes),
  };
}

/** Drops rows that the base has learned already. */
function rowsFrom(slice: Slice, watermark: bigint): Slice {
  let first = 0;
  while (first < slice.rows && (slice.times[first] ?? 0n) < watermark) first++;
  if (first === 0) return slice;
  const features = slice.values.length / slice.rows;
  return {
    ...slice,
    rows: slice.rows - first,
    times: slice.times.slice(first),
    values: slice.values.slice(first * features),
  };
}

function scoreTable(slice: Slice, scored: ScoredSlice, settings: PipelineSettings): Table {
  const features = settings.source.values.length;
  const columns = new Map<string, Column>([
    [SCORE_COLUMNS.time, { kind: 'time', values: slice.times }],
    [SCORE_COLUMNS.score, { kind: 'number', values: scored.scores }],
    [SCORE_COLUMNS.isAnomaly, { kind: 'number', values: Float64Array.from(scored.anomalous) }],
  ]);
  settings.source.values.forEach((name, feature) => {
    const values = new Float64Array(slice.rows);
    for (let row = 0; row < slice.rows; row++) values[row] = slice.values[row * features + feature] ?? Number.NaN;
    columns.set(valueColumn(name), { kind: 'number', values });
  });
  return { rows: slice.rows, columns };
}

/** Columns of a scores artifact that are not values. */
export const SCORE_COLUMNS = { time: 'time', score: 'score', isAnomaly: 'is_anomaly' } as const;

/** Value columns keep apart from the others whatever they are called. */
export function valueColumn(name: string): string {
  return `value:${name}`;
}

function laterOf(to: bigint, watermark: string | null): bigint {
  return watermark !== null && BigInt(watermark) > to ? BigInt(watermark) : to;
}
