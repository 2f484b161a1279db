import type { Storage } from './storage.js';

/** What an object holds; undefined where there is none, null where it is no JSON. Whoever asked checks that it is his own. */
export async function readJson(storage: Storage, key: string): Promise<unknown> {
  const bytes = await storage.read(key);
  if (bytes === null) return undefined;
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return null;
  }
}

export async function writeJson(storage: Storage, key: string, value: unknown): Promise<void> {
  await storage.write(key, new TextEncoder().encode(JSON.stringify(value)));
}
