import type { Storage } from '../../src/store/storage.js';

/** A store in memory. `beforeCall` sees every call and may throw, as a process that dies there would. */
export class MemoryStore implements Storage {
  readonly objects = new Map<string, Uint8Array>();
  beforeCall: (verb: string, key: string) => void = () => {};

  async read(key: string): Promise<Uint8Array | null> {
    this.beforeCall('read', key);
    return this.objects.get(key)?.slice() ?? null;
  }

  async write(key: string, bytes: Uint8Array): Promise<void> {
    this.beforeCall('write', key);
    this.objects.set(key, bytes.slice());
  }

  async list(prefix: string): Promise<string[]> {
    this.beforeCall('list', prefix);
    const below = [...this.objects.keys()].filter((key) => key.startsWith(`${prefix}/`));
    const names = below.map((key) => key.slice(prefix.length + 1).replace(/\/.*$/, '/'));
    return [...new Set(names)].sort();
  }

  async remove(key: string): Promise<void> {
    this.beforeCall('remove', key);
    this.objects.delete(key);
  }

  async removeAll(prefix: string): Promise<void> {
    this.beforeCall('removeAll', prefix);
    for (const key of [...this.objects.keys()]) if (key.startsWith(`${prefix}/`)) this.objects.delete(key);
  }

  async removeLeftovers(): Promise<void> {}

  locate(key: string): string {
    return `memory:${key}`;
  }
}
