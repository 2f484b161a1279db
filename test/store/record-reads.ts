import type { Storage } from '../../src/store/storage.js';

/** Wraps a store so that the key of each read is added to `keys`. */
export function recordReads(keys: string[]): (storage: Storage) => Storage {
  return (storage) => ({
    read: (key) => {
      keys.push(key);
      return storage.read(key);
    },
    write: (key, bytes) => storage.write(key, bytes),
    list: (prefix) => storage.list(prefix),
    remove: (key) => storage.remove(key),
    removeAll: (prefix) => storage.removeAll(prefix),
    removeLeftovers: () => storage.removeLeftovers(),
    locate: (key) => storage.locate(key),
  });
}
