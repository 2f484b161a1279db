import { segmentOf } from './object-key.js';
import type { Storage } from './storage.js';

/** Artifacts of this many windows of a scope (a pipeline, a backfill) stay for a look at what happened. */
const KEPT_RUNS = 10;

/**
 * A run that never said it ended (terminated, say) may still be going on for this long: its steps and its pages of machines
 * end within hours, each by its own timeout.
 */
const LONGEST_RUN_MS = 24 * 3_600_000;

const TIME_DIGITS = 15;

/** The folder of a run's artifacts. Names sort by start. */
export function runFolder(scope: string, startedAtMs: number, runId: string): string {
  return `${folderOf(scope)}/${String(startedAtMs).padStart(TIME_DIGITS, '0')}-${runId}`;
}

/**
 * Says that a run needs its artifacts no more, then removes those of the scope's older runs that have ended. A run that is
 * still going keeps its own, however many began after it.
 * @param folder of {@link runFolder}; stays, because this may be done again.
 */
export async function endRun(storage: Storage, scope: string, folder: string, nowMs: number): Promise<void> {
  await storage.write(endedKey(folder), new Uint8Array());
  const names = await storage.list(folderOf(scope));
  for (const name of names.slice(0, -KEPT_RUNS)) {
    const old = `${folderOf(scope)}/${name.replace(/\/$/, '')}`;
    if (old === folder) continue;
    const isOver = nowMs - Number(name.slice(0, TIME_DIGITS)) > LONGEST_RUN_MS;
    if (isOver || (await storage.read(endedKey(old))) !== null) await storage.removeAll(old);
  }
}

/** Removes the artifacts of all runs of a scope; none may be going on. */
export async function forgetRuns(storage: Storage, scope: string): Promise<void> {
  await storage.removeAll(folderOf(scope));
}

function folderOf(scope: string): string {
  return `runs/${segmentOf(scope)}`;
}

function endedKey(folder: string): string {
  return `${folder}/ended`;
}
