import type { Nanos } from './time.js';

/** What an alert says: one machine's stretch of anomalous rows as it stands after a run. Plain JSON. */
export interface AnomalyEvent {
  /** `<pipeline>/<unique_id>/<first>`: the same for every run and attempt that sees this event. */
  readonly key: string;
  readonly pipeline: string;
  readonly uniqueId: string;
  /** The id columns' names and exact values. */
  readonly ids: Readonly<Record<string, string>>;
  /** First and last anomalous row. */
  readonly first: Nanos;
  readonly last: Nanos;
  /** Anomalous rows so far. */
  readonly rows: number;
  /** Events before this one that nobody was told of, because a window's newest event is told; absent: there are none. */
  readonly earlier?: EarlierEvents;
  /** True while less than `clear_after` passed since the last anomalous row. */
  readonly open: boolean;
  /** The anomalous row with the highest score (the first of them on ties). */
  readonly worst: AnomalousRow;
  /** The verdict's threshold, 0..1. */
  readonly threshold: number;
  /** Declared limits a value column, where there are any. */
  readonly limits: Readonly<Record<string, readonly [number, number]>>;
}

export interface EarlierEvents {
  readonly events: number;
  /** Anomalous rows in them. */
  readonly rows: number;
  /** The first of those rows. */
  readonly since: Nanos;
}

/**
 * Why a row is anomalous: its score, a value outside `valid_range`, or a column that holds one value for too long. `silent` is
 * no row's: the machine sends none.
 */
export type VerdictCause = 'score' | 'range' | 'stuck' | 'silent';

export interface AnomalousRow {
  readonly time: Nanos;
  readonly score: number;
  /** Value columns as measured; null where the value is missing. */
  readonly values: Readonly<Record<string, number | null>>;
  /** Absent in events that were told before there were rules. */
  readonly cause?: VerdictCause;
  /** The value column that made it anomalous; null: unknown. */
  readonly column?: string | null;
  /** What was expected of that column, and what an ordinary value keeps within; null: unknown, or no such bound. */
  readonly expected?: number | null;
  readonly lower?: number | null;
  readonly upper?: number | null;
  readonly reason: string;
}
