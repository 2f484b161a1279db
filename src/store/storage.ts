import { randomUUID } from 'node:crypto';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Disk, errors } from 'flydrive';
import { FSDriver } from 'flydrive/drivers/fs';
import { HalfspaceError } from '../contract/failures.js';

/** Objects by key (`a/b/c`, of letters, digits, `-`, `_`, `.`). Every call throws HalfspaceError `StoreFault` when the store is away. */
export interface Storage {
  /** The object's bytes; null when there is none. */
  read(key: string): Promise<Uint8Array | null>;
  /** Replaces the object whole: a reader sees the old or the new bytes, never a part, whenever the writer dies. */
  write(key: string, bytes: Uint8Array): Promise<void>;
  /** Names directly below `prefix`, sorted; a folder's name ends with `/`. */
  list(prefix: string): Promise<string[]>;
  remove(key: string): Promise<void>;
  removeAll(prefix: string): Promise<void>;
  /** Where people find an object or folder: a path. */
  locate(key: string): string;
}

/**
 * @param url `file:///path`.
 * @throws HalfspaceError `BadSettings` for any other scheme.
 */
export function openStorage(url: string): Storage {
  if (!url.startsWith('file:///')) {
    throw new HalfspaceError('BadSettings', `Expected store.url to name a folder (file:///path), got \`${url}\``);
  }
  return new DiskStorage(new Disk(new AtomicFolderDriver(fileURLToPath(url))), url);
}

/** Flydrive's folder driver writes in place; a killed worker would leave half an object. */
class AtomicFolderDriver extends FSDriver {
  readonly #root: string;

  constructor(root: string) {
    super({ location: root, visibility: 'private' });
    this.#root = root;
  }

  override async put(key: string, contents: string | Uint8Array): Promise<void> {
    const temporary = join(this.#root, '.tmp', randomUUID());
    const target = join(this.#root, key);
    await mkdir(dirname(temporary), { recursive: true });
    await mkdir(dirname(target), { recursive: true });
    try {
      await writeFile(temporary, contents);
      await rename(temporary, target);
    } catch (error) {
      await rm(temporary, { force: true });
      throw error;
    }
  }
}

class DiskStorage implements Storage {
  readonly #disk: Disk;
  readonly #url: string;

  constructor(disk: Disk, url: string) {
    this.#disk = disk;
    this.#url = url;
  }

  async read(key: string): Promise<Uint8Array | null> {
    try {
      return await this.#disk.getBytes(key);
    } catch (error) {
      if (error instanceof errors.E_CANNOT_READ_FILE && isNotFound(error.cause)) return null;
      throw this.#fault('read', key, error);
    }
  }

  async write(key: string, bytes: Uint8Array): Promise<void> {
    try {
      await this.#disk.put(key, bytes);
    } catch (error) {
      throw this.#fault('write', key, error);
    }
  }

  async list(prefix: string): Promise<string[]> {
    try {
      const names: string[] = [];
      let paginationToken: string | undefined;
      do {
        const page = await this.#disk.listAll(prefix, paginationToken === undefined ? {} : { paginationToken });
        for (const object of page.objects) names.push(object.isFile ? object.name : `${object.name}/`);
        paginationToken = page.paginationToken;
      } while (paginationToken !== undefined);
      return names.sort();
    } catch (error) {
      throw this.#fault('list', prefix, error);
    }
  }

  async remove(key: string): Promise<void> {
    try {
      await this.#disk.delete(key);
    } catch (error) {
      throw this.#fault('remove', key, error);
    }
  }

  async removeAll(prefix: string): Promise<void> {
    try {
      await this.#disk.deleteAll(prefix);
    } catch (error) {
      throw this.#fault('remove', prefix, error);
    }
  }

  locate(key: string): string {
    return join(fileURLToPath(this.#url), key);
  }

  #fault(verb: string, key: string, error: unknown): HalfspaceError {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    const why = cause instanceof Error ? cause.message : String(cause);
    return new HalfspaceError('StoreFault', `The store ${this.#url} cannot ${verb} ${key}: ${why}`, { cause: error });
  }
}

function isNotFound(cause: unknown): boolean {
  return typeof cause === 'object' && cause !== null && 'code' in cause && cause.code === 'ENOENT';
}
