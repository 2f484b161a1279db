import type { DigestMachine } from '../contract/digest.js';
import type { Nanos } from '../contract/time.js';
import { segmentOf } from './object-key.js';
import type { Storage } from './storage.js';

/** What a backfill found and told nobody: one note a machine and window with anomalous rows, until they make a digest. */
export class EventNotes {
  readonly #storage: Storage;
  readonly #folder: string;

  constructor(storage: Storage, scope: string) {
    this.#storage = storage;
    this.#folder = `notes/${segmentOf(scope)}`;
  }

  /** @param since where the machine's model stood: what is learned again from there is noted in the place of the first note. */
  async write(since: Nanos | null, note: DigestMachine): Promise<void> {
    // A watermark holds no dot, so no two machines' names meet.
    const key = `${this.#folder}/${segmentOf(note.uniqueId)}.${since ?? 'start'}.json`;
    await this.#storage.write(key, new TextEncoder().encode(JSON.stringify(note)));
  }

  /** All notes, in no order that means anything. */
  async *read(): AsyncGenerator<DigestMachine> {
    for (const name of await this.#storage.list(this.#folder)) {
      const bytes = await this.#storage.read(`${this.#folder}/${name}`);
      if (bytes !== null) yield JSON.parse(new TextDecoder().decode(bytes)) as DigestMachine;
    }
  }

  async forget(): Promise<void> {
    await this.#storage.removeAll(this.#folder);
  }
}
