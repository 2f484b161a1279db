/** What one anomaly plot shows: a machine's score and some of its value columns over time. */
export interface PlotData {
  readonly uniqueId: string;
  /** Milliseconds since the epoch, ascending, n rows. */
  readonly timesMs: Float64Array;
  /** 0..1, NaN where a row was not scored, n rows. */
  readonly scores: Float64Array;
  /** 1 where the verdict is anomalous, n rows. */
  readonly anomalous: Uint8Array;
  readonly threshold: number;
  /** One to {@link MOST_COLUMNS} value columns, a panel each, the first on top. */
  readonly columns: readonly PlotColumn[];
  /** Why rows are anomalous, a line each. */
  readonly reasons: readonly PlotReason[];
}

/** More panels than this leave each too low to read. */
export const MOST_COLUMNS = 3;

export interface PlotColumn {
  readonly name: string;
  /** As measured, NaN where missing, n rows. */
  readonly values: Float64Array;
  /** What was expected of the column, and the bounds of that; null where nothing is known. */
  readonly bounds: PlotBounds | null;
}

/** n rows each; NaN or infinite where unknown. */
export interface PlotBounds {
  readonly expected: Float64Array;
  readonly lower: Float64Array;
  readonly upper: Float64Array;
}

export interface PlotReason {
  /** Of the row, milliseconds since the epoch; null where it is no row's. */
  readonly timeMs: number | null;
  readonly text: string;
}
