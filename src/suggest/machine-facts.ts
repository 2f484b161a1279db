import type { Slice } from '../contract/slice.js';
import { msFromNanos } from '../contract/time.js';
import { findSeason, type Season } from './season.js';
import { correlation, medianOf, noiseOf, quantile } from './statistics.js';

/** What a machine's history looks like. */
export interface MachineFacts {
  readonly uniqueId: string;
  readonly rows: number;
  /** Median time between two rows; null for a single row. */
  readonly stepMs: number | null;
  /** Stretches without rows longer than five median steps, and the longest time between two rows. */
  readonly gaps: number;
  readonly longestGapMs: number;
  readonly columns: readonly ColumnFacts[];
  /** Of columns that move: how closely each goes with the one it goes with best, the mean of it, 0..1; null with fewer than two. */
  readonly relation: number | null;
}

export interface ColumnFacts {
  readonly name: string;
  /** Rows with a value. */
  readonly values: number;
  /** Null without any value. */
  readonly range: readonly [number, number] | null;
  /** One value in a hundred lies below, one above; null without any value. */
  readonly typical: readonly [number, number] | null;
  /** Standard deviation of the noise, seen from row to row. */
  readonly noise: number;
  /** Share of the values that equal the one before, 0..1. */
  readonly repeats: number;
  /** Longest time that one value was held. */
  readonly longestFlatMs: number;
  readonly season: Season | null;
}

/** A stretch without rows longer than this many median steps is a gap. */
const GAP_STEPS = 5;

/** @param slice at least one row. @param names of its value columns. */
export function factsOf(slice: Slice, names: readonly string[]): MachineFacts {
  const timesMs = Float64Array.from(slice.times, msFromNanos);
  const steps = Float64Array.from(
    { length: timesMs.length - 1 },
    (_, i) => Number(timesMs[i + 1]) - Number(timesMs[i]),
  );
  const stepMs = steps.length === 0 ? null : medianOf(steps);
  const series = names.map((_, column) =>
    Float64Array.from({ length: slice.rows }, (_, row) => slice.values[row * names.length + column] ?? Number.NaN),
  );
  return {
    uniqueId: slice.uniqueId,
    rows: slice.rows,
    stepMs,
    gaps: stepMs === null ? 0 : steps.filter((step) => step > GAP_STEPS * stepMs).length,
    longestGapMs: steps.reduce((most, step) => Math.max(most, step), 0),
    columns: names.map((name, i) => columnFacts(name, timesMs, series[i] ?? new Float64Array())),
    relation: relationOf(series),
  };
}

function columnFacts(name: string, timesMs: Float64Array, all: Float64Array): ColumnFacts {
  const places = Array.from(all.keys()).filter((row) => Number.isFinite(all[row]));
  const times = Float64Array.from(places, (row) => timesMs[row] ?? 0);
  const values = Float64Array.from(places, (row) => all[row] ?? 0);
  const sorted = values.slice().sort();
  const isEmpty = values.length === 0;
  return {
    name,
    values: values.length,
    range: isEmpty ? null : [sorted[0] ?? 0, sorted.at(-1) ?? 0],
    typical: isEmpty ? null : [quantile(sorted, 0.01), quantile(sorted, 0.99)],
    noise: noiseOf(values),
    ...flatness(times, values),
    season: isEmpty ? null : findSeason(times, values),
  };
}

function flatness(timesMs: Float64Array, values: Float64Array): Pick<ColumnFacts, 'repeats' | 'longestFlatMs'> {
  let [repeated, longest, since] = [0, 0, 0];
  for (let i = 1; i < values.length; i++) {
    if (values[i] === values[i - 1]) repeated++;
    else since = i;
    longest = Math.max(longest, Number(timesMs[i]) - Number(timesMs[since]));
  }
  return { repeats: values.length < 2 ? 0 : repeated / (values.length - 1), longestFlatMs: longest };
}

function relationOf(series: readonly Float64Array[]): number | null {
  const best = series.flatMap((one, i) => {
    const others = series.flatMap((other, j) => (i === j ? [] : [correlation(one, other)]));
    const known = others.filter((found) => found !== null).map(Math.abs);
    return known.length === 0 ? [] : [Math.max(...known)];
  });
  return best.length < 2 ? null : best.reduce((sum, found) => sum + found, 0) / best.length;
}
