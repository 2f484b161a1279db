import type { Window } from './run-plan.js';
import type { Nanos } from './time.js';

/** What one message says of a whole backfill. Plain JSON, bounded. */
export interface BackfillDigest {
  /** The same for every attempt at the same backfill. */
  readonly key: string;
  readonly pipeline: string;
  readonly range: Window;
  /** Machines with anomalous rows, their rows, their events. */
  readonly machines: number;
  readonly rows: number;
  readonly events: number;
  /** Machines that could not be finished. */
  readonly unfinished: number;
  /** The machines with the highest scores, the highest first; the first few. */
  readonly worst: readonly DigestMachine[];
}

export interface DigestMachine {
  readonly uniqueId: string;
  /** Anomalous rows. */
  readonly rows: number;
  readonly events: number;
  readonly worst: { readonly time: Nanos; readonly score: number };
}
