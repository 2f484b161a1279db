import type { ByteReader, ByteWriter } from './byte-codec.js';
import type { Moments } from './novelty-pattern.js';
import { readCount, readFinite } from './novelty-ring.js';

/** {@link Moments} of the rows learned (Welford, "Note on a method for calculating corrected sums of squares", 1962). */
export class RunningMoments implements Moments {
  smallest = 0;
  largest = 0;
  mean = 0;
  #rows = 0;
  #squares = 0;

  get variance(): number {
    return this.#rows === 0 ? 0 : this.#squares / this.#rows;
  }

  learn(value: number): void {
    this.smallest = this.#rows === 0 ? value : Math.min(this.smallest, value);
    this.largest = this.#rows === 0 ? value : Math.max(this.largest, value);
    const off = value - this.mean;
    this.mean += off / ++this.#rows;
    this.#squares += off * (value - this.mean);
  }

  write(writer: ByteWriter): void {
    writer.f64(this.#rows);
    for (const number of [this.smallest, this.largest, this.mean, this.#squares]) writer.f64(number);
  }

  read(reader: ByteReader): void {
    this.#rows = readCount(reader);
    this.smallest = readFinite(reader);
    this.largest = readFinite(reader);
    this.mean = readFinite(reader);
    this.#squares = readFinite(reader);
  }
}
