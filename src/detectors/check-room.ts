/** @throws RangeError unless `values` has rows x stride cells and `out` room for as many. */
export function checkRoom(values: Float64Array, rows: number, stride: number, out: Float64Array): void {
  const cells = rows * stride;
  if (Number.isInteger(rows) && rows >= 0 && values.length >= cells && out.length >= cells) return;
  throw new RangeError(
    `Expected ${rows} rows x ${stride} features of values and as much room, got ${values.length} and ${out.length}.`,
  );
}
