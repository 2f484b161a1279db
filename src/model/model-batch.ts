import type { Batch } from '../detectors/detector.js';
import type { ShapedRows } from '../shape/shaping.js';

/** The rows that a detector is given, and where they are among the shaped ones; `rowOf` is null when all are given. */
export interface GivenRows {
  readonly batch: Batch & { readonly times: BigInt64Array };
  /** Their value columns, row-major, as measured. */
  readonly measured: Float64Array;
  readonly rowOf: Int32Array | null;
}

export interface BatchOptions {
  /** A missing value is a NaN, as in a data frame; else it is an absent feature (River: no such key). */
  readonly keepsNaN: boolean;
  /** A feature each: the value column it is made of; -1: the calendar's, so that a row without any other is empty. */
  readonly columnOf: readonly number[];
}

/** Leaves out rows that fill a gap, and those without any measured feature; marks the missing features of the others. */
export function batchOf(
  { slice, features, filled }: ShapedRows,
  normalised: Float64Array,
  { keepsNaN, columnOf }: BatchOptions,
): GivenRows {
  const { rows, times, values } = slice;
  const stride = columnOf.length;
  const given = new Int32Array(rows);
  let kept = 0;
  let absent = 0;
  for (let row = 0; row < rows; row++) {
    let missing = 0;
    let measured = 0;
    for (let f = 0; f < stride; f++) {
      if (Number.isNaN(features[row * stride + f])) missing++;
      else if (columnOf[f] !== -1) measured++;
    }
    if (filled?.[row] === 1 || (measured === 0 && !keepsNaN)) continue;
    absent += missing;
    given[kept++] = row;
  }
  const marks = absent > 0 && !keepsNaN;
  if (kept === rows && !marks) {
    return { batch: { rows, times, raw: features, values: normalised, missing: null }, measured: values, rowOf: null };
  }

  const batch = {
    rows: kept,
    times: new BigInt64Array(kept),
    raw: new Float64Array(kept * stride),
    values: new Float64Array(kept * stride),
    missing: marks ? new Uint8Array(kept * stride) : null,
    growing: marks ? new Uint8Array(kept) : null,
  };
  const columns = rows === 0 ? 0 : values.length / rows;
  const measured = new Float64Array(kept * columns);
  for (let i = 0; i < kept; i++) {
    const row = given[i] ?? 0;
    const from = row * stride;
    measured.set(values.subarray(row * columns, (row + 1) * columns), i * columns);
    batch.times[i] = times[row] ?? 0n;
    batch.raw.set(features.subarray(from, from + stride), i * stride);
    batch.values.set(normalised.subarray(from, from + stride), i * stride);
    for (let f = 0; f < stride && batch.missing !== null; f++) {
      if (!Number.isNaN(features[from + f])) continue;
      batch.missing[i * stride + f] = 1;
      // Its column has a value, so it looks back further than the values go.
      if (batch.growing !== null && Number.isFinite(measured[i * columns + (columnOf[f] ?? -1)])) batch.growing[i] = 1;
    }
  }
  return { batch, measured, rowOf: given.subarray(0, kept) };
}
