import type { Nanos } from '../contract/time.js';
import type { TrackedEvent } from './event-tracker.js';

/** A tracked event as plain JSON: times as decimal strings, missing values as null. */
export interface EventJson {
  readonly first: Nanos;
  readonly last: Nanos;
  readonly rows: number;
  readonly worst: { readonly time: Nanos; readonly score: number; readonly values: readonly (number | null)[] };
}

export function eventToJson({ first, last, rows, worst }: TrackedEvent): EventJson {
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

/** A value that was infinite comes back as missing: JSON holds neither. */
export function eventFromJson({ first, last, rows, worst }: EventJson): TrackedEvent {
  return {
    first: BigInt(first),
    last: BigInt(last),
    rows,
    worst: {
      time: BigInt(worst.time),
      score: worst.score,
      values: worst.values.map((value) => value ?? Number.NaN),
    },
  };
}
