import type { PipelineSettings } from '../contract/pipeline.js';
import type { Slice } from '../contract/slice.js';
import { createExplanations, type Explanations } from '../detectors/detector.js';
import type { LateClock } from '../shape/late-zone.js';
import { rowAt } from '../shape/row-buckets.js';
import { type Model, type ScoredSlice, scoreInSteps } from './model.js';
import { type CoveredSlice, observeRecent } from './recent.js';
import { encodeSnapshot, type SnapshotOwner } from './snapshot.js';

export interface LearnOptions {
  /** Rows before this are left out, nanoseconds; null: none. */
  readonly since: bigint | null;
  /** Null where late rows are not looked for. */
  readonly clock: LateClock | null;
  /** The model is kept as it is before the first row at or after this, nanoseconds; null: it is not. */
  readonly checkpointAt: bigint | null;
  readonly owner: SnapshotOwner;
}

export interface Learned {
  /** The source's rows that were learned. */
  readonly slice: Slice;
  readonly scored: ScoredSlice;
  /** The model as it was at `checkpointAt`; null when all its new rows lie on one side. */
  readonly checkpoint: { readonly bytes: Uint8Array; readonly watermark: bigint } | null;
}

/**
 * Scores and learns the rows of a slice that are new to the model, in steps of a few thousand rows (yields the rows done so
 * far), and notes what its last rows were. A model whose steps were not run to the end is worthless.
 */
export function* learnInSteps(
  model: Model,
  whole: CoveredSlice,
  settings: PipelineSettings,
  { since, clock, checkpointAt, owner }: LearnOptions,
): Generator<number, Learned> {
  const { slice } = whole;
  const first = since === null ? 0 : rowAt(slice.times, since);
  const cut = checkpointAt === null ? first : Math.max(first, rowAt(slice.times, checkpointAt));
  const before = knownBefore(model, since, clock);
  let checkpoint: Learned['checkpoint'] = null;
  let early: ScoredSlice | null = null;
  if (cut > first && cut < slice.rows) {
    early = yield* scoreInSteps(model, part(slice, first, cut), settings);
    note(model, before, whole, clock);
    checkpoint = { bytes: encodeSnapshot(model, owner), watermark: model.watermark ?? 0n };
  }
  const rest = early === null ? first : cut;
  const late = yield* offset(scoreInSteps(model, part(slice, rest, slice.rows), settings), rest - first);
  note(model, before, whole, clock);
  const scored = early === null ? late : joined(early, late);
  return { slice: part(slice, first, slice.rows), scored, checkpoint };
}

/** What the model knows of its rows before these. Of those from before its beginning it will never know more than now. */
function knownBefore(model: Model, since: bigint | null, clock: LateClock | null): Model['recent'] {
  const isNew = model.watermark === null && since !== null && clock !== null;
  return isNew ? { width: clock.width, since, buckets: [] } : model.recent;
}

function note(model: Model, before: Model['recent'], whole: CoveredSlice, clock: LateClock | null): void {
  model.recent = clock === null ? null : observeRecent(before, model.watermark, whole, clock);
}

function* offset<T>(steps: Generator<number, T>, rows: number): Generator<number, T> {
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
    yield rows + step.value;
  }
}

/** Rows first to end; the slice itself when that is all of it. */
function part(slice: Slice, first: number, end: number): Slice {
  if (first === 0 && end === slice.rows) return slice;
  const features = slice.rows === 0 ? 0 : slice.values.length / slice.rows;
  return {
    ...slice,
    rows: end - first,
    times: slice.times.slice(first, end),
    values: slice.values.slice(first * features, end * features),
  };
}

function joined(first: ScoredSlice, second: ScoredSlice): ScoredSlice {
  return {
    slice: {
      ...first.slice,
      rows: first.slice.rows + second.slice.rows,
      times: appended(new BigInt64Array(first.slice.rows + second.slice.rows), first.slice.times, second.slice.times),
      values: appended(
        new Float64Array(first.slice.values.length + second.slice.values.length),
        first.slice.values,
        second.slice.values,
      ),
    },
    filled:
      first.filled === null || second.filled === null
        ? null
        : appended(new Uint8Array(first.filled.length + second.filled.length), first.filled, second.filled),
    scores: appended(new Float64Array(first.scores.length + second.scores.length), first.scores, second.scores),
    normalised: appended(
      new Float64Array(first.normalised.length + second.normalised.length),
      first.normalised,
      second.normalised,
    ),
    explained: joinedExplanations(first.explained, second.explained),
    views: second.views,
    causes: appended(new Uint8Array(first.causes.length + second.causes.length), first.causes, second.causes),
    anomalies: first.anomalies + second.anomalies,
    unscored: first.unscored + second.unscored,
    closed: [...first.closed, ...second.closed],
    open: second.open,
  };
}

function joinedExplanations(first: Explanations, second: Explanations): Explanations {
  const rows = first.feature.length;
  const joined = createExplanations(rows + second.feature.length);
  for (const [source, at] of [
    [first, 0],
    [second, rows],
  ] as const) {
    joined.feature.set(source.feature, at);
    joined.view.set(source.view, at);
    joined.expected.set(source.expected, at);
    joined.lower.set(source.lower, at);
    joined.upper.set(source.upper, at);
  }
  return joined;
}

interface Fillable<T> {
  readonly length: number;
  set(source: T, at?: number): void;
}

function appended<T extends Fillable<T>>(whole: T, first: T, second: T): T {
  whole.set(first);
  whole.set(second, first.length);
  return whole;
}
