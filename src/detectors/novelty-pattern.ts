import type { ByteReader, ByteWriter } from './byte-codec.js';
import { Ring, readCount, readFinite } from './novelty-ring.js';

const LENGTH = 8; // blocks of a shape
const PROTOTYPES = 256;
const WARM_BLOCKS = 16; // so many blocks must have been seen before a shape can be new
const DEAD_SHARE = 1 / 2; // of the scale: a block nearer to the mean counts as the mean
const NEW_SHARE = 1 / 16; // of the scale: a shape farther from all others is stored
const TOLERANCE = 1 / 8;
const CLIP = 8;

/** Range, mean and spread of a series so far. */
export interface Moments {
  readonly smallest: number;
  readonly largest: number;
  readonly mean: number;
  /** Population variance. */
  readonly variance: number;
}

/**
 * How new the shape of the last eight blocks of a series is, among a bounded number of shapes seen before. A block is as
 * many rows as `blockRows` and stands for its row farthest from the mean.
 */
export class Pattern {
  readonly #blockRows: number;
  readonly #blocks = new Ring(LENGTH);
  #filled = 0;
  /** The row of the block being filled that is farthest from the mean, and how far. */
  #farthest = 0;
  #distance = -1;
  /** Blocks seen. */
  #seen = 0;
  readonly #shape = new Float64Array(LENGTH);
  readonly #shapes = new Float64Array(PROTOTYPES * LENGTH);
  /** Smallest distance to any other shape that was there, and the block of last use, a stored shape each. */
  readonly #gaps = new Float64Array(PROTOTYPES).fill(Number.POSITIVE_INFINITY);
  readonly #used = new Float64Array(PROTOTYPES);
  #stored = 0;

  constructor(blockRows: number) {
    this.#blockRows = blockRows;
  }

  /** 0..8; 0 at rows that do not end a block. `moments` include the row. */
  take(value: number, moments: Moments, learns: boolean): number {
    const off = Math.abs(value - moments.mean);
    if (off > this.#distance) {
      this.#farthest = value;
      this.#distance = off;
    }
    if (++this.#filled < this.#blockRows) return 0;
    this.#blocks.push(this.#farthest);
    this.#seen++;
    this.#filled = 0;
    this.#distance = -1;
    if (this.#blocks.count < LENGTH || !(moments.largest > moments.smallest)) return 0;

    const scale = Math.sqrt((moments.largest - moments.smallest) * Math.sqrt(moments.variance));
    this.#takeShape(moments.mean, scale * DEAD_SHARE);
    const near = this.#nearest();
    const distance = near < 0 ? Number.POSITIVE_INFINITY : Math.sqrt(this.#squaredDistance(near));
    const isKnown = this.#stored < 2 || this.#seen <= WARM_BLOCKS || distance === 0;
    const novelty = isKnown ? 0 : Math.min(distance / (scale * TOLERANCE + this.#gaps[near]!), CLIP);
    if (learns && distance > scale * NEW_SHARE) this.#store();
    else if (learns && near >= 0) this.#used[near] = this.#seen;
    return novelty;
  }

  write(writer: ByteWriter): void {
    writer.varint(this.#filled);
    writer.f64(this.#farthest);
    writer.f64(this.#distance);
    writer.f64(this.#seen);
    this.#blocks.write(writer);
    writer.varint(this.#stored);
    for (let i = 0; i < this.#stored * LENGTH; i++) writer.f64(this.#shapes[i]!);
    for (let i = 0; i < this.#stored; i++) {
      writer.f64(this.#gaps[i]!);
      writer.f64(this.#used[i]!);
    }
  }

  read(reader: ByteReader): void {
    this.#filled = reader.varint();
    if (this.#filled >= this.#blockRows) {
      throw reader.corrupt(`Expected a block of less than ${this.#blockRows} rows, got \`${this.#filled}\``);
    }
    this.#farthest = readFinite(reader);
    this.#distance = readFinite(reader);
    this.#seen = readCount(reader);
    this.#blocks.read(reader);
    this.#stored = reader.varint();
    if (this.#stored > PROTOTYPES)
      throw reader.corrupt(`Expected at most ${PROTOTYPES} shapes, got \`${this.#stored}\``);
    for (let i = 0; i < this.#stored * LENGTH; i++) this.#shapes[i] = readFinite(reader);
    for (let i = 0; i < this.#stored; i++) {
      const gap = reader.f64();
      // The only shape has no other; and what no longer lies beside a shape may have lain at no distance.
      if (!(gap >= 0)) throw reader.corrupt(`Expected a distance, got \`${gap}\``);
      this.#gaps[i] = gap;
      this.#used[i] = readCount(reader);
    }
  }

  /** The blocks' distances from the mean, those within `dead` made zero and the others shortened by it. */
  #takeShape(mean: number, dead: number): void {
    for (let i = 0; i < LENGTH; i++) {
      const off = this.#blocks.last(LENGTH - 1 - i) - mean;
      this.#shape[i] = Math.sign(off) * Math.max(Math.abs(off) - dead, 0);
    }
  }

  /** The stored shape nearest to the one taken, the first of several; -1 when there is none. */
  #nearest(): number {
    const shape = this.#shape;
    const shapes = this.#shapes;
    let near = -1;
    let least = Number.POSITIVE_INFINITY;
    for (let i = 0; i < this.#stored; i++) {
      const first = i * LENGTH;
      let sum = 0;
      // What is already farther need not be added up to its end.
      for (let j = 0; j < LENGTH && sum < least; j++) sum += (shape[j]! - shapes[first + j]!) ** 2;
      if (sum >= least) continue;
      least = sum;
      near = i;
    }
    return near;
  }

  #squaredDistance(stored: number): number {
    const first = stored * LENGTH;
    let sum = 0;
    for (let j = 0; j < LENGTH; j++) sum += (this.#shape[j]! - this.#shapes[first + j]!) ** 2;
    return sum;
  }

  /** In a free place, else in that of the shape whose last use is longest ago. */
  #store(): void {
    let place = this.#stored;
    if (place < PROTOTYPES) this.#stored++;
    else {
      place = 0;
      for (let i = 1; i < PROTOTYPES; i++) if (this.#used[i]! < this.#used[place]!) place = i;
    }
    let gap = Number.POSITIVE_INFINITY;
    for (let i = 0; i < this.#stored; i++) {
      if (i === place) continue;
      const distance = Math.sqrt(this.#squaredDistance(i));
      gap = Math.min(gap, distance);
      this.#gaps[i] = Math.min(this.#gaps[i]!, distance);
    }
    this.#shapes.set(this.#shape, place * LENGTH);
    this.#gaps[place] = gap;
    this.#used[place] = this.#seen;
  }
}

/** Bytes of the shapes of one {@link Pattern}. */
export const PATTERN_BYTES = PROTOTYPES * (LENGTH + 2) * 8;
