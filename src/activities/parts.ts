import type { ArtifactRef } from '../contract/artifact.js';
import type { Table } from '../contract/table.js';
import { decodeTable, encodeTable } from '../shape/slice-codec.js';
import { getArtifact, putArtifact } from '../store/artifacts.js';
import type { Storage } from '../store/storage.js';
import type { Attempt } from './attempt.js';

/** What was loaded: packs of tables, in order. */
export interface LoadedParts {
  /** Rows of the window, and of machines that are behind. */
  readonly own: readonly ArtifactRef[];
  /** Rows from before, looked at once more. */
  readonly earlier: readonly ArtifactRef[];
}

/** A part is written when this much has come in; the worker never holds more of the window than one part. */
const PART_BYTES = 16 * 1024 * 1024;

/** Collects tables and keeps them in the store, part by part. */
export class PartWriter {
  readonly #storage: Storage;
  readonly #folder: string;
  readonly #parts: ArtifactRef[] = [];
  #pending: Uint8Array[] = [];
  #pendingBytes = 0;

  constructor(storage: Storage, folder: string) {
    this.#storage = storage;
    this.#folder = folder;
  }

  async add(table: Table): Promise<void> {
    const bytes = encodeTable(table);
    this.#pending.push(bytes);
    this.#pendingBytes += bytes.length;
    if (this.#pendingBytes >= PART_BYTES) await this.#flush();
  }

  /** All parts, after the last table. */
  async finish(): Promise<readonly ArtifactRef[]> {
    await this.#flush();
    return this.#parts;
  }

  async #flush(): Promise<void> {
    if (this.#pending.length === 0) return;
    this.#parts.push(await putArtifact(this.#storage, this.#folder, 'part', packTables(this.#pending)));
    this.#pending = [];
    this.#pendingBytes = 0;
  }
}

/** The tables of parts, in order. */
export async function* readParts(
  storage: Storage,
  parts: readonly ArtifactRef[],
  attempt: Attempt,
): AsyncGenerator<Table> {
  for (const part of parts) {
    for (const bytes of unpackTables(await getArtifact(storage, part))) {
      yield decodeTable(bytes);
      await attempt.breathe();
    }
  }
}

/** Joins encoded tables to one object: u32 length (little-endian) before each, padded so that each begins at a multiple of 8. */
export function packTables(tables: readonly Uint8Array[]): Uint8Array {
  const total = tables.reduce((sum, table) => sum + HEADER_BYTES + padded(table.length), 0);
  const pack = new Uint8Array(total);
  const view = new DataView(pack.buffer);
  let at = 0;
  for (const table of tables) {
    view.setUint32(at, table.length, true);
    pack.set(table, at + HEADER_BYTES);
    at += HEADER_BYTES + padded(table.length);
  }
  return pack;
}

/** The tables that {@link packTables} joined, as views of `pack`. */
export function* unpackTables(pack: Uint8Array): Generator<Uint8Array> {
  const view = new DataView(pack.buffer, pack.byteOffset, pack.byteLength);
  for (let at = 0; at < pack.length; ) {
    const length = view.getUint32(at, true);
    yield pack.subarray(at + HEADER_BYTES, at + HEADER_BYTES + length);
    at += HEADER_BYTES + padded(length);
  }
}

const HEADER_BYTES = 8;

function padded(length: number): number {
  return Math.ceil(length / 8) * 8;
}
