/**
 * A detector scores rows of one machine in 0..1 and learns them, each at most once. Everything it knows is in
 * `toBytes()`; two detectors with equal bytes give equal scores for ever. Whatever comes in, scores are finite.
 */
export interface Detector {
  /** Rows learned since it was made. */
  readonly rows: number;
  /** Memory held, for caches that are bounded in bytes. */
  readonly sizeBytes: number;
  /** What it looks at, by name; `view` of an explanation points here. Empty: it explains nothing. */
  readonly views: readonly string[];
  /**
   * Takes rows `from <= i < to` of `batch` in order and writes each row's score to `out.scores[i]`.
   * Chunks may be cut anywhere, also between two orders, and go on from bytes: the result is the same bit for bit.
   */
  process(batch: Batch, from: number, to: number, order: LearningOrder, out: DetectorOutput): void;
  /** The whole state, what `score_only` rows left included, little-endian, the same bytes for the same state. */
  toBytes(): Uint8Array;
}

/**
 * `score_only` learns nothing: the row is scored by what was learned before it. A detector that compares recent rows with
 * what it learned still lets them pass, so that it sees when they are ordinary again: that outlasts a cut, yet nothing is learned by it.
 */
export type LearningOrder = 'score_then_learn' | 'learn_then_score' | 'score_only';

/** Features of consecutive rows. */
export interface Batch {
  readonly rows: number;
  /** Nanoseconds since the epoch, ascending, a row each; null where there are none. */
  readonly times: BigInt64Array | null;
  /** rows x features, row-major, normalised. */
  readonly values: Float64Array;
  /** rows x features, row-major, as measured; the same array where nothing is normalised. */
  readonly raw: Float64Array;
  /** rows x features, 1 where the feature is absent (River: the key is not in `x`); null when none is. A NaN that is not marked is a value. */
  readonly missing: Uint8Array | null;
  /**
   * A row each, 1 where a feature is absent only because its column has not had values enough yet, as a first difference; null or
   * left out where none is.
   */
  readonly growing?: Uint8Array | null;
}

/** Where `process` writes; each buffer has a slot a row of the batch. */
export interface DetectorOutput {
  readonly scores: Float64Array;
  /** Null: not asked for. */
  readonly explained: Explanations | null;
}

/** Why rows have their scores; slots of rows that a detector has nothing to say of stay as {@link createExplanations} left them. */
export interface Explanations {
  /** Index of the feature that weighed most; -1: unknown. */
  readonly feature: Int32Array;
  /** Index into the detector's `views`. */
  readonly view: Uint8Array;
  /** In the feature's own units, as measured; NaN: unknown. */
  readonly expected: Float64Array;
  /** Bounds that an ordinary value keeps, in the feature's own units; NaN or infinite: none on that side. */
  readonly lower: Float64Array;
  readonly upper: Float64Array;
}

/** Explanations of `rows` rows in which nothing is known yet. */
export function createExplanations(rows: number): Explanations {
  return {
    feature: new Int32Array(rows).fill(-1),
    view: new Uint8Array(rows),
    expected: new Float64Array(rows).fill(Number.NaN),
    lower: new Float64Array(rows).fill(Number.NaN),
    upper: new Float64Array(rows).fill(Number.NaN),
  };
}

/** Copies what is known of row `from` of one to row `to` of the other. */
export function copyExplanation(source: Explanations, from: number, target: Explanations, to: number): void {
  target.feature[to] = source.feature[from]!;
  target.view[to] = source.view[from]!;
  target.expected[to] = source.expected[from]!;
  target.lower[to] = source.lower[from]!;
  target.upper[to] = source.upper[from]!;
}
