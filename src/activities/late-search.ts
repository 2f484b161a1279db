import type { ModelGate, RollBack } from '../contract/machine-run.js';
import type { MachineEntry } from '../contract/run-plan.js';
import type { Model } from '../model/model.js';
import { type CoveredSlice, findLateRows } from '../model/recent.js';
import { type LateClock, lateClockOf, sliceStart } from '../shape/late-zone.js';
import { rowAt } from '../shape/row-buckets.js';
import type { Laggard } from '../store/progress.js';
import type { RunPlanDocument } from './plan-document.js';

/** Null where a run does not look for late rows. */
export function lateClock({ settings, late }: RunPlanDocument): LateClock | null {
  return late === null ? null : lateClockOf(settings.late);
}

/** Where the rows begin that a machine is given whose own window begins at `from`, nanoseconds. */
export function coveredFrom({ settings, late }: RunPlanDocument, from: bigint): bigint {
  const clock = late === null ? null : lateClockOf(settings.late);
  if (clock === null || late === null || settings.late === null) return from;
  const start = sliceStart(clock, from, settings.late.action);
  const since = BigInt(late.since);
  const earliest = start > since ? start : since;
  return earliest < from ? earliest : from;
}

/** A machine that was not finished is read again; one whose message was not delivered has learned its rows. */
export function isBehind({ why }: Laggard): boolean {
  return why !== 'undelivered';
}

/** What came late, and whether the base has learned rows after it. */
export interface FoundLate extends Pick<RollBack, 'rows' | 'first'> {
  /** Of the rows, those that the base has not passed. */
  readonly learned: number;
  /** Start of the first stretch of the base's own time that has changed, nanoseconds; null: late rows all come after it. */
  readonly before: bigint | null;
}

/**
 * The rows of a machine that came after their window was read. Those after the base's watermark are learned in their order as
 * if they had come in time. Null for none, and without a model: it has not missed anything.
 */
export function findLate(
  base: Model | null,
  whole: CoveredSlice,
  clock: LateClock | null,
  machine: MachineEntry,
  gate: ModelGate,
): FoundLate | null {
  if (clock === null || gate.watermark === null) return null;
  const { times } = whole.slice;
  const from = BigInt(machine.from);
  const firstNew = rowAt(times, BigInt(gate.watermark));
  const unlearned = Math.max(rowAt(times, from) - firstNew, 0);
  const changed = base === null ? null : findLateRows(base, whole, clock, from);
  if (changed === null && unlearned === 0) return null;
  const first = changed?.first ?? times[firstNew] ?? from;
  return {
    rows: unlearned + (changed?.rows ?? 0),
    learned: unlearned,
    first: String(first),
    before: changed?.first ?? null,
  };
}
