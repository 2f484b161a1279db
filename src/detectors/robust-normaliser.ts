import { ByteReader, ByteWriter } from './byte-codec.js';
import { checkRoom } from './check-room.js';
import { fingerprint, sortedColumns } from './feature-order.js';
import type { Normaliser } from './normaliser.js';
import { SortedWindow } from './sorted-window.js';

const MAGIC = 0x584e4252; // 'RBNX' read as bytes
const VERSION = 1;
/** Values of a feature that are looked at; older ones are forgotten. */
const WINDOW = 500;
/** 0 and 1 lie this many interquartile ranges below and above the median: about five deviations of a normal distribution. */
const REACH = 4;
/** Trees tell nothing further out apart. */
const LOWEST = -1;
const HIGHEST = 2;

/**
 * 0.5 + (x - median) / (8 x interquartile range) of the feature's last 500 values, each row learned and then transformed,
 * cut to -1..2. Where both quartiles are one value, that value is 0.5 and any other -1 or 2. One value far out moves neither
 * median nor range; a new level is the usual one once it holds half of the window.
 */
export class RobustNormaliser implements Normaliser {
  readonly #order: Uint16Array;
  readonly #mark: number;
  readonly #windows: readonly SortedWindow[];

  constructor(features: readonly string[]) {
    this.#order = sortedColumns(features);
    this.#mark = fingerprint(Array.from(this.#order, (column) => features[column]));
    this.#windows = features.map(() => new SortedWindow(WINDOW));
  }

  static fromBytes(features: readonly string[], bytes: Uint8Array): RobustNormaliser {
    const normaliser = new RobustNormaliser(features);
    const reader = new ByteReader(bytes, 'a robust normaliser', MAGIC);
    reader.expect('the version', reader.u32(), VERSION);
    reader.expect('the mark of features', reader.u32(), normaliser.#mark);
    for (const column of normaliser.#order) normaliser.#windows[column]!.read(reader);
    reader.end();
    return normaliser;
  }

  normalise(values: Float64Array, rows: number, out: Float64Array, learns = true): void {
    const stride = this.#windows.length;
    checkRoom(values, rows, stride, out);
    for (let row = 0, at = 0; row < rows; row++) {
      for (let f = 0; f < stride; f++, at++) {
        const value = values[at]!;
        if (Number.isNaN(value)) {
          out[at] = value;
          continue;
        }
        const window = this.#windows[f]!;
        if (learns && Number.isFinite(value)) window.push(value);
        out[at] = placeOf(value, window.quantile(0.25), window.quantile(0.5), window.quantile(0.75));
      }
    }
  }

  toBytes(): Uint8Array {
    const writer = new ByteWriter();
    writer.u32(MAGIC);
    writer.u32(VERSION);
    writer.u32(this.#mark);
    for (const column of this.#order) this.#windows[column]!.write(writer);
    return writer.finish();
  }

  get sizeBytes(): number {
    return this.#windows.reduce((sum, window) => sum + window.sizeBytes, 0);
  }
}

function placeOf(value: number, low: number, median: number, high: number): number {
  if (value === median) return 0.5;
  // Each half by itself: the range of huge values is no number.
  const place = 0.5 + (value / REACH / 2 - median / REACH / 2) / (high - low);
  if (Number.isNaN(place)) return 0.5; // infinite values, or none known
  return Math.min(Math.max(place, LOWEST), HIGHEST);
}
