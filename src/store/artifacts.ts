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

/**
 * The bytes that {@link putArtifact} stored. Objects are replaced whole, so one that is missing or different stays so.
 * @throws HalfspaceError `CorruptStore` when the object is missing or is not the one the ref names, `StoreFault` when the
 * store is away.
 */
export async function getArtifact(storage: Storage, ref: ArtifactRef): Promise<Uint8Array> {
  const bytes = await storage.read(ref.key);
  if (bytes === null) {
    throw new HalfspaceError(
      'CorruptStore',
      `${storage.locate(ref.key)} is gone: someone removed it while its run needed it; run the pipeline again`,
    );
  }
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  if (sha256 !== ref.sha256) {
    throw new HalfspaceError(
      'CorruptStore',
      `${storage.locate(ref.key)} is damaged: its bytes hash to ${sha256}, not ${ref.sha256}; run the pipeline again`,
    );
  }
  return bytes;
}
