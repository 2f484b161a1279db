import type { ByteReader, ByteWriter } from './byte-codec.js';

/** The last numbers of a series, at most `length` of them. */
export class Ring {
  /** In no particular order; the first `count` are set. */
  readonly values: Float64Array;
  count = 0;
  #next = 0;

  constructor(length: number) {
    this.values = new Float64Array(length);
  }

  push(value: number): void {
    this.values[this.#next] = value;
    this.#next = (this.#next + 1) % this.values.length;
    if (this.count < this.values.length) this.count++;
  }

  /** The number that came `back` numbers before the last, below `count`. */
  last(back: number): number {
    const { length } = this.values;
    return this.values[(this.#next - 1 - back + 2 * length) % length]!;
  }

  /** Infinity before the first number. */
  smallest(): number {
    let smallest = Number.POSITIVE_INFINITY;
    for (let i = 0; i < this.count; i++) smallest = Math.min(smallest, this.values[i]!);
    return smallest;
  }

  /** -Infinity before the first number. */
  largest(): number {
    let largest = Number.NEGATIVE_INFINITY;
    for (let i = 0; i < this.count; i++) largest = Math.max(largest, this.values[i]!);
    return largest;
  }

  /** Mean of the last `rows` numbers, or of as many as there are; the oldest is added first. */
  mean(rows: number): number {
    const taken = Math.min(rows, this.count);
    let sum = 0;
    for (let back = taken - 1; back >= 0; back--) sum += this.last(back);
    return sum / taken;
  }

  /** Population standard deviation of the last `rows` numbers, or of as many as there are. */
  deviation(rows: number): number {
    const taken = Math.min(rows, this.count);
    const mean = this.mean(taken);
    let squares = 0;
    for (let back = taken - 1; back >= 0; back--) squares += (this.last(back) - mean) ** 2;
    return Math.sqrt(squares / taken);
  }

  /** The oldest number first, so that the same series gives the same bytes wherever it was saved before. */
  write(writer: ByteWriter): void {
    writer.varint(this.count);
    for (let back = this.count - 1; back >= 0; back--) writer.f64(this.last(back));
  }

  /** Into a ring that has none yet. */
  read(reader: ByteReader): void {
    const count = reader.varint();
    if (count > this.values.length) {
      throw reader.corrupt(`Expected at most ${this.values.length} last numbers, got \`${count}\``);
    }
    for (let i = 0; i < count; i++) this.push(readFinite(reader));
  }
}

/** The next number. Throws CorruptSnapshot for one that no rows could have left. */
export function readFinite(reader: ByteReader): number {
  const value = reader.f64();
  if (!Number.isFinite(value)) throw reader.corrupt(`Expected a finite number, got \`${value}\``);
  return value;
}

/** A number of rows. Throws CorruptSnapshot for anything but an integer of at least 0. */
export function readCount(reader: ByteReader): number {
  const value = reader.f64();
  if (!Number.isSafeInteger(value) || value < 0) throw reader.corrupt(`Expected a number of rows, got \`${value}\``);
  return value;
}
