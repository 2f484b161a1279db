import type { MachinePlan, Window } from '../contract/run-plan.js';
import type { Nanos } from '../contract/time.js';
import { isoFromNanos, nanosFromMs } from '../contract/time.js';

/** A run's pipeline, window and chunk as the Temporal UI shows them. */
export function windowText({ pipeline, mode, window, chunk }: MachinePlan): string {
  const which = chunk.count === 1 ? '' : ` (chunk ${chunk.index} of ${chunk.count})`;
  if (mode === 'replay') return `${pipeline}: the whole source to ${isoFromNanos(BigInt(window.to))}`;
  return `${pipeline}: ${rangeText(window)}${which}`;
}

export function rangeText({ from, to }: Window): string {
  return `${isoFromNanos(BigInt(from))} to ${isoFromNanos(BigInt(to))}`;
}

/** Why a machine's newest snapshot was passed over. @param from the next run learns again from here; null: it has gone on. */
export function damageText(reason: string, from: Nanos | null): string {
  const next =
    from === null ? 'gone on from the one before' : `the next run learns again from ${isoFromNanos(BigInt(from))}`;
  return `${reason}; ${next}`;
}

/** `1 row`, `2 rows`. */
export function counted(amount: number, word: string): string {
  return `${amount} ${word}${amount === 1 ? '' : 's'}`;
}

/** RFC 3339 in UTC. */
export function timeText(ms: number): string {
  return isoFromNanos(nanosFromMs(ms));
}
