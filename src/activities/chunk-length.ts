import type { PipelineSettings } from '../contract/pipeline.js';
import { nanosFromMs } from '../contract/time.js';
import { namesWindow } from '../influx/custom-query.js';
import { countRows } from '../influx/schema.js';
import type { ActivityDeps } from './deps.js';
import type { Span } from './next-chunk.js';

const DAY = nanosFromMs(24 * 3_600_000);

/** Some hundred megabytes while they are shaped. */
const MOST_ROWS = 1_000_000;

/**
 * Nanoseconds that one pass over `span` may cover: `window.chunk`, or a day, doubled while it holds at most a million
 * rows, so that years of a few rows, or of none, are not thousands of passes.
 */
export async function chunkLength(
  { influx }: Pick<ActivityDeps, 'influx'>,
  { source, window }: PipelineSettings,
  { from, to }: Span,
  signal: AbortSignal,
): Promise<bigint> {
  // A query that is not limited to the window gives all its rows to the first pass; a second would see them again.
  if (source.query !== null && !namesWindow(source.query, source.language)) return to - from;
  if (window.chunk !== null) return nanosFromMs(window.chunk);
  let length = DAY;
  while (source.table !== null && length < to - from) {
    const twice = { from, to: from + 2n * length };
    let rows: number;
    try {
      rows = await countRows(influx, source.table, source.time, twice, { signal });
    } catch {
      // Only the length depends on it (InfluxDB Core does not look at more than 432 files at once, for one), and what is
      // wrong with the source the load will say.
      signal.throwIfAborted();
      return length;
    }
    if (rows > MOST_ROWS) return length;
    length *= 2n;
  }
  return length;
}
