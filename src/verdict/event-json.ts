import type { VerdictCause } from '../contract/anomaly-event.js';
import type { Nanos } from '../contract/time.js';
import type { TrackedEvent } from './event-tracker.js';
import { CAUSES } from './judge.js';

/** A tracked event as plain JSON: times as decimal strings, missing values as null. */
export interface EventJson {
  readonly first: Nanos;
  readonly last: Nanos;
  readonly rows: number;
  /** The fields that are left out are so where a run began before there were rules. */
  readonly isRepeat?: boolean;
  readonly isCalm?: boolean;
  readonly worst: {
    readonly time: Nanos;
    readonly score: number;
    readonly values: readonly (number | null)[];
    readonly cause?: VerdictCause;
    readonly feature?: number;
    readonly view?: string | null;
    readonly expected?: number | null;
    readonly lower?: number | null;
    readonly upper?: number | null;
  };
}

export function eventToJson({ first, last, rows, isRepeat, isCalm, worst }: TrackedEvent): EventJson {
  return {
    first: String(first),
    last: String(last),
    rows,
    isRepeat,
    isCalm,
    worst: {
      time: String(worst.time),
      score: worst.score,
      values: worst.values.map(orNull),
      cause: CAUSES[worst.cause] ?? 'score',
      feature: worst.feature,
      view: worst.view,
      expected: orNull(worst.expected),
      lower: orNull(worst.lower),
      upper: orNull(worst.upper),
    },
  };
}

/** A number that was infinite comes back as missing: JSON holds neither. */
export function eventFromJson({ first, last, rows, isRepeat = false, isCalm = false, worst }: EventJson): TrackedEvent {
  return {
    first: BigInt(first),
    last: BigInt(last),
    rows,
    isRepeat,
    isCalm,
    worst: {
      time: BigInt(worst.time),
      score: worst.score,
      values: worst.values.map(orNaN),
      cause: CAUSES.findIndex((cause) => cause === (worst.cause ?? 'score')),
      feature: worst.feature ?? -1,
      view: worst.view ?? null,
      expected: orNaN(worst.expected),
      lower: orNaN(worst.lower),
      upper: orNaN(worst.upper),
    },
  };
}

function orNull(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}

function orNaN(value: number | null | undefined): number {
  return value ?? Number.NaN;
}
