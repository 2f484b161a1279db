import { HalfspaceError } from '../contract/failures.js';

/**
 * The common frame of our columnar files, little-endian: magic (4 bytes), version (u32), bytes of the head (u32), 0 (u32), the
 * head (JSON in UTF-8, zeros up to a multiple of 8), then blocks of numbers, each padded with zeros to a multiple of 8.
 */
const FRAME_BYTES = 16;
const ALIGNMENT = 8;

export type NumberBlock = BigInt64Array | Float64Array | Int32Array;

/** The bytes of a file; the same for the same head and blocks. */
export function writeColumns(
  magic: number,
  version: number,
  head: unknown,
  blocks: readonly NumberBlock[],
): Uint8Array {
  refuseBigEndian();
  const text = new TextEncoder().encode(JSON.stringify(head));
  const size = blocks.reduce((sum, block) => sum + aligned(block.byteLength), FRAME_BYTES + aligned(text.length));
  const bytes = new Uint8Array(size);
  const frame = new DataView(bytes.buffer);
  frame.setUint32(0, magic, true);
  frame.setUint32(4, version, true);
  frame.setUint32(8, text.length, true);
  bytes.set(text, FRAME_BYTES);
  let at = FRAME_BYTES + aligned(text.length);
  for (const block of blocks) {
    bytes.set(new Uint8Array(block.buffer, block.byteOffset, block.byteLength), at);
    at += aligned(block.byteLength);
  }
  return bytes;
}

/** Reads what {@link writeColumns} wrote: the head first, then the blocks in their order; {@link ColumnReader.end} last. */
export class ColumnReader {
  readonly #bytes: Uint8Array;
  readonly #what: string;
  #at: number;
  /** Parsed JSON, not checked further. */
  readonly head: unknown;

  /** @throws HalfspaceError `CorruptSnapshot` when the bytes are not such a file. */
  constructor(bytes: Uint8Array, magic: number, version: number, what: string) {
    refuseBigEndian();
    // Typed arrays need aligned bytes; a part of a larger object may begin anywhere.
    this.#bytes = bytes.byteOffset % ALIGNMENT === 0 ? bytes : bytes.slice();
    this.#what = what;
    if (bytes.length < FRAME_BYTES) this.fail(`at least ${FRAME_BYTES} bytes`, bytes.length);
    const frame = new DataView(this.#bytes.buffer, this.#bytes.byteOffset, FRAME_BYTES);
    const found = frame.getUint32(0, true);
    if (found !== magic) this.fail(`magic ${magic.toString(16)}`, found.toString(16));
    if (frame.getUint32(4, true) !== version) this.fail(`version ${version}`, frame.getUint32(4, true));
    const length = frame.getUint32(8, true);
    this.#at = FRAME_BYTES;
    this.head = this.#parse(this.#take(length));
  }

  times(count: number): BigInt64Array {
    const bytes = this.#take(this.#sizeOf(count, 8));
    return new BigInt64Array(bytes.buffer, bytes.byteOffset, count);
  }

  doubles(count: number): Float64Array {
    const bytes = this.#take(this.#sizeOf(count, 8));
    return new Float64Array(bytes.buffer, bytes.byteOffset, count);
  }

  codes(count: number): Int32Array {
    const bytes = this.#take(this.#sizeOf(count, 4));
    return new Int32Array(bytes.buffer, bytes.byteOffset, count);
  }

  end(): void {
    if (this.#at !== this.#bytes.length) this.fail(`${this.#at} bytes`, this.#bytes.length);
  }

  fail(expected: string, got: string | number): never {
    throw new HalfspaceError(
      'CorruptSnapshot',
      `Expected ${this.#what} to have ${expected}, got ${got}. The artifact is damaged or of another version: run again.`,
    );
  }

  #sizeOf(count: number, width: number): number {
    if (!Number.isSafeInteger(count) || count < 0) this.fail('a count of rows', count);
    return count * width;
  }

  #take(size: number): Uint8Array {
    const from = this.#at;
    const to = from + aligned(size);
    if (to > this.#bytes.length) this.fail(`at least ${to} bytes`, this.#bytes.length);
    this.#at = to;
    return this.#bytes.subarray(from, from + size);
  }

  #parse(text: Uint8Array): unknown {
    try {
      return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(text));
    } catch {
      return this.fail('a head in JSON', 'something else');
    }
  }
}

function aligned(size: number): number {
  return Math.ceil(size / ALIGNMENT) * ALIGNMENT;
}

/** Blocks are copied as they lie in memory. */
function refuseBigEndian(): void {
  if (new Uint8Array(Uint16Array.of(1).buffer)[0] !== 1) {
    throw new HalfspaceError('BadSettings', 'halfspace needs a little-endian processor (x86, ARM).');
  }
}
