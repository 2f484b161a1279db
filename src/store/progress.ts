import type { Nanos } from '../contract/time.js';
import { segmentOf } from './object-key.js';
import type { Storage } from './storage.js';

/** How far a pipeline has come, written by the last step of a run. */
export interface Progress {
  /** End of the last finished window; the next one begins here. */
  readonly to: Nanos;
  /** Machines that were not finished: each is loaded again from its own `from`. */
  readonly lagging: readonly Laggard[];
}

export interface Laggard {
  readonly uniqueId: string;
  /** Exact values of the id columns. */
  readonly ids: readonly string[];
  readonly from: Nanos;
  /** `undelivered`: learned, but an alert of an open event is still to be sent. */
  readonly why: 'failed' | 'busy' | 'undelivered';
}

export async function readProgress(storage: Storage, pipeline: string): Promise<Progress | null> {
  const bytes = await storage.read(keyOf(pipeline));
  return bytes === null ? null : (JSON.parse(new TextDecoder().decode(bytes)) as Progress);
}

export async function writeProgress(storage: Storage, pipeline: string, progress: Progress): Promise<void> {
  await storage.write(keyOf(pipeline), new TextEncoder().encode(JSON.stringify(progress)));
}

function keyOf(pipeline: string): string {
  return `progress/${segmentOf(pipeline)}.json`;
}
