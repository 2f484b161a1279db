import { HalfspaceError } from '../contract/failures.js';

const FNV_OFFSET = 0x811c9dc5; // FNV-1a, 32 bits: offset basis
const FNV_PRIME = 0x01000193; // FNV-1a, 32 bits: prime
const FIRST_CAPACITY = 256;
const VARINT_MAX_BITS = 35; // five groups of seven hold 32 bits

/** FNV-1a over `bytes`, 0..2^32-1; differs whenever a single byte differs. */
export function fnv1a(bytes: Uint8Array): number {
  let hash = FNV_OFFSET;
  for (let i = 0; i < bytes.length; i++) hash = Math.imul(hash ^ bytes[i]!, FNV_PRIME);
  return hash >>> 0;
}

/** Collects little-endian numbers; `finish` closes the message with its FNV-1a checksum. */
export class ByteWriter {
  #bytes = new Uint8Array(FIRST_CAPACITY);
  #view = new DataView(this.#bytes.buffer);
  #length = 0;

  u32(value: number): void {
    this.#reserve(4);
    this.#view.setUint32(this.#length, value, true);
    this.#length += 4;
  }

  f64(value: number): void {
    this.#reserve(8);
    this.#view.setFloat64(this.#length, value, true);
    this.#length += 8;
  }

  /** An integer in 0..2^32-1 in one to five bytes, seven bits each, least significant first. */
  varint(value: number): void {
    this.#reserve(5);
    let rest = value >>> 0;
    while (rest > 0x7f) {
      this.#bytes[this.#length++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    this.#bytes[this.#length++] = rest;
  }

  bytes(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  finish(): Uint8Array {
    this.u32(fnv1a(this.#bytes.subarray(0, this.#length)));
    return this.#bytes.slice(0, this.#length);
  }

  #reserve(more: number): void {
    if (this.#length + more <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(2 * this.#bytes.length, this.#length + more));
    grown.set(this.#bytes);
    this.#bytes = grown;
    this.#view = new DataView(grown.buffer);
  }
}

/** Reads what {@link ByteWriter} wrote. Everything unexpected is a CorruptSnapshot that names the value received. */
export class ByteReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #what: string;
  readonly #end: number;
  #at = 0;

  /** `what` names the thing read in messages; `magic` is its first word. Checks length, magic and checksum. */
  constructor(bytes: Uint8Array, what: string, magic: number) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#what = what;
    this.#end = bytes.length - 4;
    if (bytes.length < 8) throw this.corrupt(`Expected at least 8 bytes, got \`${bytes.length}\``);
    this.expect('the magic number', this.u32(), magic);
    this.expect('the checksum', this.#view.getUint32(this.#end, true), fnv1a(bytes.subarray(0, this.#end)));
  }

  u32(): number {
    this.#need(4);
    const value = this.#view.getUint32(this.#at, true);
    this.#at += 4;
    return value;
  }

  f64(): number {
    this.#need(8);
    const value = this.#view.getFloat64(this.#at, true);
    this.#at += 8;
    return value;
  }

  varint(): number {
    let value = 0;
    for (let shift = 0; shift < VARINT_MAX_BITS; shift += 7) {
      this.#need(1);
      const byte = this.#bytes[this.#at++]!;
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    throw this.corrupt(`Expected a number of at most five bytes at byte ${this.#at - 5}`);
  }

  bytes(length: number): Uint8Array {
    this.#need(length);
    this.#at += length;
    return this.#bytes.slice(this.#at - length, this.#at);
  }

  /** Throws unless both values are the same. */
  expect(name: string, received: number, expected: number): void {
    if (!Object.is(received, expected)) throw this.corrupt(`Expected ${name} to be ${expected}, got \`${received}\``);
  }

  /** Throws unless everything before the checksum has been read. */
  end(): void {
    this.expect('the length before the checksum', this.#end, this.#at);
  }

  corrupt(problem: string): HalfspaceError {
    return new HalfspaceError('CorruptSnapshot', `${problem} in the bytes of ${this.#what}. Use an older snapshot.`);
  }

  #need(count: number): void {
    if (this.#at + count > this.#end) {
      throw this.corrupt(`Expected ${count} more bytes at byte ${this.#at}, got \`${this.#end - this.#at}\``);
    }
  }
}
