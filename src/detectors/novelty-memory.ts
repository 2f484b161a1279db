import type { ByteReader, ByteWriter } from './byte-codec.js';
import { readCount, readFinite } from './novelty-ring.js';

const WARM_ROWS = 50; // so many numbers must have been seen before one can be new
const CLIP = 8; // each half of a novelty is at most this
const ASINH_SCALE = 3; // mean absolute deviations within which the asinh is nearly a straight line
const SPARE = 3; // both ends and one more: with them a thinned memory always has room

/**
 * Every value of a series so far, each to within a share `eps` of their range: a sorted codebook of a bounded size. A
 * number is new in so far as it is far from all of it, measured by how densely the memory is filled at that place (as in
 * Dixon's ratio and the local outlier factor), once along a straight scale and once along one that bends like asinh.
 */
export class ValueMemory {
  /** The stored value nearest to the number last asked about; NaN while there is none. */
  nearest = Number.NaN;
  readonly #eps: number;
  /** Distance, as a share of the scale, below which nothing is new even where the memory is dense. */
  readonly #tolerance: number;
  readonly #values: Float64Array;
  #size = 0;
  #rows = 0;
  #mean = 0;
  #variance = 0;
  /** Mean absolute deviation from the mean of its time. */
  #deviation = 0;

  constructor(eps: number, tolerance: number) {
    this.#eps = eps;
    this.#tolerance = tolerance;
    this.#values = new Float64Array(memorySize(eps));
  }

  /** Smallest and largest value so far; NaN before the first. */
  get smallest(): number {
    return this.#size === 0 ? Number.NaN : this.#values[0]!;
  }

  get largest(): number {
    return this.#size === 0 ? Number.NaN : this.#values[this.#size - 1]!;
  }

  /** How new `value` is, 0..8; changes nothing but `nearest`. */
  noveltyOf(value: number): number {
    if (this.#size === 0) return 0;
    const values = this.#values;
    const place = this.#placeOf(value);
    const lower = Math.max(place - 1, 0);
    const upper = Math.min(place, this.#size - 1);
    const near = Math.abs(value - values[lower]!) <= Math.abs(value - values[upper]!) ? lower : upper;
    this.nearest = values[near]!;
    const distance = Math.abs(value - this.nearest);
    if (this.#rows <= WARM_ROWS || this.#size < 2 || distance === 0) return 0;
    return (this.#straight(distance, near) + this.#bent(value, lower, upper)) / 2;
  }

  learn(value: number): void {
    if (this.#isWorthStoring(value)) this.#store(value);
    const weight = 1 / (this.#rows + 1);
    const off = value - this.#mean;
    this.#mean += weight * off;
    this.#variance += weight * (off * (value - this.#mean) - this.#variance);
    this.#deviation += weight * (Math.abs(off) - this.#deviation);
    this.#rows++;
  }

  write(writer: ByteWriter): void {
    writer.f64(this.#rows);
    for (const number of [this.#mean, this.#variance, this.#deviation]) writer.f64(number);
    writer.varint(this.#size);
    for (let i = 0; i < this.#size; i++) writer.f64(this.#values[i]!);
  }

  read(reader: ByteReader): void {
    this.#rows = readCount(reader);
    this.#mean = readFinite(reader);
    this.#variance = readFinite(reader);
    this.#deviation = readFinite(reader);
    this.#size = reader.varint();
    if (this.#size > this.#values.length) {
      throw reader.corrupt(`Expected at most ${this.#values.length} stored values, got \`${this.#size}\``);
    }
    for (let i = 0; i < this.#size; i++) {
      this.#values[i] = readFinite(reader);
      if (i > 0 && this.#values[i]! <= this.#values[i - 1]!) {
        throw reader.corrupt(`Expected ascending stored values, got \`${this.#values[i]}\``);
      }
    }
  }

  #straight(distance: number, near: number): number {
    const scale = Math.sqrt((this.largest - this.smallest) * Math.sqrt(this.#variance));
    if (scale === 0) return 0;
    const gap = Math.abs(this.#values[near]! - this.#values[this.#besides(near)]!);
    return Math.min(distance / (this.#tolerance * scale + gap), CLIP);
  }

  #bent(value: number, lower: number, upper: number): number {
    if (this.#deviation === 0) return 0;
    const at = this.#bend(value);
    const atLower = this.#bend(this.#values[lower]!);
    const atUpper = lower === upper ? atLower : this.#bend(this.#values[upper]!);
    const isLower = Math.abs(at - atLower) <= Math.abs(at - atUpper);
    const atNear = isLower ? atLower : atUpper;
    const gap = Math.abs(atNear - this.#bend(this.#values[this.#besides(isLower ? lower : upper)]!));
    return Math.min(Math.abs(at - atNear) / (this.#tolerance + gap), CLIP);
  }

  #bend(value: number): number {
    return Math.asinh((value - this.#mean) / (ASINH_SCALE * this.#deviation));
  }

  /** Place of the stored value nearest to the one at `place`; the lower of two. There are at least two. */
  #besides(place: number): number {
    if (place === 0) return 1;
    if (place === this.#size - 1) return place - 1;
    const values = this.#values;
    return values[place]! - values[place - 1]! <= values[place + 1]! - values[place]! ? place - 1 : place + 1;
  }

  #isWorthStoring(value: number): boolean {
    if (this.#size === 0) return true;
    if (value < this.smallest || value > this.largest) return true;
    const place = this.#placeOf(value);
    const above = this.#values[place]! - value;
    const below = place === 0 ? above : value - this.#values[place - 1]!;
    return Math.min(above, below) > this.#resolution(value);
  }

  /** Distance within which two values count as one, in the range that `value` makes. */
  #resolution(value: number): number {
    return this.#eps * (Math.max(this.largest, value) - Math.min(this.smallest, value));
  }

  #store(value: number): void {
    const values = this.#values;
    if (this.#size === values.length) this.#thin(this.#resolution(value));
    const place = this.#placeOf(value);
    values.copyWithin(place + 1, place, this.#size);
    values[place] = value;
    this.#size++;
  }

  /** Keeps both ends and each value more than `least` above the one kept before it: at most 1/eps + 2 of them. */
  #thin(least: number): void {
    const values = this.#values;
    let kept = 1;
    for (let i = 1; i < this.#size - 1; i++) {
      if (values[i]! - values[kept - 1]! > least) values[kept++] = values[i]!;
    }
    values[kept++] = this.largest;
    this.#size = kept;
  }

  /** Number of stored values below `value`. */
  #placeOf(value: number): number {
    const values = this.#values;
    let low = 0;
    let high = this.#size;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (values[middle]! < value) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** Numbers that a memory holds beside its values. */
export const MEMORY_NUMBERS = 5;

/** Most values that a memory of resolution `eps` holds. */
export function memorySize(eps: number): number {
  return Math.ceil(1 / eps) + SPARE;
}
