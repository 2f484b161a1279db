import { correlation } from './statistics.js';

/** A rhythm in which values repeat. */
export interface Season {
  readonly periodMs: number;
  /** How much a period is like the one before, levels aside: a correlation up to 1. */
  readonly strength: number;
}

const HOUR_MS = 3_600_000;
/** Rhythms that people and plants have: an hour, a shift, a day, a week. */
const PERIODS_MS = [HOUR_MS, 8 * HOUR_MS, 24 * HOUR_MS, 7 * 24 * HOUR_MS];
const CELLS = 24;
/** Fewer periods than this say nothing of a rhythm. */
const LEAST_PERIODS = 3;
const LEAST_STRENGTH = 0.5;
/** Half a period apart values must be this much less alike, else they only change slowly or repeat in less than a period. */
const LEAST_CONTRAST = 0.3;

/** The shortest rhythm that a series has; null: none, or too few periods to tell. @param timesMs ascending, a value each. */
export function findSeason(timesMs: Float64Array, values: Float64Array): Season | null {
  const span = Number(timesMs.at(-1)) - Number(timesMs[0]);
  for (const periodMs of PERIODS_MS) {
    if (!(span >= LEAST_PERIODS * periodMs)) return null;
    const levels = withoutLevel(cellMeans(timesMs, values, periodMs / CELLS));
    const strength = alikeAfter(levels, CELLS);
    const between = alikeAfter(levels, CELLS / 2);
    if (strength >= LEAST_STRENGTH && strength - between >= LEAST_CONTRAST) return { periodMs, strength };
  }
  return null;
}

/** Mean a stretch of `cellMs`, NaN where there is no value. */
function cellMeans(timesMs: Float64Array, values: Float64Array, cellMs: number): Float64Array {
  const first = Math.floor(Number(timesMs[0]) / cellMs);
  const cells = Math.floor(Number(timesMs.at(-1)) / cellMs) - first + 1;
  const sums = new Float64Array(cells);
  const counts = new Float64Array(cells);
  for (let i = 0; i < timesMs.length; i++) {
    const value = Number(values[i]);
    if (!Number.isFinite(value)) continue;
    const cell = Math.floor(Number(timesMs[i]) / cellMs) - first;
    sums[cell] = Number(sums[cell]) + value;
    counts[cell] = Number(counts[cell]) + 1;
  }
  return sums.map((sum, cell) => sum / Number(counts[cell]));
}

/** Each cell less the mean of the period around it, so that a slow drift is no rhythm. */
function withoutLevel(means: Float64Array): Float64Array {
  return means.map((mean, cell) => {
    const around = means
      .subarray(Math.max(cell - CELLS / 2, 0), cell + CELLS / 2)
      .filter((value) => !Number.isNaN(value));
    return mean - around.reduce((sum, value) => sum + value, 0) / around.length;
  });
}

function alikeAfter(levels: Float64Array, cells: number): number {
  return correlation(levels.subarray(0, -cells), levels.subarray(cells)) ?? 0;
}
