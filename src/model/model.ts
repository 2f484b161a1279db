import { columnOfFeature, featureNames } from '../contract/features.js';
import type { PipelineSettings } from '../contract/pipeline.js';
import type { Slice } from '../contract/slice.js';
import { copyExplanation, createExplanations, type Detector, type Explanations } from '../detectors/detector.js';
import { createNormaliser, type Normaliser } from '../detectors/normaliser.js';
import { type ShapedRows, Shaping } from '../shape/shaping.js';
import { type EventPulse, type TrackedEvent, trackEvents } from '../verdict/event-tracker.js';
import { RowJudge } from '../verdict/judge.js';
import { rulesOf } from '../verdict/machine-rules.js';
import { RuleState } from '../verdict/rule-state.js';
import { namedViews } from './column-explanations.js';
import { createMachineDetector } from './machine-detector.js';
import { batchOf } from './model-batch.js';
import { type JudgedBatch, processPausing } from './paused-learning.js';
import type { Recent } from './recent.js';

/**
 * One machine's learned state: what shapes its rows, normaliser, detector, rules, the event that is open. Changed in place by
 * {@link scoreSlice}.
 */
export interface Model {
  readonly shaping: Shaping;
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

/** What a model says of the rows that a slice brought. */
export interface ScoredSlice {
  /** These rows: the source's own, or those of the grid that the slice completed. */
  readonly slice: Slice;
  /** A row each, 1 where it fills a gap and is neither scored nor learned; null where nothing is filled. */
  readonly filled: Uint8Array | null;
  /** 0..1, n rows; NaN where the row was not scored. */
  readonly scores: Float64Array;
  /** n rows x features, row-major: the values the detector saw; NaN where missing. */
  readonly normalised: Float64Array;
  /** What was expected of rows, n rows: by the detector where it says, else by the rules. */
  readonly explained: Explanations;
  /** Names of the views that `explained` points at; '' for a value, empty where none is worth a word. */
  readonly views: readonly string[];
  /** Why the verdict is anomalous, n rows: an index into `CAUSES` of verdict/; 0 where it is not. */
  readonly causes: Uint8Array;
  readonly anomalies: number;
  /** Rows without any value, those that fill a gap aside: neither scored nor learned. */
  readonly unscored: number;
  readonly closed: readonly TrackedEvent[];
  readonly open: TrackedEvent | null;
}

/** Rows between two steps of {@link scoreInSteps}: a few milliseconds for common settings. */
const STEP_ROWS = 4096;

export function createModel(settings: PipelineSettings): Model {
  return {
    shaping: new Shaping(settings),
    normaliser: createNormaliser(settings.normalise, featureNames(settings)),
    detector: createMachineDetector(settings),
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
  const { source, normalise, order } = settings;
  const isReplay = settings.mode === 'replay';
  const shaped = model.shaping.take(slice, isReplay);
  const { rows, times, values } = shaped.slice;
  const rules = rulesOf(settings.verdict, slice.uniqueId);
  const isPausing = rules.pause_learning === true;
  const normalised = new Float64Array(shaped.features.length);
  // What such a normaliser learns stops with the rest: row by row then.
  const isRunning = isPausing && (normalise === 'running' || normalise === 'robust');
  if (!isRunning) model.normaliser.normalise(learnable(shaped), rows, normalised);
  const columnOf = settings.features.map((feature) => source.values.indexOf(columnOfFeature(feature) ?? ''));
  const { batch, measured, rowOf } = batchOf(shaped, normalised, { keepsNaN: isReplay, columnOf });

  const { detector } = model;
  const judge = new RowJudge(model.rules, rules, source.values, typeof normalise === 'string' ? {} : normalise);
  const judged: JudgedBatch = {
    times: batch.times,
    values: measured,
    scores: new Float64Array(batch.rows),
    explained: createExplanations(batch.rows),
    causes: new Uint8Array(batch.rows),
  };
  const out = { scores: judged.scores, explained: detector.views.length === 0 ? null : judged.explained };
  const pausing = { normaliser: isRunning ? model.normaliser : null, detector, order, judge, judged, rules, out };
  let event: EventPulse | null = model.openEvent;
  for (let from = 0; from < batch.rows; from += STEP_ROWS) {
    const to = Math.min(from + STEP_ROWS, batch.rows);
    if (isPausing) {
      event = processPausing(batch, from, to, event, pausing);
    } else {
      detector.process(batch, from, to, order, out);
      judge.judge(judged, from, to);
    }
    yield to;
  }

  const { scores, explained, causes } = rowOf === null ? judged : spread(judged, rowOf, rows);
  if (isRunning && rowOf !== null) spreadValues(batch.values, rowOf, normalised);
  // The rows alone decide, not where windows end: the same rows give the same state whatever runs brought them.
  if (slice.rows > 0) model.watermark = (slice.times[slice.rows - 1] ?? 0n) + 1n;
  const views = namedViews(detector);
  const before = { open: model.openEvent, lastTold: model.rules.lastTold };
  const { closed, open, lastTold } = trackEvents(
    before,
    { times, scores, causes, values, explained, views },
    shaped.until ?? model.watermark ?? 0n,
    rules,
  );
  model.openEvent = open;
  model.rules.lastTold = lastTold;
  model.rows += slice.rows;
  let anomalies = 0;
  for (const cause of causes) if (cause !== 0) anomalies++;
  let unscored = rows - batch.rows;
  for (const fill of shaped.filled ?? []) unscored -= fill;
  const found = { scores, normalised, explained, views, causes, anomalies, unscored, closed, open };
  return { slice: shaped.slice, filled: shaped.filled, ...found };
}

/** The features without those of rows that fill a gap: no normaliser learns from what nobody measured. */
function learnable({ slice, features, filled }: ShapedRows): Float64Array {
  if (filled === null) return features;
  const learnable = features.slice();
  const width = slice.rows === 0 ? 0 : features.length / slice.rows;
  filled.forEach((fill, row) => {
    if (fill === 1) learnable.fill(Number.NaN, row * width, (row + 1) * width);
  });
  return learnable;
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
