import { LRUCache } from 'lru-cache';
import { formatSnapshotName, type SnapshotName } from '../store/snapshots.js';

/**
 * Snapshots in this worker's memory, keyed by their exact name and bounded in bytes. Bytes are kept, not models: each
 * use decodes its own model, so two attempts never share one.
 */
export class ModelCache {
  readonly #snapshots: LRUCache<string, Uint8Array>;

  constructor(maxBytes: number) {
    this.#snapshots = new LRUCache({ maxSize: maxBytes, sizeCalculation: (bytes) => bytes.length + ENTRY_BYTES });
  }

  get(scope: string, uniqueId: string, name: SnapshotName): Uint8Array | null {
    return this.#snapshots.get(keyOf(scope, uniqueId, name)) ?? null;
  }

  has(scope: string, uniqueId: string, name: SnapshotName): boolean {
    return this.#snapshots.has(keyOf(scope, uniqueId, name));
  }

  set(scope: string, uniqueId: string, name: SnapshotName, bytes: Uint8Array): void {
    this.#snapshots.set(keyOf(scope, uniqueId, name), bytes);
  }
}

/** Key and bookkeeping of one entry, roughly. */
const ENTRY_BYTES = 512;

function keyOf(scope: string, uniqueId: string, name: SnapshotName): string {
  return JSON.stringify([scope, uniqueId, formatSnapshotName(name)]);
}
