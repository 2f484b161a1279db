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
}
