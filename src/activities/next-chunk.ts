import type { ChunkNumber } from '../contract/run-plan.js';

/** Nanoseconds since the epoch: `from <= time < to`. */
export interface Span {
  readonly from: bigint;
  readonly to: bigint;
}

const NANOS_PER_MS = 1_000_000n;

/**
 * The chunk that begins a span, and its number where `before` chunks went before it. The span is cut evenly into as few
 * chunks of at most `longest` nanoseconds (whole milliseconds) as will do: a sliver at the end would be too few rows for
 * expectations. A span that is empty or turned round gives an empty window.
 */
export function nextChunk({ from, to }: Span, longest: bigint, before: number): { window: Span; chunk: ChunkNumber } {
  const index = before + 1;
  if (from >= to) return { window: { from, to: from }, chunk: { index, count: index } };
  const chunks = divideUp(to - from, longest);
  const size = divideUp(divideUp(to - from, chunks), NANOS_PER_MS) * NANOS_PER_MS;
  return {
    window: { from, to: chunks === 1n ? to : from + size },
    chunk: { index, count: before + Number(chunks) },
  };
}

/** Of two positive numbers. */
function divideUp(amount: bigint, by: bigint): bigint {
  return (amount + by - 1n) / by;
}
