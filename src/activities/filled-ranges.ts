import type { Window } from '../contract/run-plan.js';
import { earlierOf, isoFromNanos, laterOf } from '../contract/time.js';
import { claimedByBackfills } from '../store/claims.js';
import { backfillsOf } from '../store/progress.js';
import type { Storage } from '../store/storage.js';
import type { Span } from './next-chunk.js';

/**
 * What the first live run of a pipeline writes over: its models begin `window.history` back, and know nothing of what
 * backfills have learned. One line for people each; none where no backfill has come into the span.
 */
export async function filledWarnings(storage: Storage, pipeline: string, span: Span): Promise<string[]> {
  // Claims first: one that is given up before they are read leaves its progress behind.
  const underWay = await claimedByBackfills(storage, pipeline);
  const isUnderWay = new Set(underWay.map(rangeText));
  const done = (await backfillsOf(storage, pipeline)).filter((range) => !isUnderWay.has(rangeText(range)));
  return [
    ...linesOf(
      done,
      span,
      (both, range) =>
        `new models begin at ${isoFromNanos(span.from)} and replace the scores from ${both} of the backfill of ${range}; the same backfill with --again --overwrite writes them once more`,
    ),
    ...linesOf(
      underWay,
      span,
      (both, range) =>
        `new models begin at ${isoFromNanos(span.from)} and score the rows from ${both} that the backfill of ${range}, which has begun and not ended, scores too: a row keeps the score that is written last; when both have ended, the same backfill with --again --overwrite writes its own once more`,
    ),
  ];
}

function linesOf(ranges: readonly Window[], span: Span, line: (both: string, range: string) => string): string[] {
  return ranges.flatMap((range) => {
    const both = { from: laterOf(BigInt(range.from), span.from), to: earlierOf(BigInt(range.to), span.to) };
    return both.from >= both.to ? [] : [line(textOf(both), rangeText(range))];
  });
}

function rangeText({ from, to }: Window): string {
  return textOf({ from: BigInt(from), to: BigInt(to) });
}

function textOf({ from, to }: Span): string {
  return `${isoFromNanos(from)} to ${isoFromNanos(to)}`;
}
