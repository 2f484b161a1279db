import type { DurationMs, VerdictRules } from '../contract/pipeline.js';
import { nanosFromMs } from '../contract/time.js';
import type { Expectations } from './judge.js';

/** One machine's stretch of anomalous rows, as far as it is known. */
export interface TrackedEvent {
  /** Nanoseconds since the epoch of the first and the last anomalous row. */
  readonly first: bigint;
  readonly last: bigint;
  /** Anomalous rows. */
  readonly rows: number;
  /** An ordinary row has come since the last anomalous one. */
  readonly isCalm: boolean;
  /** It began sooner than `repeat_after` after the last one that was told, so nobody is told of it. */
  readonly isRepeat: boolean;
  readonly worst: WorstRow;
}

/** The anomalous row with the highest score; the first of them on ties. */
export interface WorstRow {
  readonly time: bigint;
  readonly score: number;
  /** The machine's values in that row, in the order of `source.values`; NaN where missing. */
  readonly values: readonly number[];
  /** Index into `CAUSES`. */
  readonly cause: number;
  /** Index of the column that made it anomalous; -1: unknown. What is known of that column's value; NaN: nothing. */
  readonly feature: number;
  /** What of it, by name; null: its value, or unknown. */
  readonly view: string | null;
  readonly expected: number;
  readonly lower: number;
  readonly upper: number;
}

export interface TrackedRows {
  /** Nanoseconds, ascending, n rows. */
  readonly times: BigInt64Array;
  /** n rows. */
  readonly scores: Float64Array;
  /** n rows, 0 where ordinary. */
  readonly causes: Uint8Array;
  /** n rows x features, row-major. */
  readonly values: Float64Array;
  /** n rows. */
  readonly explained: Expectations;
  /** Names of the views that `explained` points at; empty: none is worth a word. */
  readonly views: readonly string[];
}

export interface TrackResult {
  /** Events that ended in this window, oldest first. */
  readonly closed: readonly TrackedEvent[];
  /** The event that goes on after this window. */
  readonly open: TrackedEvent | null;
  /** Last row of the last closed event that was told; null: none was. */
  readonly lastTold: bigint | null;
}

/** Where rows were left: the event that was open, and what was told before it. */
export type TrackedBefore = Pick<TrackResult, 'open' | 'lastTold'>;

/** Longest time without a row over which an event goes on: what comes after a day of silence is told anew. */
const LONGEST_GAP_MS = 24 * 3_600_000;

/**
 * Joins anomalous rows to events: an event ends `clear_after` after its last anomalous row, once an ordinary row has come,
 * so that rows that are further apart than that make one event of a fault that lasts. Only the rows decide, so cutting
 * them into windows anywhere gives the same events.
 * @param until just after the last row, nanoseconds: an event that has ended by then is closed.
 */
export function trackEvents(
  before: TrackedBefore,
  rows: TrackedRows,
  until: bigint,
  { clear_after: clearAfter, repeat_after: repeatAfter = 0 }: Pick<VerdictRules, 'clear_after' | 'repeat_after'>,
): TrackResult {
  const { times, causes, scores } = rows;
  const repeat = nanosFromMs(repeatAfter);
  const closed: TrackedEvent[] = [];
  let { open, lastTold } = before;
  const close = (event: TrackedEvent) => {
    closed.push(event);
    if (!event.isRepeat) lastTold = event.last;
    open = null;
  };
  for (let row = 0; row < causes.length; row++) {
    const time = times[row] ?? 0n;
    if (open !== null && !isOpenAt(time, open, clearAfter)) close(open);
    if (causes[row] === 0) {
      if (open !== null && !open.isCalm && !Number.isNaN(scores[row])) open = { ...open, isCalm: true };
      continue;
    }
    open =
      open === null
        ? { ...eventAt(rows, row), isRepeat: lastTold !== null && time - lastTold < repeat }
        : continued(open, rows, row);
  }
  if (open !== null && !isOpenAt(until, open, clearAfter)) close(open);
  return { closed, open, lastTold };
}

/** Where an event stands: its last anomalous row, nanoseconds, and whether an ordinary one has come since. */
export type EventPulse = Pick<TrackedEvent, 'last' | 'isCalm'>;

/** Whether an event goes on at `time`, nanoseconds. */
export function isOpenAt(time: bigint, { last, isCalm }: EventPulse, clearAfter: DurationMs): boolean {
  const most = isCalm ? clearAfter : Math.max(clearAfter, LONGEST_GAP_MS);
  return time - last < nanosFromMs(most);
}

function eventAt(rows: TrackedRows, row: number): Omit<TrackedEvent, 'isRepeat'> {
  const time = rows.times[row] ?? 0n;
  return { first: time, last: time, rows: 1, isCalm: false, worst: worstAt(rows, row) };
}

function continued(event: TrackedEvent, rows: TrackedRows, row: number): TrackedEvent {
  const isWorst = Number(rows.scores[row]) > event.worst.score;
  return {
    ...event,
    last: rows.times[row] ?? 0n,
    rows: event.rows + 1,
    isCalm: false,
    worst: isWorst ? worstAt(rows, row) : event.worst,
  };
}

/** One without an end is none, as it is once the event has been through a snapshot. */
function boundOf(bound = Number.NaN): number {
  return Number.isFinite(bound) ? bound : Number.NaN;
}

function worstAt({ times, scores, causes, values, explained, views }: TrackedRows, row: number): WorstRow {
  const features = values.length / times.length;
  return {
    time: times[row] ?? 0n,
    score: scores[row] ?? 0,
    values: [...values.subarray(row * features, (row + 1) * features)],
    cause: causes[row] ?? 0,
    feature: explained.feature[row] ?? -1,
    view: views[explained.view[row] ?? -1] || null,
    expected: explained.expected[row] ?? Number.NaN,
    lower: boundOf(explained.lower[row]),
    upper: boundOf(explained.upper[row]),
  };
}
