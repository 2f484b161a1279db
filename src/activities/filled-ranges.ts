import { earlierOf, isoFromNanos, laterOf } from '../contract/time.js';
import { backfillsOf } from '../store/progress.js';
import type { Storage } from '../store/storage.js';
import type { Span } from './next-chunk.js';

/**
 * What the first live run of a pipeline writes over: its models begin `window.history` back, and know nothing of what
 * backfills have learned. One line for people each; none where no backfill has come into the span.
 */
export async function filledWarnings(storage: Storage, pipeline: string, span: Span): Promise<string[]> {
  return (await backfillsOf(storage, pipeline)).flatMap(({ origin, target }) => {
    const [from, end] = [laterOf(BigInt(origin), span.from), earlierOf(BigInt(target), span.to)];
    if (from >= end) return [];
    const range = `${isoFromNanos(BigInt(origin))} to ${isoFromNanos(BigInt(target))}`;
    return [
      `new models begin at ${isoFromNanos(span.from)} and replace the scores from ${isoFromNanos(from)} to ${isoFromNanos(end)} of the backfill of ${range}; the same backfill with --again --overwrite writes them once more`,
    ];
  });
}
