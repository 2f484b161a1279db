import type { DurationMs } from '../contract/pipeline.js';
import { nanosFromMs } from '../contract/time.js';

/** One machine's stretch of anomalous rows, as far as it is known. */
export interface TrackedEvent {
  /** Nanoseconds since the epoch of the first and the last anomalous row. */
  readonly first: bigint;
  readonly last: bigint;
  /** Anomalous rows. */
  readonly rows: number;
  readonly worst: WorstRow;
}

/** The anomalous row with the highest score; the first of them on ties. */
export interface WorstRow {
  readonly time: bigint;
  readonly score: number;
  /** The machine's values in that row, in the order of `source.values`; NaN where missing. */
  readonly values: readonly number[];
}

export interface TrackedRows {
  /** Nanoseconds, ascending, n rows. */
  readonly times: BigInt64Array;
  /** n rows. */
  readonly scores: Float64Array;
  /** n rows, 1 where anomalous. */
  readonly anomalous: Uint8Array;
  /** n rows x features, row-major. */
  readonly values: Float64Array;
}

export interface TrackResult {
  /** Events that ended in this window, oldest first. */
  readonly closed: readonly TrackedEvent[];
  /** The event that goes on after this window. */
  readonly open: TrackedEvent | null;
}

/**
 * Joins anomalous rows to events: two anomalous rows belong together unless `clearAfter` or more lies between them.
 * Only the times decide, so cutting the rows into windows anywhere gives the same events.
 * @param before the event that was open when the window began.
 * @param until just after the last row, nanoseconds: an event whose last row is `clearAfter` or more before it is closed.
 */
export function trackEvents(
  before: TrackedEvent | null,
  rows: TrackedRows,
  until: bigint,
  clearAfter: DurationMs,
): TrackResult {
  const { times, scores, anomalous, values } = rows;
  const quiet = nanosFromMs(clearAfter);
  const features = times.length === 0 ? 0 : values.length / times.length;
  const closed: TrackedEvent[] = [];
  let open = before;
  for (let row = 0; row < anomalous.length; row++) {
    if (anomalous[row] !== 1) continue;
    const time = times[row] ?? 0n;
    if (open !== null && time - open.last >= quiet) {
      closed.push(open);
      open = null;
    }
    const score = scores[row] ?? 0;
    const isWorst = open === null || score > open.worst.score;
    const worst =
      isWorst || open === null
        ? { time, score, values: [...values.subarray(row * features, (row + 1) * features)] }
        : open.worst;
    open = { first: open?.first ?? time, last: time, rows: (open?.rows ?? 0) + 1, worst };
  }
  if (open !== null && until - open.last >= quiet) {
    closed.push(open);
    open = null;
  }
  return { closed, open };
}
