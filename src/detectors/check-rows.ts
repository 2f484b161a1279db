import type { Batch } from './detector.js';

/** @throws RangeError unless rows `from <= i < to` lie inside the batch, whose cells and scores have room for them. */
export function checkRows(batch: Batch, from: number, to: number, stride: number, scores: Float64Array): void {
  const { rows, raw, values, missing } = batch;
  const cells = to * stride;
  const isInside = Number.isInteger(from) && Number.isInteger(to) && from >= 0 && from <= to && to <= rows;
  const hasCells = raw.length >= cells && values.length >= cells && (missing?.length ?? cells) >= cells;
  if (isInside && hasCells && scores.length >= to) return;
  throw new RangeError(
    `Expected rows ${from}..${to} inside a batch of ${rows} rows x ${stride} features with room for their scores, ` +
      `got ${values.length} values and ${scores.length} scores.`,
  );
}
