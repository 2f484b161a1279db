import { HalfspaceError } from '../contract/failures.js';
import type { S3Access } from '../contract/store-address.js';
import { openFolderStorage } from './folder-storage.js';
import { openS3Storage } from './s3-storage.js';

/**
 * Objects by key (`a/b/c`, of letters, digits, `-`, `_`, `.`). A call on a store that is away, slow or full throws
 * HalfspaceError `StoreFault`, which passes; wrong keys and missing rights are `BadCredentials`, a store that is not
 * there as set is `BadSettings`.
 */
export interface Storage {
  /** The object's bytes; null when there is none. */
  read(key: string): Promise<Uint8Array | null>;
  /** Replaces the object whole: a reader sees the old or the new bytes, never a part, whenever the writer dies. */
  write(key: string, bytes: Uint8Array): Promise<void>;
  /** Names directly below `prefix` (with or without a slash at its end), sorted, however many; a folder's ends with `/`. */
  list(prefix: string): Promise<string[]>;
  /** Removes the object; one that is not there is none to complain about. */
  remove(key: string): Promise<void>;
  /** Removes every object below the folder `prefix`, with or without a slash at its end. */
  removeAll(prefix: string): Promise<void>;
  /** Removes what writers that were killed have left behind, never what one may still be writing. */
  removeLeftovers(): Promise<void>;
  /** Where people find an object or folder: a path, or an address `s3://bucket/…`. */
  locate(key: string): string;
}

/**
 * The store behind an address; nothing is asked of it yet (see `checkStorage`).
 * @param url `file:///path`, percent-encoded, or `s3://bucket/prefix`.
 * @param s3 How to reach S3; left out, the SDK's own chain says.
 * @throws HalfspaceError `BadSettings` for any other address, or for a way to S3 that contradicts itself.
 */
export function openStorage(url: string, s3?: S3Access): Storage {
  if (url.startsWith('file:///')) return openFolderStorage(url);
  if (url.startsWith('s3://')) return openS3Storage(url, s3 === undefined ? {} : { access: s3 });
  throw new HalfspaceError(
    'BadSettings',
    `Expected store.url to name a folder (file:///path) or a bucket (s3://bucket/prefix), got \`${url}\``,
  );
}
