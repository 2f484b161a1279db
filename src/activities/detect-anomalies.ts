import { createHash } from 'node:crypto';
import type {
  Detection,
  LateRows,
  MachineInput,
  ModelGate,
  RollBack,
  StagedSnapshot,
} from '../contract/machine-run.js';
import type { PipelineSettings } from '../contract/pipeline.js';
import type { Column, Table } from '../contract/table.js';
import { type Learned, learnInSteps } from '../model/learn.js';
import { createModel, type Model, type ScoredSlice } from '../model/model.js';
import type { CoveredSlice } from '../model/recent.js';
import { encodeSnapshot, type SnapshotOwner } from '../model/snapshot.js';
import { checkpointTime } from '../shape/late-zone.js';
import { encodeTable } from '../shape/slice-codec.js';
import { putArtifact } from '../store/artifacts.js';
import { formatSnapshotName, type SnapshotName, snapshotNameFrom } from '../store/snapshots.js';
import type { Attempt } from './attempt.js';
import type { ActivityDeps } from './deps.js';
import { type FoundLate, findLate, lateClock } from './late-search.js';
import type { JsonArtifacts, RunPlanDocument } from './plan-document.js';
import { readModel } from './read-model.js';
import type { SlicePacks } from './slices.js';
import { windowEventsJson } from './window-events.js';

export type DetectInput = MachineInput & { readonly gate: ModelGate };

/**
 * Base snapshot + slice → scores + next snapshot, both staged under names made of their content; or, where late rows are to
 * be learned that the base has passed already, the wish for an earlier base. A pure function of its input: any attempt, on
 * any worker, gives the same bytes.
 */
export async function detectAnomalies(
  deps: ActivityDeps,
  documents: JsonArtifacts,
  packs: SlicePacks,
  input: DetectInput,
  attempt: Attempt,
): Promise<Detection | RollBack> {
  const { plan, machine, gate } = input;
  const document = await documents.get<RunPlanDocument>(plan.document);
  const { settings, settingsHash } = document;
  const owner: SnapshotOwner = { uniqueId: machine.uniqueId, ids: machine.ids, settingsHash };
  const whole: CoveredSlice = { slice: await packs.read(machine), covered: BigInt(machine.covered) };
  const clock = lateClock(document);
  const base = gate.base === null ? null : await readModel(deps, document, input, snapshotNameFrom(gate.base));
  const isRescored = settings.late?.action === 'rescore';

  const found = gate.late === undefined ? findLate(base, whole, clock, machine, gate) : null;
  if (found !== null && found.before !== null && isRescored) {
    return { kind: 'roll back', rows: found.rows, first: found.first, before: String(found.before) };
  }
  const model = base ?? createModel(settings);
  const steps = learnInSteps(model, whole, settings, {
    since: gate.watermark === null ? null : BigInt(gate.watermark),
    clock,
    checkpointAt: clock !== null && isRescored ? checkpointTime(clock, BigInt(plan.window.to)) : null,
    owner,
  });
  const { slice, scored, checkpoint } = await runSteps(steps, attempt);

  const events = windowEventsJson(scored);
  const counted = found === null ? null : countedOnly(found);
  return {
    kind: 'detection',
    scores: await putArtifact(deps.storage, plan.folder, 'scores', encodeTable(scoreTable(scored, settings))),
    events: events === null ? null : await putArtifact(deps.storage, plan.folder, 'events', events, '.json'),
    ...(await stageSnapshots(deps, input, model, owner, checkpoint)),
    late: gate.late ?? counted,
    rows: slice.rows,
    scored: scored.scores.reduce((sum, score) => (Number.isNaN(score) ? sum : sum + 1), 0),
    trimmed: whole.slice.rows - slice.rows,
    anomalies: scored.anomalies,
  };
}

function countedOnly({ rows, first, learned }: FoundLate): LateRows {
  return { rows, first, rescoredFrom: null, problem: null, learned };
}

