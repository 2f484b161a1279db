const FIRST_SLOTS = 256; // a power of two; doubled at half full
const FIRST_POOL_BYTES = 4096;
const FNV_OFFSET = 0x811c9dc5; // FNV-1a, 32 bits: http://www.isthe.com/chongo/tech/comp/fnv/
const FNV_PRIME = 0x01000193;

/**
 * Numbers distinct byte strings 0, 1, 2, … in the order of their first appearance; only a new one is decoded to text.
 *
 * Rows come machine after machine in a repeating order, so the code that followed the last one before is tried first;
 * only when that guess is wrong are the bytes hashed.
 */
export class StringCodes {
  /** Text of each code; grows as new strings appear. */
  readonly dictionary: string[] = [];
  #pool = Buffer.allocUnsafe(FIRST_POOL_BYTES);
  #poolBytes = 0;
  /** Bytes of code c: pool[ends[c - 1] .. ends[c]]. */
  #ends = new Int32Array(FIRST_SLOTS);
  #hashes = new Int32Array(FIRST_SLOTS);
  /** The code that came after code c the last time. */
  #followers = new Int32Array(FIRST_SLOTS);
  /** Open addressing with linear probing; code + 1, 0 where free. */
  #slots = new Int32Array(FIRST_SLOTS);
  #last = 0;

  /** The code of `bytes[start..end)`, UTF-8. */
  codeOf(bytes: Uint8Array, start: number, end: number): number {
    const guess = this.#followers[this.#last] ?? 0;
    if (guess < this.dictionary.length && this.#equals(guess, bytes, start, end)) {
      this.#last = guess;
      return guess;
    }
    const code = this.#find(bytes, start, end);
    this.#followers[this.#last] = code;
    this.#last = code;
    return code;
  }

  codeOfText(text: string): number {
    const bytes = Buffer.from(text);
    return this.codeOf(bytes, 0, bytes.length);
  }

  #equals(code: number, bytes: Uint8Array, start: number, end: number): boolean {
    const pool = this.#pool;
    let at = code === 0 ? 0 : (this.#ends[code - 1] ?? 0);
    if ((this.#ends[code] ?? 0) - at !== end - start) return false;
    for (let i = start; i < end; i++) {
      if (bytes[i] !== pool[at++]) return false;
    }
    return true;
  }

  #find(bytes: Uint8Array, start: number, end: number): number {
    let hash = FNV_OFFSET | 0;
    for (let i = start; i < end; i++) hash = Math.imul(hash ^ (bytes[i] ?? 0), FNV_PRIME);
    const mask = this.#slots.length - 1;
    let slot = (hash ^ (hash >>> 15)) & mask;
    for (let entry = this.#slots[slot] ?? 0; entry !== 0; entry = this.#slots[slot] ?? 0) {
      if (this.#hashes[entry - 1] === hash && this.#equals(entry - 1, bytes, start, end)) return entry - 1;
      slot = (slot + 1) & mask;
    }
    return this.#add(bytes, start, end, hash, slot);
  }

  #add(bytes: Uint8Array, start: number, end: number, hash: number, slot: number): number {
    const code = this.dictionary.length;
    const poolEnd = this.#poolBytes + (end - start);
    if (poolEnd > this.#pool.length) {
      const larger = Buffer.allocUnsafe(Math.max(poolEnd, this.#pool.length * 2));
      larger.set(this.#pool.subarray(0, this.#poolBytes));
      this.#pool = larger;
    }
    this.#pool.set(bytes.subarray(start, end), this.#poolBytes);
    this.dictionary.push(this.#pool.toString('utf8', this.#poolBytes, poolEnd));
    this.#poolBytes = poolEnd;
    this.#ends[code] = poolEnd;
    this.#hashes[code] = hash;
    // A follower of itself: a run of one string is the other common order.
    this.#followers[code] = code;
    this.#slots[slot] = code + 1;
    if (this.dictionary.length * 2 >= this.#slots.length) this.#grow();
    return code;
  }

  #grow(): void {
    const size = this.#slots.length * 2;
    this.#ends = enlarge(this.#ends, size);
    this.#hashes = enlarge(this.#hashes, size);
    this.#followers = enlarge(this.#followers, size);
    const slots = new Int32Array(size);
    const mask = size - 1;
    for (let code = 0; code < this.dictionary.length; code++) {
      const hash = this.#hashes[code] ?? 0;
      let slot = (hash ^ (hash >>> 15)) & mask;
      while (slots[slot] !== 0) slot = (slot + 1) & mask;
      slots[slot] = code + 1;
    }
    this.#slots = slots;
  }
}

function enlarge(array: Int32Array, size: number): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(size);
  larger.set(array);
  return larger;
}
