import type { ArtifactRef } from '../contract/artifact.js';
import type { MachineEntry } from '../contract/run-plan.js';
import type { Slice } from '../contract/slice.js';
import { decodeSlice } from '../shape/slice-codec.js';
import { getArtifact } from '../store/artifacts.js';
import type { Storage } from '../store/storage.js';

/** Packs of slices that were read last: the children of one page share them. */
const KEPT_PACKS = 4;

/** Reads slices out of packs; a pack is read once for the many machines in it. */
export class SlicePacks {
  readonly #storage: Storage;
  readonly #packs = new Map<string, Promise<Uint8Array>>();

  constructor(storage: Storage) {
    this.#storage = storage;
  }

  async read({ pack, offset, bytes }: MachineEntry): Promise<Slice> {
    const whole = await this.#pack(pack);
    return decodeSlice(whole.subarray(offset, offset + bytes));
  }

  #pack(ref: ArtifactRef): Promise<Uint8Array> {
    const held = this.#packs.get(ref.sha256);
    if (held !== undefined) return held;
    const reading = getArtifact(this.#storage, ref);
    reading.catch(() => this.#packs.delete(ref.sha256));
    this.#packs.set(ref.sha256, reading);
    const oldest = this.#packs.keys().next().value;
    if (this.#packs.size > KEPT_PACKS && oldest !== undefined) this.#packs.delete(oldest);
    return reading;
  }
}
