import type { PipelineSettings } from '../contract/pipeline.js';
import type { Slice } from '../contract/slice.js';
import {
  type Batch,
  copyExplanation,
  createExplanations,
  type Detector,
  type Explanations,
} from '../detectors/detector.js';
import { createNormaliser, type Normaliser } from '../detectors/normaliser.js';
import { createDetector } from '../detectors/registry.js';
import { type TrackedEvent, trackEvents } from '../verdict/event-tracker.js';
import { RowJudge } from '../verdict/judge.js';
import { rulesOf } from '../verdict/machine-rules.js';
import { RuleState } from '../verdict/rule-state.js';
import { type JudgedBatch, processPausing } from './paused-learning.js';
import type { Recent } from './recent.js';

/** One machine's learned state: normaliser, detector, rules, the event that is open. Changed in place by {@link scoreSlice}. */
export interface Model {
  readonly normaliser: Normaliser;
  readonly detector: Detector;
  /** What the verdict's rules know of the rows before. */
  readonly rules: RuleState;
  openEvent: TrackedEvent | null;
  /** Just after the last row learned, nanoseconds; null before the first. */
  watermark: bigint | null;
  /** Rows it was given, those without any value included. */
  rows: number;
  /** The last of these rows in a form that late ones can be found by; null where none are looked for. */
  recent: Recent | null;
}

/** What a model says of a slice's rows. */
export interface ScoredSlice {
  /** 0..1, n rows; NaN where the row was not scored. */
  readonly scores: Float64Array;
  /** n rows x features, row-major: the values the detector saw; NaN where missing. */
  readonly normalised: Float64Array;
  /** What was expected of rows, n rows: by the detector where it says, else by the rules. */
  readonly explained: Explanations;
  /** Why the verdict is anomalous, n rows: an index into `CAUSES` of verdict/; 0 where it is not. */
  readonly causes: Uint8Array;
  readonly anomalies: number;
  /** Rows without any value: neither scored nor learned. */
  readonly unscored: number;
  readonly closed: readonly TrackedEvent[];
  readonly open: TrackedEvent | null;
}

/** Rows between two steps of {@link scoreInSteps}: a few milliseconds for common settings. */
const STEP_ROWS = 4096;

export function createModel(settings: PipelineSettings): Model {
  return {
    normaliser: createNormaliser(settings.normalise, settings.source.values),
    detector: createDetector(settings.detector, settings.source.values),
    rules: new RuleState(settings.source.values.length),
    openEvent: null,
    watermark: null,
    rows: 0,
    recent: null,
  };
}

/** Scores and learns a slice in one go and moves the watermark to just after its last row; `model` is changed. */
export function scoreSlice(model: Model, slice: Slice, settings: PipelineSettings): ScoredSlice {
  const steps = scoreInSteps(model, slice, settings);
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
  }
}

/**
 * The same as {@link scoreSlice} in steps of a few thousand rows, so that a caller can yield, report and stop between
 * them. Yields the rows done so far. A model whose steps were not run to the end is worthless.
 */
