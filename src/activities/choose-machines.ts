import { LONGEST_UNIQUE_ID } from '../contract/names.js';
import type { MachineEntry, RunPlan, ShapedData } from '../contract/run-plan.js';
import type { Slice } from '../contract/slice.js';
import { compareCodePoints } from '../shape/code-point-order.js';
import type { Shaped } from '../shape/group.js';
import { floorTo, rowAt } from '../shape/row-buckets.js';
import type { ActivityDeps } from './deps.js';
import { coveredFrom, isBehind, lateClock } from './late-search.js';
import type { RunPlanDocument } from './plan-document.js';
import { type IsUnchanged, keepSeen, readSeen } from './seen-zone.js';
import type { SilentMachines } from './silent-machines.js';

/** A machine that gets a child, and what the child gets. */
export interface ChosenMachine extends Pick<MachineEntry, 'from' | 'covered' | 'rows' | 'owesAlert' | 'silent'> {
  readonly slice: Slice;
}

/** Exact values of the id columns of machines about which something is still to be said, by unique_id. */
export type OwingMachines = ReadonlyMap<string, readonly string[]>;

/**
 * The machines of a run: those with rows in the window, those that are behind, those that have had late rows since the last
 * run looked, those with a message to deliver, and those that fell silent.
 */
export async function chooseMachines(
  deps: ActivityDeps,
  document: RunPlanDocument,
  plan: RunPlan,
  shaped: Shaped,
  silences: SilentMachines['silent'],
  owing: OwingMachines,
): Promise<{ chosen: ChosenMachine[]; seen: ShapedData['seen'] }> {
  const { late, laggards, settingsHash } = document;
  const clock = lateClock(document);
  const isUnchanged: IsUnchanged =
    clock === null ? () => true : await readSeen(deps.storage, late?.seen ?? null, plan, clock, settingsHash);
  const lagging = new Map(laggards.map((laggard) => [laggard.uniqueId, laggard]));
  const own = bySlice(shaped.slices);
  const earlier = bySlice(shaped.earlier);
  // Of a machine that only owes a message and sent nothing there are no rows at all.
  const undelivered = laggards
    .filter((laggard) => !isBehind(laggard))
    .map(({ uniqueId, ids }) => [uniqueId, ids] as const);
  const quiet = new Map([...owing, ...undelivered].map(([uniqueId, ids]) => [uniqueId, emptySlice(uniqueId, ids)]));
  const told = [...silences].filter(([uniqueId, { isNew }]) => isNew || lagging.has(uniqueId));
  const silent = new Map(told.map(([uniqueId, { ids }]) => [uniqueId, emptySlice(uniqueId, ids)]));

  const chosen: ChosenMachine[] = [];
  const wholes: Slice[] = [];
  for (const [uniqueId, { ids }] of new Map([...quiet, ...silent, ...earlier, ...own])) {
    if (uniqueId.length > LONGEST_UNIQUE_ID) continue;
    const laggard = lagging.get(uniqueId);
    const isLate = laggard !== undefined && isBehind(laggard);
    const from = BigInt(isLate ? laggard.from : plan.window.from);
    const ownSlice = own.get(uniqueId) ?? emptySlice(uniqueId, ids);
    // A laggard's own rows come with the fleet's earlier ones a second time.
    const earlierSlice = rowsBetween(earlier.get(uniqueId) ?? emptySlice(uniqueId, ids), null, from);
    const whole = joined(earlierSlice, ownSlice);
    wholes.push(whole);

    const silence = silent.has(uniqueId) ? silences.get(uniqueId) : undefined;
    // One that is behind may have owed a message before it fell behind.
    const owesAlert = laggard !== undefined || silence !== undefined || owing.has(uniqueId);
    const sawNothingNew = !isLate && isUnchanged(whole);
    if (ownSlice.rows === 0 && sawNothingNew && !owesAlert) continue;
    const reach = coveredFrom(document, from);
    // Nothing came late: the rest of the stretch that the window's begin cuts is all that the model must see again.
    const cut = clock === null ? from : floorTo(from, clock.width);
    const covered = sawNothingNew && cut > reach ? cut : reach;
    const slice = rowsBetween(whole, clock === null ? null : covered, null);
    const entry = { slice, from: String(from), covered: String(covered), rows: ownSlice.rows, owesAlert };
    if (silence === undefined) chosen.push(entry);
    else chosen.push({ ...entry, silent: { since: String(silence.last), isNew: silence.isNew } });
  }
  chosen.sort((a, b) => compareCodePoints(a.slice.uniqueId, b.slice.uniqueId));
  const seen = clock === null ? null : await keepSeen(deps.storage, plan, wholes, clock, settingsHash);
  return { chosen, seen };
}

function bySlice(slices: readonly Slice[]): Map<string, Slice> {
  return new Map(slices.map((slice) => [slice.uniqueId, slice]));
}

function emptySlice(uniqueId: string, ids: readonly string[]): Slice {
  return { uniqueId, ids, rows: 0, times: new BigInt64Array(), values: new Float64Array() };
}

/** The rows with from <= time < until; null: no limit. Shares memory. */
function rowsBetween(slice: Slice, from: bigint | null, until: bigint | null): Slice {
  const first = from === null ? 0 : rowAt(slice.times, from);
  const end = until === null ? slice.rows : rowAt(slice.times, until);
  if (first === 0 && end === slice.rows) return slice;
  const features = slice.values.length / slice.rows;
  return {
    ...slice,
    rows: end - first,
    times: slice.times.subarray(first, end),
    values: slice.values.subarray(first * features, end * features),
  };
}

/** Rows of one machine, all of the first before all of the second. */
function joined(first: Slice, second: Slice): Slice {
  if (first.rows === 0) return second;
  if (second.rows === 0) return first;
  const times = new BigInt64Array(first.rows + second.rows);
  times.set(first.times);
  times.set(second.times, first.rows);
  const values = new Float64Array(first.values.length + second.values.length);
  values.set(first.values);
  values.set(second.values, first.values.length);
  return { ...second, rows: first.rows + second.rows, times, values };
}
