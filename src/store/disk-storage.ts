import type { DriverContract } from 'flydrive/types';
import { type FailureKind, HalfspaceError } from '../contract/failures.js';
import type { Storage } from './storage.js';

/** What flydrive's driver of one kind of store leaves open. */
export interface DiskOptions {
  /** Called once a call needs it. */
  readonly driver: () => Promise<DriverContract>;
  /** As people know the store: a folder's path or `s3://bucket/prefix`, without a slash at its end. */
  readonly place: string;
  /** The service it is at; left out when that goes without saying. */
  readonly at?: string;
  /** Put before each key, without slashes at its ends; empty for none. */
  readonly prefix: string;
  /** True when a driver's error says that there is no such object. */
  readonly isMissing: (error: unknown) => boolean;
  /** Left out where a killed writer leaves nothing behind. */
  readonly removeLeftovers?: () => Promise<void>;
  /** What an error of the driver means; `why` is one line without secrets. */
  readonly explain: (error: unknown) => { readonly kind: FailureKind; readonly why: string };
}

const KEY = /^[A-Za-z0-9_.-]+(?:\/[A-Za-z0-9_.-]+)*$/;

/** A store over a flydrive driver. */
export class DiskStorage implements Storage {
  readonly #options: DiskOptions;

  constructor(options: DiskOptions) {
    this.#options = options;
  }

  async read(key: string): Promise<Uint8Array | null> {
    return this.#call('read', key, async (driver, location) => {
      try {
        return await driver.getBytes(location);
      } catch (error) {
        if (this.#options.isMissing(error)) return null;
        throw error;
      }
    });
  }

  async write(key: string, bytes: Uint8Array): Promise<void> {
    await this.#call('write', key, (driver, location) => driver.put(location, bytes));
  }

  async list(prefix: string): Promise<string[]> {
    return this.#call('list', folderOf(prefix), async (driver, location) => {
      const names: string[] = [];
      let paginationToken: string | undefined;
      do {
        const page = await driver.listAll(location, paginationToken === undefined ? {} : { paginationToken });
        for (const object of page.objects) names.push(object.isFile ? object.name : `${object.name}/`);
        paginationToken = page.paginationToken;
      } while (paginationToken !== undefined);
      return names.sort();
    });
  }

  async remove(key: string): Promise<void> {
    await this.#call('remove', key, (driver, location) => driver.delete(location));
  }

  async removeAll(prefix: string): Promise<void> {
    await this.#call('remove', folderOf(prefix), (driver, location) => driver.deleteAll(location));
  }

  async removeLeftovers(): Promise<void> {
    await this.#options.removeLeftovers?.();
  }

  locate(key: string): string {
    return `${this.#options.place}/${key}`;
  }

  get #name(): string {
    const { place, at } = this.#options;
    return at === undefined ? place : `${place} at ${at}`;
  }

  async #call<T>(verb: string, key: string, use: (driver: DriverContract, location: string) => Promise<T>): Promise<T> {
    const { driver, prefix, explain } = this.#options;
    if (!isKey(key)) {
      throw new HalfspaceError(
        'BadSettings',
        `Expected a key of letters, digits, -, _ and . for the store ${this.#name}, got \`${key}\``,
      );
    }
    try {
      return await use(await driver(), prefix === '' ? key : `${prefix}/${key}`);
    } catch (error) {
      const { kind, why } = explain(error);
      throw new HalfspaceError(kind, `The store ${this.#name} cannot ${verb} ${key}: ${why}`, { cause: error });
    }
  }
}

/** A folder as `list` gives it may be asked for as it is. */
function folderOf(prefix: string): string {
  return prefix.replace(/(?<=.)\/$/, '');
}

function isKey(key: string): boolean {
  return KEY.test(key) && !key.split('/').some((segment) => segment === '.' || segment === '..');
}
