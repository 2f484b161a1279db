import { createHash } from 'node:crypto';
import type { ArtifactRef } from '../contract/artifact.js';
import { HalfspaceError } from '../contract/failures.js';
import type { Storage } from './storage.js';

/**
 * Stores bytes under `<folder>/<kind>-<hash><extension>`: the same bytes get the same key, so a repeated attempt
 * changes nothing.
 */
export async function putArtifact(
  storage: Storage,
  folder: string,
  kind: string,
  bytes: Uint8Array,
  extension = '',
): Promise<ArtifactRef> {
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const key = `${folder}/${kind}-${sha256.slice(0, 32)}${extension}`;
  await storage.write(key, bytes);
  return { key, sha256, bytes: bytes.length };
}

/** @throws HalfspaceError `StoreFault` when the object is missing or is not the one the ref names. */
export async function getArtifact(storage: Storage, ref: ArtifactRef): Promise<Uint8Array> {
  const bytes = await storage.read(ref.key);
  if (bytes === null) throw new HalfspaceError('StoreFault', `The artifact ${ref.key} is not in the store`);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  if (sha256 !== ref.sha256) {
    throw new HalfspaceError('StoreFault', `The artifact ${ref.key} is damaged: expected ${ref.sha256}, got ${sha256}`);
  }
  return bytes;
}