export function* scoreInSteps(model: Model, slice: Slice, settings: PipelineSettings): Generator<number, ScoredSlice> {
  const { rows, times, values } = slice;
  const { source, normalise, order } = settings;
  const features = source.values.length;
  const rules = rulesOf(settings.verdict, slice.uniqueId);
  const isPausing = rules.pause_learning === true;
  const normalised = new Float64Array(rows * features);
  // What a running normaliser learns stops with the rest: row by row then.
  const isRunning = isPausing && normalise === 'running';
  if (!isRunning) model.normaliser.normalise(values, rows, normalised);

  // In replay mode a missing value is a NaN, as in a data frame; else it is an absent feature (River: no such key).
  const keepsNaN = settings.mode === 'replay';
  const { batch, rowOf } = keepsNaN
    ? { batch: { rows, times, raw: values, values: normalised, missing: null }, rowOf: null }
    : batchOfPresent(slice, normalised, features);

  const { detector } = model;
  const judge = new RowJudge(model.rules, rules, source.values, typeof normalise === 'string' ? {} : normalise);
  const judged: JudgedBatch = {
    times: batch.times ?? times,
    values: batch.raw,
    scores: new Float64Array(batch.rows),
    explained: createExplanations(batch.rows),
    causes: new Uint8Array(batch.rows),
  };
  const out = { scores: judged.scores, explained: detector.views.length === 0 ? null : judged.explained };
  const pausing = { normaliser: isRunning ? model.normaliser : null, detector, order, judge, judged, rules, out };
  let lastAnomalous = model.openEvent?.last ?? null;
  for (let from = 0; from < batch.rows; from += STEP_ROWS) {
    const to = Math.min(from + STEP_ROWS, batch.rows);
    if (isPausing) {
      lastAnomalous = processPausing(batch, from, to, lastAnomalous, pausing);
    } else {
      detector.process(batch, from, to, order, out);
      judge.judge(judged, from, to);
    }
    yield to;
  }

  const { scores, explained, causes } = rowOf === null ? judged : spread(judged, rowOf, rows);
  if (isRunning && rowOf !== null) spreadValues(batch.values, rowOf, normalised);
  // The rows alone decide, not where windows end: the same rows give the same state whatever runs brought them.
  const end = rows === 0 ? model.watermark : (times[rows - 1] ?? 0n) + 1n;
  const before = { open: model.openEvent, lastTold: model.rules.lastTold };
  const { closed, open, lastTold } = trackEvents(
    before,
    { times, scores, causes, values, explained },
    end ?? 0n,
    rules,
  );
  model.openEvent = open;
  model.rules.lastTold = lastTold;
  model.watermark = end;
  model.rows += rows;
  let anomalies = 0;
  for (const cause of causes) if (cause !== 0) anomalies++;
  const unscored = rows - batch.rows;
  return { scores, normalised, explained, causes, anomalies, unscored, closed, open };
}

/** Drops rows without any value and marks the missing features of the others. `rowOf`: batch row to slice row; null when all rows stay. */
function batchOfPresent(
  { rows, times: allTimes, values: raw }: Slice,
  normalised: Float64Array,
  features: number,
): { batch: Batch; rowOf: Int32Array | null } {
  let empty = 0;
  let absent = 0;
  for (let row = 0; row < rows; row++) {
    let missing = 0;
    for (let f = row * features; f < (row + 1) * features; f++) if (Number.isNaN(raw[f])) missing++;
    absent += missing;
    if (missing === features) empty++;
  }
  if (absent === 0) return { batch: { rows, times: allTimes, raw, values: normalised, missing: null }, rowOf: null };

  const kept = rows - empty;
  const times = new BigInt64Array(kept);
  const present = new Float64Array(kept * features);
  const values = new Float64Array(kept * features);
  const missing = new Uint8Array(kept * features);
  const rowOf = new Int32Array(kept);
  let at = 0;
  for (let row = 0; row < rows; row++) {
    const measured = raw.subarray(row * features, (row + 1) * features);
    if (measured.every(Number.isNaN)) continue;
    present.set(measured, at * features);
    values.set(normalised.subarray(row * features, (row + 1) * features), at * features);
    for (let f = 0; f < features; f++) if (Number.isNaN(measured[f])) missing[at * features + f] = 1;
    times[at] = allTimes[row] ?? 0n;
    rowOf[at++] = row;
  }
  return { batch: { rows: kept, times, raw: present, values, missing }, rowOf };
}

/** What was found of a batch's rows, in the places of a slice's rows. */
function spread({ scores, explained, causes }: JudgedBatch, rowOf: Int32Array, rows: number) {
  const all = {
    scores: new Float64Array(rows).fill(Number.NaN),
    explained: createExplanations(rows),
    causes: new Uint8Array(rows),
  };
  for (let i = 0; i < rowOf.length; i++) {
    const row = rowOf[i] ?? 0;
    all.scores[row] = scores[i] ?? Number.NaN;
    all.causes[row] = causes[i] ?? 0;
    copyExplanation(explained, i, all.explained, row);
  }
  return all;
}

function spreadValues(values: Float64Array, rowOf: Int32Array, to: Float64Array): void {
  const features = rowOf.length === 0 ? 0 : values.length / rowOf.length;
  to.fill(Number.NaN);
  for (let i = 0; i < rowOf.length; i++) {
    to.set(values.subarray(i * features, (i + 1) * features), (rowOf[i] ?? 0) * features);
  }
}
