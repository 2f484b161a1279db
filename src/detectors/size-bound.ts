import type { ByteReader, ByteWriter } from './byte-codec.js';
import { SortedWindow } from './sorted-window.js';

/** Sizes known before anything is judged by them. */
const LEAST_SIZES = 100;

/**
 * How large a difference may be: at most Q3 + c * (Q3 - Q1) of the last `memory` ones' sizes, the bound of ADTK 0.6.2's
 * `InterQuartileRangeAD` over absolute differences. There it comes from a training series, here from the rows so far.
 */
export class SizeBound {
  readonly #c: number;
  readonly #sizes: SortedWindow;

  constructor(c: number, memory: number) {
    this.#c = c;
    this.#sizes = new SortedWindow(memory);
  }

  get sizeBytes(): number {
    return this.#sizes.sizeBytes;
  }

  /** The largest ordinary size; NaN while fewer than 100 are known, or than `memory` holds. */
  limit(): number {
    const sizes = this.#sizes;
    if (sizes.count < Math.min(LEAST_SIZES, sizes.capacity)) return Number.NaN;
    const upper = sizes.quantile(0.75);
    return upper + this.#c * (upper - sizes.quantile(0.25));
  }

  /** A size that is not finite teaches nothing. */
  learn(size: number): void {
    if (Number.isFinite(size)) this.#sizes.push(size);
  }

  write(writer: ByteWriter): void {
    this.#sizes.write(writer);
  }

  read(reader: ByteReader): void {
    this.#sizes.read(reader);
  }
}

/** Which differences count: all, those upwards, or those downwards. */
export type Side = 'both' | 'positive' | 'negative';

/**
 * The score of a difference that may be `limit` large: 0.5 at the limit, towards 1 above it, 0 on the side that does not
 * count. 0 while one of the two is not known.
 */
export function scoreOfDifference(difference: number, limit: number, side: Side): number {
  if ((side === 'positive' && difference < 0) || (side === 'negative' && difference > 0)) return 0;
  return scoreOfRatio(Math.abs(difference) / limit);
}

/** r / (1 + r): 0.5 where the two that `ratio` compares are equal, 1 where it is endless, 0 where it is not known. */
export function scoreOfRatio(ratio: number): number {
  if (Number.isNaN(ratio)) return 0;
  return ratio === Number.POSITIVE_INFINITY ? 1 : ratio / (1 + ratio);
}
