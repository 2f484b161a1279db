import { backfillScope } from '../contract/names.js';
import type { Window } from '../contract/run-plan.js';
import { readJson } from './json-object.js';
import { segmentOf } from './object-key.js';
import type { Storage } from './storage.js';

/** Key of a scope's (a pipeline's, a backfill's) file in a folder that holds one a scope. */
export function scopeFile(folder: string, scope: string): string {
  return `${folder}/${segmentOf(scope)}.json`;
}

/**
 * Ranges of the backfills of a pipeline that have a file in such a folder, in no order; without those whose file is damaged.
 * @param rangeIn the range of the backfill that wrote this, null where none did.
 */
export async function backfillRanges(
  storage: Storage,
  folder: string,
  pipeline: string,
  rangeIn: (value: unknown) => Window | null,
): Promise<readonly Window[]> {
  const found: Window[] = [];
  for (const name of await storage.list(folder)) {
    if (!name.startsWith(pipeline)) continue;
    const range = rangeIn(await readJson(storage, `${folder}/${name}`));
    // Another pipeline's name may begin like this one's.
    if (range !== null && scopeFile(folder, backfillScope(pipeline, range)) === `${folder}/${name}`) found.push(range);
  }
  return found;
}
