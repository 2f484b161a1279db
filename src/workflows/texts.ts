import type { MachinePlan } from '../contract/run.js';
import { isoFromNanos } from '../contract/time.js';

/** A run's pipeline and window as the Temporal UI shows them. */
export function windowText(plan: MachinePlan): string {
  const { from, to } = plan.window;
  const begin = plan.mode === 'replay' ? 'the whole source' : isoFromNanos(BigInt(from));
  return `${plan.pipeline}: ${begin} to ${isoFromNanos(BigInt(to))}`;
}

/** `1 row`, `2 rows`. */
export function counted(amount: number, word: string): string {
  return `${amount} ${word}${amount === 1 ? '' : 's'}`;
}
