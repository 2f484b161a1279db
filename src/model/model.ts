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
import { judgeRows } from '../verdict/judge.js';
import type { Recent } from './recent.js';

/** One machine's learned state: normaliser, detector, the event that is open. Changed in place by {@link scoreSlice}. */
export interface Model {
  readonly normaliser: Normaliser;
  readonly detector: Detector;
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
  /** Why rows have their scores, n rows; null where the detector does not tell. */
  readonly explained: Explanations | null;
  /** n rows, 1 where the verdict is anomalous. */
  readonly anomalous: Uint8Array;
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
  const features = settings.source.values.length;
  const normalised = new Float64Array(rows * features);
  model.normaliser.normalise(values, rows, normalised);

  // In replay mode a missing value is a NaN, as in a data frame; else it is an absent feature (River: no such key).
  const keepsNaN = settings.mode === 'replay';
  const { batch, rowOf } = keepsNaN
    ? { batch: { rows, times, raw: values, values: normalised, missing: null }, rowOf: null }
    : batchOfPresent(slice, normalised, features);

  const { detector } = model;
  const batchScores = new Float64Array(batch.rows);
  const explained = detector.views.length === 0 ? null : createExplanations(batch.rows);
  for (let from = 0; from < batch.rows; from += STEP_ROWS) {
    const to = Math.min(from + STEP_ROWS, batch.rows);
    detector.process(batch, from, to, settings.order, { scores: batchScores, explained });
    yield to;
  }

  const scores = rowOf === null ? batchScores : spreadScores(batchScores, rowOf, rows);
  const reasons = rowOf === null || explained === null ? explained : spreadExplanations(explained, rowOf, rows);
  const anomalous = judgeRows(scores, settings.verdict);
  // The rows alone decide, not where windows end: the same rows give the same state whatever runs brought them.
  const end = rows === 0 ? model.watermark : (times[rows - 1] ?? 0n) + 1n;
  const { clear_after: clearAfter } = settings.verdict;
  const { closed, open } = trackEvents(model.openEvent, { times, scores, anomalous, values }, end ?? 0n, clearAfter);
  model.openEvent = open;
  model.watermark = end;
  model.rows += rows;
  let anomalies = 0;
  for (const flag of anomalous) anomalies += flag;
  const unscored = rows - batch.rows;
  return { scores, normalised, explained: reasons, anomalous, anomalies, unscored, closed, open };
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

function spreadScores(batchScores: Float64Array, rowOf: Int32Array, rows: number): Float64Array {
  const scores = new Float64Array(rows).fill(Number.NaN);
  for (let i = 0; i < rowOf.length; i++) scores[rowOf[i] ?? 0] = batchScores[i] ?? Number.NaN;
  return scores;
}

function spreadExplanations(of: Explanations, rowOf: Int32Array, rows: number): Explanations {
  const spread = createExplanations(rows);
  for (let i = 0; i < rowOf.length; i++) copyExplanation(of, i, spread, rowOf[i] ?? 0);
  return spread;
}
