import type { SourceSettings } from '../contract/pipeline.js';
import { MISSING_TIME, type Table } from '../contract/table.js';
import { readColumns } from './group.js';
import { IdTuples, NO_ID } from './id-codes.js';
import { floorTo } from './row-buckets.js';

/** What one machine's rows of one bucket come to. */
export interface BucketTotal {
  /** The machine's number: 0, 1, 2, ... in the order of first rows. */
  readonly machine: number;
  /** Exact values of the id columns. */
  readonly ids: readonly string[];
  /** Beginning of the bucket, nanoseconds since the epoch. */
  readonly start: bigint;
  /** Rows, those without any value included. */
  readonly rows: number;
  /** One a value column. */
  readonly values: readonly ValueTotal[];
}

/** Over the finite values alone; all but `count` are NaN where there is none. */
export interface ValueTotal {
  readonly mean: number;
  readonly min: number;
  readonly max: number;
  readonly count: number;
}

/**
 * Sums up rows that arrive in any order, a machine and bucket at a time, within from <= time < to. Buckets begin at multiples
 * of their length since the epoch. Every row counts, those
 * with a time in common too; rows without an id or a time are left out. Holds 8 bytes a machine and bucket that was not
 * taken yet, and 32 for each value column.
 */
export class BucketTotals {
  readonly #source: SourceSettings;
  readonly #every: bigint;
  readonly #ids: IdTuples;
  readonly #buckets = new Map<bigint, Bucket>();
  #newest = MISSING_TIME;

  constructor(source: SourceSettings, everyNanos: bigint) {
    this.#source = source;
    this.#every = everyNanos;
    this.#ids = new IdTuples(source.id.length);
  }

  /** Beginning of the latest bucket so far; `MISSING_TIME` before the first. */
  get newest(): bigint {
    return this.#newest;
  }

  /** Exact values of the id columns of every machine so far, by its number. */
  get tuples(): readonly (readonly string[])[] {
    return this.#ids.tuples;
  }

  /**
   * Adds the table's rows with from <= time < to.
   * @throws HalfspaceError `BadSchema` naming a column that is missing or cannot be used.
   */
  add(table: Table, from: bigint, to: bigint): void {
    const { ids, times, values } = readColumns(table, this.#source);
    const machines = this.#ids.number(ids, table.rows);
    let bucket: Bucket | undefined;
    let [start, end] = [to, to];
    for (let row = 0; row < table.rows; row++) {
      const machine = machines[row] ?? NO_ID;
      const time = times[row] ?? MISSING_TIME;
      if (machine === NO_ID || time === MISSING_TIME || time < from || time >= to) continue;
      if (bucket === undefined || time < start || time >= end) {
        start = floorTo(time, this.#every);
        end = start + this.#every;
        bucket = this.#bucketAt(start);
      }
      const at = bucket.addRow(machine);
      for (let value = 0; value < values.length; value++) {
        bucket.addValue(at + value, values[value]?.[row] ?? Number.NaN);
      }
    }
  }

  /** The buckets that begin before `time`, by their beginning and then by machine; they are forgotten. */
  *takeBefore(time: bigint): Generator<BucketTotal, void, void> {
    const starts = [...this.#buckets.keys()].filter((start) => start < time);
    for (const start of starts.sort((a, b) => (a < b ? -1 : 1))) {
      const bucket = this.#buckets.get(start);
      this.#buckets.delete(start);
      for (const [machine, ids] of this.#ids.tuples.entries()) {
        const rows = bucket?.rowsOf(machine) ?? 0;
        if (bucket !== undefined && rows > 0) yield { machine, ids, start, rows, values: bucket.totalsOf(machine) };
      }
    }
  }

  #bucketAt(start: bigint): Bucket {
    const known = this.#buckets.get(start);
    if (known !== undefined) return known;
    const bucket = new Bucket(this.#source.values.length);
    this.#buckets.set(start, bucket);
    if (start > this.#newest) this.#newest = start;
    return bucket;
  }
}

const FIRST_MACHINES = 16;
/** Sums are kept in this unit, which a double does exactly: those of huge values would have no end. */
const SUM_UNIT = 2 ** 40;

/** All machines of one bucket: machines x values, row-major, in arrays that double when full. */
class Bucket {
  readonly #features: number;
  #rows = new Float64Array(FIRST_MACHINES);
  #counts: Float64Array<ArrayBuffer>;
  #sums: Float64Array<ArrayBuffer>;
  #mins: Float64Array<ArrayBuffer>;
  #maxs: Float64Array<ArrayBuffer>;

  constructor(features: number) {
    this.#features = features;
    const cells = FIRST_MACHINES * features;
    this.#counts = new Float64Array(cells);
    this.#sums = new Float64Array(cells);
    this.#mins = new Float64Array(cells);
    this.#maxs = new Float64Array(cells);
  }

  /** Counts a row; returns where its first value goes. */
  addRow(machine: number): number {
    if (machine >= this.#rows.length) this.#grow(machine + 1);
    this.#rows[machine] = (this.#rows[machine] ?? 0) + 1;
    return machine * this.#features;
  }

  addValue(at: number, value: number): void {
    if (!Number.isFinite(value)) return;
    const count = this.#counts[at] ?? 0;
    if (count === 0 || value < (this.#mins[at] ?? 0)) this.#mins[at] = value;
    if (count === 0 || value > (this.#maxs[at] ?? 0)) this.#maxs[at] = value;
    this.#sums[at] = (this.#sums[at] ?? 0) + value / SUM_UNIT;
    this.#counts[at] = count + 1;
  }

  rowsOf(machine: number): number {
    return this.#rows[machine] ?? 0;
  }

  totalsOf(machine: number): ValueTotal[] {
    return Array.from({ length: this.#features }, (_, value) => {
      const at = machine * this.#features + value;
      const count = this.#counts[at] ?? 0;
      if (count === 0) return { mean: Number.NaN, min: Number.NaN, max: Number.NaN, count };
      const [min, max] = [this.#mins[at] ?? Number.NaN, this.#maxs[at] ?? Number.NaN];
      const mean = ((this.#sums[at] ?? 0) / count) * SUM_UNIT;
      // Rounding must not put it outside, least of all beyond the largest double.
      return { mean: Math.min(Math.max(mean, min), max), min, max, count };
    });
  }

  #grow(machines: number): void {
    let size = this.#rows.length;
    while (size < machines) size *= 2;
    this.#rows = grown(this.#rows, size);
    this.#counts = grown(this.#counts, size * this.#features);
    this.#sums = grown(this.#sums, size * this.#features);
    this.#mins = grown(this.#mins, size * this.#features);
    this.#maxs = grown(this.#maxs, size * this.#features);
  }
}

function grown(array: Float64Array<ArrayBuffer>, length: number): Float64Array<ArrayBuffer> {
  const larger = new Float64Array(length);
  larger.set(array);
  return larger;
}
