import { isBehind } from '../../activities/late-search.js';
import { type Progress, readProgress } from '../../store/progress.js';
import type { OpenMachine } from './open.js';

/** Before all rows there are: without progress the next run is the pipeline's first, and reads `window.history`. */
const EVERYTHING = 0n;

/**
 * Forgets all models of a machine. The next one begins with the rows of its next window; no model ever learns rows from
 * before that.
 */
export async function forgetByHand(
  { storage, snapshots, pipeline, uniqueId }: Pick<OpenMachine, 'storage' | 'snapshots' | 'pipeline' | 'uniqueId'>,
  nowMs: number,
): Promise<void> {
  const progress = await readProgress(storage, pipeline);
  const since = progress === null ? EVERYTHING : nextWindow(progress, uniqueId);
  await snapshots.forgetMachine(pipeline, uniqueId, since, nowMs);
}

/** Where the machine's next window begins, nanoseconds. */
function nextWindow({ to, lagging }: Progress, uniqueId: string): bigint {
  const behind = lagging.find((laggard) => laggard.uniqueId === uniqueId && isBehind(laggard));
  const [end, from] = [BigInt(to), BigInt(behind?.from ?? to)];
  return from < end ? from : end;
}
