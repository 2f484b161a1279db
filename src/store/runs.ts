import { segmentOf } from './object-key.js';
import type { Storage } from './storage.js';

/** Artifacts of this many runs of a pipeline stay for a look at what happened. */
const KEPT_RUNS = 10;

/**
 * A run that never said it ended (terminated, say) may still be going on for this long: its steps and its pages of machines
 * end within hours, each by its own timeout.
 */
const LONGEST_RUN_MS = 24 * 3_600_000;

const TIME_DIGITS = 15;

/** The folder of a run's artifacts. Names sort by start. */
export function runFolder(pipeline: string, startedAtMs: number, runId: string): string {
  return `${folderOf(pipeline)}/${String(startedAtMs).padStart(TIME_DIGITS, '0')}-${runId}`;
}

/**
 * Says that a run needs its artifacts no more, then removes those of the pipeline's older runs that have ended. A run that is
 * still going keeps its own, however many began after it.
 * @param folder of {@link runFolder}; stays, because this may be done again.
 */
export async function endRun(storage: Storage, pipeline: string, folder: string, nowMs: number): Promise<void> {
  await storage.write(endedKey(folder), new Uint8Array());
  const names = await storage.list(folderOf(pipeline));
  for (const name of names.slice(0, -KEPT_RUNS)) {
    const old = `${folderOf(pipeline)}/${name.replace(/\/$/, '')}`;
    if (old === folder) continue;
    const isOver = nowMs - Number(name.slice(0, TIME_DIGITS)) > LONGEST_RUN_MS;
    if (isOver || (await storage.read(endedKey(old))) !== null) await storage.removeAll(old);
  }
}

function folderOf(pipeline: string): string {
  return `runs/${segmentOf(pipeline)}`;
}

function endedKey(folder: string): string {
  return `${folder}/ended`;
}
