/** What one anomaly plot shows: a machine's score and one value column over time. */
export interface PlotData {
  readonly uniqueId: string;
  /** Name of the value column. */
  readonly column: string;
  /** Milliseconds since the epoch, ascending, n rows. */
  readonly timesMs: Float64Array;
  /** 0..1, NaN where a row was not scored, n rows. */
  readonly scores: Float64Array;
  /** As measured, NaN where missing, n rows. */
  readonly values: Float64Array;
  /** 1 where the verdict is anomalous, n rows. */
  readonly anomalous: Uint8Array;
  readonly threshold: number;
  /** What was expected of the column, and the bounds of that; null where nothing is known. */
  readonly bounds: PlotBounds | null;
  /** Why rows are anomalous, a line each. */
  readonly reasons: readonly string[];
}

/** n rows each; NaN or infinite where unknown. */
export interface PlotBounds {
  readonly expected: Float64Array;
  readonly lower: Float64Array;
  readonly upper: Float64Array;
}
