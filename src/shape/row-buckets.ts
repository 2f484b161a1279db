import type { Slice } from '../contract/slice.js';
import { MISSING_TIME } from '../contract/table.js';

/** The smallest value of all stands for "no time". */
const FIRST_ROW_TIME = MISSING_TIME + 1n;

/** One stretch of time of a machine's rows, made comparable: equal rows give equal buckets, whatever order they came in. */
export interface RowBucket {
  /** Nanoseconds since the epoch, a multiple of the width. */
  readonly start: bigint;
  /** At least 1: a stretch without rows has no bucket. */
  readonly rows: number;
  /** 64 bits over the rows' times and values, each 0..2^32-1. */
  readonly high: number;
  readonly low: number;
}

/** Two values in which buckets of one stretch differ. */
export interface BucketDifference {
  /** Start of the first bucket that differs, nanoseconds. */
  readonly first: bigint;
  /** Rows more than before, at least one a bucket (where values alone changed). */
  readonly rows: number;
}

/**
 * The buckets of a slice's rows with from <= time < until, ascending.
 * @param width nanoseconds; buckets are aligned to the epoch.
 */
export function bucketsOf(
  { rows, times, values }: Slice,
  { from, until, width }: { readonly from: bigint; readonly until: bigint; readonly width: bigint },
): RowBucket[] {
  const buckets: RowBucket[] = [];
  const end = rowAt(times, until);
  // The platform's own order of bytes: column-bytes.ts refuses big-endian ones.
  const timeWords = new Uint32Array(times.buffer, times.byteOffset, times.length * 2);
  const valueWords = new Uint32Array(values.buffer, values.byteOffset, values.length * 2);
  const features = rows === 0 ? 0 : values.length / rows;
  for (let row = rowAt(times, from); row < end; ) {
    const start = floorTo(times[row] ?? 0n, width);
    const next = Math.min(rowAt(times, start + width), end);
    const hash = new RowHash();
    for (let at = row; at < next; at++) {
      hash.add(timeWords[at * 2] ?? 0);
      hash.add(timeWords[at * 2 + 1] ?? 0);
      for (let value = at * features; value < (at + 1) * features; value++) {
        // NaN has many bit patterns and one meaning.
        const isMissing = Number.isNaN(values[value]);
        hash.add(isMissing ? MISSING : (valueWords[value * 2] ?? 0));
        hash.add(isMissing ? MISSING : (valueWords[value * 2 + 1] ?? 0));
      }
    }
    buckets.push({ start, rows: next - row, ...hash.finish() });
    row = next;
  }
  return buckets;
}

/** Null when both hold the same; only buckets that start at or after `from` count. */
export function differenceOf(
  before: readonly RowBucket[],
  now: readonly RowBucket[],
  from: bigint,
): BucketDifference | null {
  const known = new Map(before.filter(({ start }) => start >= from).map((bucket) => [bucket.start, bucket]));
  const changed: { start: bigint; rows: number }[] = [];
  for (const { start, rows, high, low } of now) {
    if (start < from) continue;
    const old = known.get(start);
    known.delete(start);
    if (old?.rows === rows && old.high === high && old.low === low) continue;
    changed.push({ start, rows: Math.max(rows - (old?.rows ?? 0), 1) });
  }
  for (const { start } of known.values()) changed.push({ start, rows: 1 }); // rows that are gone
  if (changed.length === 0) return null;
  return {
    first: changed.reduce((least, { start }) => (start < least ? start : least), changed[0]?.start ?? 0n),
    rows: changed.reduce((sum, { rows }) => sum + rows, 0),
  };
}

/** The largest multiple of `width` that is not above `time`, also before 1970. */
export function floorTo(time: bigint, width: bigint): bigint {
  const rest = time % width;
  return rest < 0n ? time - rest - width : time - rest;
}

/** Where the bucket of a time begins: as {@link floorTo}, but at the first time that 64 bits hold at the earliest. */
export function bucketStart(time: bigint, width: bigint): bigint {
  const start = floorTo(time, width);
  return start < FIRST_ROW_TIME ? FIRST_ROW_TIME : start;
}

/** The first row at or after `time`; the number of rows when there is none. */
export function rowAt(times: BigInt64Array, time: bigint): number {
  let low = 0;
  let high = times.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((times[middle] ?? 0n) < time) low = middle + 1;
    else high = middle;
  }
  return low;
}

const MISSING = 0x7ff80001;

/**
 * 64 bits over 32-bit words: two lanes, each a chain of invertible steps (xor, multiply by an odd number, fold the high bits
 * down), so that a single changed word always shows. For accidents, not against an adversary.
 */
class RowHash {
  #high = 0x9e3779b9; // 2^32 / golden ratio
  #low = 0x243f6a88; // first bits of pi

  add(word: number): void {
    const high = Math.imul(this.#high ^ word, 0x85ebca6b); // odd constants of MurmurHash3's last steps
    this.#high = high ^ (high >>> 13);
    const low = Math.imul(this.#low ^ word, 0xc2b2ae35);
    this.#low = (low ^ (low >>> 16)) + Math.imul(this.#high, 5);
  }

  finish(): { high: number; low: number } {
    this.add(0);
    this.add(0);
    return { high: this.#high >>> 0, low: this.#low >>> 0 };
  }
}
