import type { DigestMachine } from '../contract/digest.js';
import type { Nanos } from '../contract/time.js';
import { writeJson } from './json-object.js';
import { segmentOf } from './object-key.js';
import type { Storage } from './storage.js';

/** The place of a model that is new. */
const START = 'start';

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
    const key = `${this.#folder}/${segmentOf(note.uniqueId)}.${since ?? START}.json`;
    await writeJson(this.#storage, key, note);
  }

  /** Removes a machine's notes of what it learned from this place on: it went back there, and learns that again. */
  async forgetFrom(since: Nanos | null, uniqueId: string): Promise<void> {
    const prefix = `${segmentOf(uniqueId)}.`;
    for (const name of await this.#storage.list(this.#folder)) {
      // A place holds no dot, so no machine's notes are taken for another's.
      const place = name.startsWith(prefix) ? /^(start|-?\d+)\.json$/.exec(name.slice(prefix.length))?.[1] : undefined;
      if (place === undefined) continue;
      const isLater = since === null || (place !== START && BigInt(place) >= BigInt(since));
      if (isLater) await this.#storage.remove(`${this.#folder}/${name}`);
    }
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
