import { randomUUID } from 'node:crypto';
import { HalfspaceError } from '../contract/failures.js';
import type { Storage } from './storage.js';

/**
 * Writes, lists, reads and removes a small object under `.probe/`, so that a store that cannot be used is known before
 * any work is taken on.
 * @throws HalfspaceError as `Storage` does, naming the store and what it would not do.
 */
export async function checkStorage(storage: Storage): Promise<void> {
  const name = randomUUID();
  const key = `.probe/${name}`;
  const bytes = new TextEncoder().encode(name);
  await storage.write(key, bytes);
  const names = await storage.list('.probe');
  const found = await storage.read(key);
  await storage.remove(key);
  if (!names.includes(name) || found === null || !Buffer.from(found).equals(bytes)) {
    throw new HalfspaceError(
      'StoreFault',
      `The store does not give back what was just written to it (${key}); it needs a service that is consistent after a write`,
    );
  }
}
