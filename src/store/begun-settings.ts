import { readJson, writeJson } from './json-object.js';
import { scopeFile } from './scope-files.js';
import type { Storage } from './storage.js';

/**
 * Hashes of the learning settings under which runs of a scope have begun since one was last finished. More than one: a run
 * died that had begun to learn under settings of its own. A hint: none where it cannot be read.
 */
export async function readBegunSettings(storage: Storage, scope: string): Promise<readonly string[]> {
  const hashes = await readJson(storage, keyOf(scope));
  return Array.isArray(hashes) ? hashes.filter((hash) => typeof hash === 'string') : [];
}

export async function writeBegunSettings(storage: Storage, scope: string, hashes: readonly string[]): Promise<void> {
  await writeJson(storage, keyOf(scope), hashes);
}

function keyOf(scope: string): string {
  return scopeFile('begun', scope);
}
