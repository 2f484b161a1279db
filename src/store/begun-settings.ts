import { segmentOf } from './object-key.js';
import type { Storage } from './storage.js';

/**
 * Hashes of the learning settings under which runs of a scope have begun since one was last finished. More than one: a run
 * died that had begun to learn under settings of its own. A hint: none where it cannot be read.
 */
export async function readBegunSettings(storage: Storage, scope: string): Promise<readonly string[]> {
  const bytes = await storage.read(keyOf(scope));
  if (bytes === null) return [];
  try {
    const hashes: unknown = JSON.parse(new TextDecoder().decode(bytes));
    return Array.isArray(hashes) ? hashes.filter((hash) => typeof hash === 'string') : [];
  } catch {
    return [];
  }
}

export async function writeBegunSettings(storage: Storage, scope: string, hashes: readonly string[]): Promise<void> {
  await storage.write(keyOf(scope), new TextEncoder().encode(JSON.stringify(hashes)));
}

function keyOf(scope: string): string {
  return `begun/${segmentOf(scope)}.json`;
}
