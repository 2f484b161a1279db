import { randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { FSDriver } from 'flydrive/drivers/fs';
import { DiskStorage } from './disk-storage.js';
import type { Storage } from './storage.js';

/** A store in a folder, made with the first write. `url` is `file:///path`, percent-encoded. */
export function openFolderStorage(url: string): Storage {
  const folder = resolve(fileURLToPath(url));
  const driver = Promise.resolve(new AtomicFolderDriver(folder));
  return new DiskStorage({
    driver: () => driver,
    place: folder,
    prefix: '',
    isMissing: (error) => codeOf(error) === 'ENOENT',
    explain: (error) => {
      const why = error instanceof Error ? error.message : String(error);
      const remedy = REMEDIES[String(codeOf(error))];
      return remedy === undefined ? { kind: 'StoreFault', why } : { kind: 'BadSettings', why: `${why}; ${remedy}` };
    },
    removeLeftovers: () => removeOldFiles(join(folder, TEMPORARY)),
  });
}

/** Below the store's folder: objects on their way. */
const TEMPORARY = '.tmp';

const RIGHTS = "give the worker's user the right to, or set store.url to another folder";
const NOT_A_FOLDER = 'a file is where a folder should be: remove it, or set store.url to another folder';
const NOT_A_FILE = 'a folder is where a file should be: remove it, or set store.url to another folder';

/** What does not pass by waiting; room, and a disk that went read-only, may come back. */
const REMEDIES: Readonly<Record<string, string>> = {
  EACCES: RIGHTS,
  EPERM: RIGHTS,
  ENOTDIR: NOT_A_FOLDER,
  EEXIST: NOT_A_FOLDER,
  EISDIR: NOT_A_FILE,
  ERR_FS_EISDIR: NOT_A_FILE,
};

/** A write takes seconds: nobody works any more on a file that was not touched for a day. */
const LEFT_OVER_MS = 24 * 3_600_000;

async function removeOldFiles(folder: string): Promise<void> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') return [];
    throw error;
  });
  for (const entry of entries.filter((found) => found.isFile())) {
    const path = join(folder, entry.name);
    // Another worker that starts may be quicker.
    const touched = await stat(path).catch(() => null);
    if (touched !== null && Date.now() - touched.mtimeMs > LEFT_OVER_MS) await rm(path, { force: true });
  }
}

/** Flydrive's folder driver writes in place: a killed worker would leave half an object. */
class AtomicFolderDriver extends FSDriver {
  readonly #root: string;

  constructor(root: string) {
    super({ location: root, visibility: 'private' });
    this.#root = root;
  }

  /** Flydrive's own gives the buffer behind what was read: of an empty file, memory that others have used. */
  override async getBytes(key: string): Promise<Uint8Array> {
    return new Uint8Array(await readFile(join(this.#root, key)));
  }

  override async put(key: string, contents: string | Uint8Array): Promise<void> {
    const temporary = join(this.#root, TEMPORARY, randomUUID());
    const target = join(this.#root, key);
    try {
      await inFolderOf(temporary, () => writeFile(temporary, contents));
      await inFolderOf(target, () => rename(temporary, target));
    } catch (error) {
      await rm(temporary, { force: true });
      throw error;
    }
  }
}

/** Works at a path, and once more when the path's folder had to be made first: nearly always it is there. */
async function inFolderOf(path: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error;
    await mkdir(dirname(path), { recursive: true });
    await work();
  }
}

function codeOf(error: unknown): unknown {
  return typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
}
