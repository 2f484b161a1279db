import type { ResampleSettings } from '../contract/pipeline.js';
import type { Slice } from '../contract/slice.js';
import { nanosFromMs } from '../contract/time.js';
import { ColumnReader, writeColumns } from './column-bytes.js';
import { GrowingRows } from './growing-rows.js';
import { bucketStart, floorTo } from './row-buckets.js';

/** Rows on a grid of time. */
export interface GridRows {
  /** Starts of buckets, nanoseconds, strictly ascending, n rows. */
  readonly times: BigInt64Array;
  /** n rows x columns, row-major; NaN where a bucket has no value of the column. */
  readonly values: Float64Array;
  /** n rows, 1 where the row fills a gap. */
  readonly filled: Uint8Array;
}

const MAGIC = 0x53525348; // 'HSRS' read as bytes
const VERSION = 1;
/** Stands for "none" where a time is written: no bucket begins there. */
const NO_TIME = -(2n ** 63n);

/**
 * One machine's rows as they come in, on a grid: a bucket is a row at its start, given out once a row of a later bucket has
 * come; one without any value is no row. Filled rows come with the row that ends their gap, so what is made of them looks
 * no further ahead than that row does. The rows alone decide: cut anywhere, they give the same.
 */
export class Resampler {
  readonly #settings: ResampleSettings;
  readonly #width: bigint;
  readonly #longestGap: bigint;
  /** Start of the bucket that rows go to; null before the first row. */
  #open: bigint | null = null;
  /**
   * Of the open bucket, a column each: values, and their sum or the last of them. A sum of finite values that is too large
   * to hold makes the number negative; the total is the mean so far then.
   */
  readonly #counts: Float64Array;
  readonly #totals: Float64Array;
  /** Start of the last bucket with a value, and its row. */
  #last: bigint | null = null;
  readonly #lastValues: Float64Array;

  constructor(settings: ResampleSettings, columns: number) {
    this.#settings = settings;
    this.#width = nanosFromMs(settings.every);
    this.#longestGap = nanosFromMs(settings.limit) / this.#width;
    this.#counts = new Float64Array(columns);
    this.#totals = new Float64Array(columns);
    this.#lastValues = new Float64Array(columns);
  }

  /** The resampler that `toBytes` was called on. @throws HalfspaceError `CorruptSnapshot` for bytes of anything else. */
  static fromBytes(settings: ResampleSettings, columns: number, bytes: Uint8Array): Resampler {
    const resampler = new Resampler(settings, columns);
    const reader = new ColumnReader(bytes, MAGIC, VERSION, 'a resampler');
    if (reader.head !== columns) reader.fail(`${columns} columns`, String(reader.head));
    const [open = NO_TIME, last = NO_TIME] = reader.times(2);
    resampler.#open = open === NO_TIME ? null : open;
    resampler.#last = last === NO_TIME ? null : last;
    for (const array of resampler.#arrays()) array.set(reader.doubles(columns));
    reader.end();
    return resampler;
  }

  /** Rows from here on are still to come, and those of a gap that ends here, nanoseconds; null before the first row. */
  get openSince(): bigint | null {
    return this.#open;
  }

  /**
   * Takes the next rows and gives those that they complete.
   * @param isEnd true when no rows follow: the bucket that is open is complete.
   */
  take({ rows, times, values }: Slice, isEnd: boolean): GridRows {
    const columns = this.#counts.length;
    const grid = new GrowingRows(columns);
    const filled: number[] = [];
    let end = this.#open === null ? null : floorTo(this.#open, this.#width) + this.#width;
    for (let row = 0; row < rows; row++) {
      const time = times[row] ?? 0n;
      if (end === null || time >= end) {
        this.#close(grid, filled);
        this.#open = bucketStart(time, this.#width);
        end = floorTo(time, this.#width) + this.#width;
      }
      for (let column = 0; column < columns; column++) this.#add(column, values[row * columns + column] ?? Number.NaN);
    }
    if (isEnd) this.#close(grid, filled);
    return { times: grid.times(), values: grid.values(), filled: Uint8Array.from(filled) };
  }

  /** The whole state; the same bytes for the same state. */
  toBytes(): Uint8Array {
    const times = BigInt64Array.of(this.#open ?? NO_TIME, this.#last ?? NO_TIME);
    return writeColumns(MAGIC, VERSION, this.#counts.length, [times, ...this.#arrays()]);
  }

  #arrays(): Float64Array[] {
    return [this.#counts, this.#totals, this.#lastValues];
  }

  #add(column: number, value: number): void {
    if (Number.isNaN(value)) return;
    const count = this.#settings.how === 'mean' ? (this.#counts[column] ?? 0) : 0;
    const total = count === 0 ? 0 : (this.#totals[column] ?? 0);
    const isHeld = Number.isFinite(total + value) || !Number.isFinite(total) || !Number.isFinite(value);
    if (count >= 0 && isHeld) {
      this.#totals[column] = total + value;
      this.#counts[column] = count + 1;
      return;
    }
    const values = Math.abs(count) + 1;
    const mean = count > 0 ? total / count : total;
    // Each divided by itself: the difference of two huge values may be none.
    const step = value / values - mean / values;
    this.#totals[column] = Number.isFinite(step) ? mean + step : mean + value;
    this.#counts[column] = -values;
  }

  /** Gives the open bucket's row, after those of the gap before it. */
  #close(grid: GrowingRows, filled: number[]): void {
    const start = this.#open;
    if (start === null || this.#counts.every((count) => count === 0)) return;
    const row = this.#totals.map((total, column) => {
      const count = this.#counts[column] ?? 0;
      return count < 0 ? total : total / count; // 0/0: no value
    });
    this.#counts.fill(0);
    this.#totals.fill(0);
    if (this.#last !== null) this.#fillGap(this.#last, start, row, grid, filled);
    append(grid, start, row);
    filled.push(0);
    this.#last = start;
    this.#lastValues.set(row);
  }

  #fillGap(last: bigint, after: bigint, row: Float64Array, grid: GrowingRows, filled: number[]): void {
    const { fill } = this.#settings;
    const before = floorTo(last, this.#width);
    const steps = (after - before) / this.#width;
    if (fill === 'none' || steps - 1n > this.#longestGap) return;
    const whole = Number(steps);
    for (let step = 1; step < whole; step++) {
      const between = this.#lastValues.map((left, column) => {
        const share = step / whole;
        return fill === 'previous' ? left : left * (1 - share) + (row[column] ?? Number.NaN) * share;
      });
      append(grid, before + BigInt(step) * this.#width, between);
      filled.push(1);
    }
  }
}

function append(grid: GrowingRows, time: bigint, row: Float64Array): void {
  const at = grid.append(time);
  row.forEach((value, column) => {
    grid.set(at + column, value);
  });
}
