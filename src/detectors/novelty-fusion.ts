import type { ByteReader, ByteWriter } from './byte-codec.js';
import { Ring, readFinite } from './novelty-ring.js';

const REST_ROWS = 75; // only what exceeds so many rows before it is said
const TAU_ROWS = 2000; // time in which past events are forgotten
const TIREDNESS = 0.2; // what an event leaves behind, as a share of its strength
const EVENT_CAP = 5; // an event is at most this strong

/**
 * Makes events of a row's surprise: what happens often tires, and what goes on is said once. Events tire, not rows: a long
 * anomaly no more than a short one of the same strength.
 */
export class Habituation {
  readonly #said = new Ring(REST_ROWS);
  readonly #surprises = new Ring(REST_ROWS);
  #tiredness = 0;

  /** What is left of `surprise`, both at least 0; 0 unless it exceeds that of all of the last 75 rows. */
  take(surprise: number): number {
    const left = surprise / (1 + this.#tiredness);
    const isHighest = left > 0 && left > this.#said.largest();
    const peak = Math.max(0, this.#surprises.largest());
    this.#tiredness -= this.#tiredness / TAU_ROWS;
    if (surprise > peak) {
      this.#tiredness += TIREDNESS * (Math.min(surprise, EVENT_CAP) - Math.min(peak, EVENT_CAP));
    }
    this.#said.push(left);
    this.#surprises.push(surprise);
    return isHighest ? left : 0;
  }

  write(writer: ByteWriter): void {
    writer.f64(this.#tiredness);
    this.#said.write(writer);
    this.#surprises.write(writer);
  }

  read(reader: ByteReader): void {
    this.#tiredness = readFinite(reader);
    this.#said.read(reader);
    this.#surprises.read(reader);
  }
}

/** Bytes of what a {@link Habituation} remembers. */
export const HABITUATION_BYTES = 2 * REST_ROWS * 8;
