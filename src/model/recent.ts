import type { Slice } from '../contract/slice.js';
import { type LateClock, recentStart, zoneStart } from '../shape/late-zone.js';
import { type BucketDifference, bucketsOf, differenceOf, floorTo, type RowBucket } from '../shape/row-buckets.js';
import type { Model } from './model.js';

/** The rows just before a model's watermark, in buckets: what late rows are found by, whatever arrives in which order. */
export interface Recent {
  /** Nanoseconds; buckets of another width say nothing. */
  readonly width: bigint;
  /**
   * Nanoseconds: rows before this are not the model's, learned or not, so none of them comes late. It began here as a new
   * model, or went on from here as a copy of an old one. Null: it knows of all rows before its watermark.
   */
  readonly since: bigint | null;
  /** Ascending. */
  readonly buckets: readonly RowBucket[];
}

/** A slice and from where on it holds every row of its machine, nanoseconds. */
export interface CoveredSlice {
  readonly slice: Slice;
  readonly covered: bigint;
}

/**
 * In what the rows before the model's watermark differ from those it knows, looking back `late.within`; null when they are
 * the same or nothing is known of them.
 * @param at where the machine's own window begins.
 */
export function findLateRows(model: Model, whole: CoveredSlice, clock: LateClock, at: bigint): BucketDifference | null {
  const { recent, watermark } = model;
  if (watermark === null || recent?.width !== clock.width) return null;
  const zone = zoneStart(clock, at > watermark ? at : watermark);
  return differenceFrom(latest(zone, recentStart(clock, watermark)), recent, watermark, whole);
}

/** True when the slice holds the rows that the model knows, from the stretch with `from` (nanoseconds) up to its watermark. */
export function knowsAll(model: Model, whole: CoveredSlice, clock: LateClock, from: bigint): boolean {
  const { recent, watermark } = model;
  const start = floorTo(from, clock.width);
  if (watermark === null || recent?.width !== clock.width || start < recentStart(clock, watermark)) return false;
  return differenceFrom(start, recent, watermark, whole) === null;
}

function differenceFrom(
  least: bigint,
  recent: Recent,
  watermark: bigint,
  { slice, covered }: CoveredSlice,
): BucketDifference | null {
  const { width, since } = recent;
  const begin = ownStart(recent, covered);
  const from = latest(least, floorTo(begin, width));
  const now = bucketsOf(slice, { from: latest(from, begin), until: watermark, width });
  const found = differenceOf(recent.buckets, now, from);
  return found === null ? null : { ...found, first: latest(found.first, since ?? found.first) };
}

/**
 * The buckets of a model that stands at its watermark: those of the slice, and of `before` where the slice does not reach.
 * They follow from the rows alone.
 */
export function observeRecent(
  before: Recent | null,
  watermark: bigint | null,
  { slice, covered }: CoveredSlice,
  clock: LateClock,
): Recent {
  const { width } = clock;
  const since = before?.since ?? null;
  if (watermark === null) return { width, since, buckets: [] };
  const start = recentStart(clock, watermark);
  const begin = ownStart(before, covered);
  const seen = floorTo(begin, width);
  const kept =
    before?.width === width ? before.buckets.filter((bucket) => bucket.start >= start && bucket.start < seen) : [];
  const found = bucketsOf(slice, { from: latest(start, begin), until: watermark, width });
  return { width, since, buckets: [...kept, ...found] };
}

/**
 * True when learning the slice from `older` on gives what `newer` is but for late rows: every row that `newer` has learned
 * since lies in the slice. @param older null: a new model.
 */
export function reachesBack(newer: Model, older: Model | null, covered: bigint, clock: LateClock): boolean {
  const { width } = clock;
  if (newer.watermark === null || newer.recent?.width !== width) return false;
  if (older !== null && older.recent?.width !== width) return false;
  const atHand = latest(floorTo(ownStart(newer.recent, covered), width), recentStart(clock, newer.watermark));
  // What `newer` has learned since is not before `older` ends; rows there that it knows and did not learn came too late.
  const from = latest(atHand, floorTo(older?.watermark ?? atHand, width));
  const learnedSince = newer.rows - (older?.rows ?? 0);
  return rowsFrom(newer.recent, from) - rowsFrom(older?.recent ?? null, from) === learnedSince;
}

/** Where the rows begin that are at hand and the model's own. */
function ownStart(recent: Recent | null, covered: bigint): bigint {
  return latest(covered, recent?.since ?? covered);
}

function rowsFrom(recent: Recent | null, from: bigint): number {
  return (recent?.buckets ?? []).reduce((sum, { start, rows }) => sum + (start >= from ? rows : 0), 0);
}

function latest(first: bigint, ...others: bigint[]): bigint {
  return others.reduce((most, time) => (time > most ? time : most), first);
}
