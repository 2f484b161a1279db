/** One machine's rows in a window, in time order, columnar. */
export interface Slice {
  readonly uniqueId: string;
  /** The id columns' exact values, in the order of `source.id`. */
  readonly ids: readonly string[];
  readonly rows: number;
  /** Nanoseconds since the epoch, ascending (strictly so in incremental mode). */
  readonly times: BigInt64Array;
  /** rows x features, row-major; the features are `source.values` in that order; NaN stands for "no value". */
  readonly values: Float64Array;
}

/** What shaping noticed while it made slices; counts over the whole window. */
export interface ShapeCounts {
  /** Rows that came in. */
  readonly rows: number;
  /** Rows replaced by a later row with the same machine and time (incremental mode). */
  readonly duplicates: number;
  /** Value cells without a finite number, strings in a number column included. */
  readonly missing: number;
  /** Rows without any value at all; they are not scored. */
  readonly empty: number;
  /** Rows left out because an id column or the time is missing. */
  readonly unidentified: number;
}