async function runSteps(steps: Generator<number, Learned>, attempt: Attempt): Promise<Learned> {
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
    attempt.report(step.value);
    await attempt.breathe();
  }
}

async function stageSnapshots(
  deps: ActivityDeps,
  input: DetectInput,
  model: Model,
  owner: SnapshotOwner,
  checkpoint: Learned['checkpoint'],
): Promise<Pick<Detection, 'snapshot' | 'checkpoint'>> {
  const { plan, machine, gate } = input;
  const { settingsHash } = owner;
  if (plan.mode === 'replay' || model.watermark === null) return { snapshot: null, checkpoint: null };
  const baseToken = gate.base === null ? 0 : snapshotNameFrom(gate.base).token;
  // The gate left room for one token below its own.
  const early = checkpoint === null ? null : { token: gate.token - 1, base: baseToken, settingsHash, ...checkpoint };
  const bytes = encodeSnapshot(model, owner);
  const last = { token: gate.token, base: early?.token ?? baseToken, settingsHash, watermark: model.watermark, bytes };
  deps.models.set(plan.scope, machine.uniqueId, nameOf(last), bytes);
  return {
    checkpoint: early === null ? null : await stage(deps, plan.folder, early),
    snapshot: await stage(deps, plan.folder, last),
  };
}

type Staged = Omit<SnapshotName, 'sha256'> & { readonly bytes: Uint8Array };

function nameOf({ bytes, ...name }: Staged): SnapshotName {
  return { ...name, sha256: createHash('sha256').update(bytes).digest('hex') };
}

async function stage(deps: ActivityDeps, folder: string, staged: Staged): Promise<StagedSnapshot> {
  return {
    name: formatSnapshotName(nameOf(staged)),
    bytes: await putArtifact(deps.storage, folder, 'snapshot', staged.bytes),
  };
}

function scoreTable(scored: ScoredSlice, settings: PipelineSettings): Table {
  const { slice, filled } = scored;
  const features = settings.source.values.length;
  const columns = new Map<string, Column>([
    [SCORE_COLUMNS.time, { kind: 'time', values: slice.times }],
    [SCORE_COLUMNS.score, { kind: 'number', values: scored.scores }],
    [SCORE_COLUMNS.cause, { kind: 'number', values: Float64Array.from(scored.causes) }],
    [SCORE_COLUMNS.feature, { kind: 'number', values: Float64Array.from(scored.explained.feature) }],
    [SCORE_COLUMNS.view, viewColumn(scored)],
    [SCORE_COLUMNS.expected, { kind: 'number', values: scored.explained.expected }],
    [SCORE_COLUMNS.lower, { kind: 'number', values: scored.explained.lower }],
    [SCORE_COLUMNS.upper, { kind: 'number', values: scored.explained.upper }],
  ]);
  if (filled !== null) columns.set(SCORE_COLUMNS.filled, { kind: 'number', values: Float64Array.from(filled) });
  settings.source.values.forEach((name, feature) => {
    const values = new Float64Array(slice.rows);
    for (let row = 0; row < slice.rows; row++) values[row] = slice.values[row * features + feature] ?? Number.NaN;
    columns.set(valueColumn(name), { kind: 'number', values });
  });
  return { rows: slice.rows, columns };
}

function viewColumn({ explained, views }: ScoredSlice): Column {
  const codes = Int32Array.from(explained.view, (view) => (views[view] ? view : -1));
  return { kind: 'string', dictionary: views, codes };
}

/**
 * Columns of a scores artifact that are not values. `cause` is an index into `CAUSES`, `feature` into `source.values`, `view` says what of it; `filled` is
 * there where gaps are filled.
 */
export const SCORE_COLUMNS = {
  time: 'time',
  score: 'score',
  cause: 'cause',
  feature: 'feature',
  view: 'view',
  expected: 'expected',
  lower: 'lower',
  upper: 'upper',
  filled: 'filled',
} as const;

/** Value columns keep apart from the others whatever they are called. */
export function valueColumn(name: string): string {
  return `value:${name}`;
}
