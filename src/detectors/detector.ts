/**
 * A detector scores rows of one machine in 0..1 and learns them, each at most once. Everything it knows is in
 * `toBytes()`; two detectors with equal bytes give equal scores for ever.
 */
export interface Detector {
  /** Rows learned since it was made. */
  readonly rows: number;
  /** Memory held, for caches that are bounded in bytes. */
  readonly sizeBytes: number;
  /**
   * Takes rows `from <= i < to` of `batch` in order and writes each row's score to `scores[i]`.
   * Chunks may be cut anywhere: the result is the same bit for bit.
   */
  process(batch: Batch, from: number, to: number, order: LearningOrder, scores: Float64Array): void;
  /** The whole state, little-endian, the same bytes for the same state. */
  toBytes(): Uint8Array;
}

export type LearningOrder = 'score_then_learn' | 'learn_then_score';

/** Features of consecutive rows. */
export interface Batch {
  readonly rows: number;
  /** rows x features, row-major, normalised. */
  readonly values: Float64Array;
  /** rows x features, 1 where the feature is absent (River: the key is not in `x`); null when none is. A NaN that is not marked is a value. */
  readonly missing: Uint8Array | null;
}
