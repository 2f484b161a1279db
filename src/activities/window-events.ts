import type { Nanos } from '../contract/time.js';
import type { ScoredSlice } from '../model/model.js';
import type { TrackedEvent } from '../verdict/event-tracker.js';

/** The events a window touched, as JSON. */
export interface WindowEvents {
  readonly closed: readonly WindowEvent[];
  readonly open: WindowEvent | null;
}

export interface WindowEvent {
  readonly first: Nanos;
  readonly last: Nanos;
  readonly rows: number;
  readonly worst: { readonly time: Nanos; readonly score: number; readonly values: readonly (number | null)[] };
}

/** Null when the window touched no event. */
export function windowEventsJson(scored: ScoredSlice): Uint8Array | null {
  if (scored.open === null && scored.closed.length === 0) return null;
  const events: WindowEvents = {
    closed: scored.closed.map(jsonOf),
    open: scored.open === null ? null : jsonOf(scored.open),
  };
  return new TextEncoder().encode(JSON.stringify(events));
}

function jsonOf({ first, last, rows, worst }: TrackedEvent): WindowEvent {
  return {
    first: String(first),
    last: String(last),
    rows,
    worst: {
      time: String(worst.time),
      score: worst.score,
      values: worst.values.map((value) => (Number.isFinite(value) ? value : null)),
    },
  };
}
