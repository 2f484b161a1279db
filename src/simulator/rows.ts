import { setTimeout as sleep } from 'node:timers/promises';
import { firstIndex, type Machine, type MachineRow } from './machine.js';

export interface Range {
  /** Milliseconds since the epoch; rows with `fromMs <= time < toMs`. */
  readonly fromMs: number;
  readonly toMs: number;
}

/** A machine's rows of a range in time order. Neighbouring ranges give together what their union gives. */
export function* historyRows(machine: Machine, { fromMs, toMs }: Range): Generator<MachineRow, void, void> {
  const end = firstIndex(toMs, machine.stepMs);
  for (let index = firstIndex(fromMs, machine.stepMs); index < end; index++) {
    const row = machine.rowAt(index);
    if (row !== null) yield row;
  }
}

export interface LiveOptions {
  /** Begin here instead of now; what has passed since comes at once. */
  readonly fromMs?: number;
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds since the epoch. */
  readonly now?: () => number;
}

/**
 * Ranges as time passes, each with the rows that have come due since the last one: a slow reader gets one longer range instead of many.
 * Ends when the signal is aborted.
 */
export async function* liveRanges(stepMs: number, options: LiveOptions = {}): AsyncGenerator<Range, void, void> {
  const { signal, now = Date.now } = options;
  let fromMs = options.fromMs ?? now();
  while (signal?.aborted !== true) {
    const dueMs = Math.floor(now() / stepMs) * stepMs;
    if (dueMs < fromMs) {
      // only an abort ends the wait early, and the loop looks at that itself
      await sleep(dueMs + stepMs - now(), undefined, { signal }).catch(() => undefined);
      continue;
    }
    yield { fromMs, toMs: dueMs + 1 };
    fromMs = dueMs + 1;
  }
}
