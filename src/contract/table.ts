/** One column of a {@link Table}; every column of a table has the same number of rows. */
export type Column = TimeColumn | NumberColumn | StringColumn;

/** Stands for "no value" in a {@link TimeColumn}: the smallest 64-bit integer, as data frames write it. */
export const MISSING_TIME = -(2n ** 63n);

/** Nanoseconds since the epoch; `MISSING_TIME` where there is none. */
export interface TimeColumn {
  readonly kind: 'time';
  readonly values: BigInt64Array;
}

/** Doubles; NaN stands for "no value". Integers and booleans of the source are widened to doubles. */
export interface NumberColumn {
  readonly kind: 'number';
  readonly values: Float64Array;
}

/** Dictionary-encoded strings: row i holds `dictionary[codes[i]]`; the code -1 stands for "no value". */
export interface StringColumn {
  readonly kind: 'string';
  readonly dictionary: readonly string[];
  readonly codes: Int32Array;
}

/** Rows as columns, in the order of the source. */
export interface Table {
  readonly rows: number;
  /** Column name to column, in the order of the source. */
  readonly columns: ReadonlyMap<string, Column>;
}
