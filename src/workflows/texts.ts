import type { MachinePlan, Window } from '../contract/run.js';
import { isoFromNanos } from '../contract/time.js';

/** A run's pipeline, window and chunk as the Temporal UI shows them. */
export function windowText({ pipeline, mode, window, chunk }: MachinePlan): string {
  const which = chunk.count === 1 ? '' : ` (chunk ${chunk.index} of ${chunk.count})`;
  if (mode === 'replay') return `${pipeline}: the whole source to ${isoFromNanos(BigInt(window.to))}`;
  return `${pipeline}: ${rangeText(window)}${which}`;
}

export function rangeText({ from, to }: Window): string {
  return `${isoFromNanos(BigInt(from))} to ${isoFromNanos(BigInt(to))}`;
}

/** `1 row`, `2 rows`. */
export function counted(amount: number, word: string): string {
  return `${amount} ${word}${amount === 1 ? '' : 's'}`;
}
