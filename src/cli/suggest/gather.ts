import type { Slice } from '../../contract/slice.js';
import type { History } from '../backtest/history.js';
import type { CliIo } from '../io.js';

/** Of each machine the newest rows are looked at, and not more machines than this: it bounds the memory. */
const MOST_ROWS = 250_000;
const MOST_MACHINES = 50;

/** The newest rows of the first machines of a history, or of the one that is wanted; each has at least one row. */
export async function gather(
  history: History,
  wanted: string | undefined,
  signal: AbortSignal,
  io: Pick<CliIo, 'stderr'>,
): Promise<Slice[]> {
  const known = new Map<string, Slice>();
  const left = new Set<string>();
  for await (const { slices } of history.chunks) {
    signal.throwIfAborted();
    for (const slice of slices) {
      const { uniqueId } = slice;
      if (wanted !== undefined && uniqueId !== wanted) continue;
      const before = known.get(uniqueId);
      if (before === undefined && known.size >= MOST_MACHINES) left.add(uniqueId);
      else known.set(uniqueId, newest(before, slice));
    }
  }
  if (left.size > 0) io.stderr(`${left.size} machines more were not looked at; name one with --machine\n`);
  return [...known.values()];
}

/** The last rows of two slices of one machine. */
function newest(before: Slice | undefined, after: Slice): Slice {
  const columns = after.values.length / after.rows;
  const kept = Math.min(before?.rows ?? 0, Math.max(MOST_ROWS - after.rows, 0));
  const own = Math.min(after.rows, MOST_ROWS);
  const times = new BigInt64Array(kept + own);
  const values = new Float64Array((kept + own) * columns);
  if (before !== undefined) {
    times.set(before.times.subarray(before.rows - kept));
    values.set(before.values.subarray((before.rows - kept) * columns));
  }
  times.set(after.times.subarray(after.rows - own), kept);
  values.set(after.values.subarray((after.rows - own) * columns), kept * columns);
  return { ...after, rows: kept + own, times, values };
}
