/**
 * The scoring of the Numenta Anomaly Benchmark 1.1 (Lavin and Ahmad, "Evaluating Real-time Anomaly Detection Algorithms",
 * ICMLA 2015; github.com/numenta/NAB): a detection counts once a labelled window, the more the earlier; a false alarm costs,
 * the less the closer it comes after a window; one threshold for all series, the best one.
 */

/** One series: its scores and the rows that are labelled anomalous. */
export interface LabelledScores {
  /** A row each, the higher the more anomalous; NaN: not scored, below all others. */
  readonly scores: Float64Array;
  /** First and last row of each window, ascending, not overlapping. */
  readonly windows: readonly RowWindow[];
}

export type RowWindow = readonly [first: number, last: number];

/** 100 is every window detected at its first row without a false alarm, 0 what a detector gets that says nothing. */
export interface NabScore {
  readonly standard: number;
  /** False alarms cost twice as much. */
  readonly low_fp: number;
  /** Windows missed cost twice as much. */
  readonly low_fn: number;
  /** The best threshold of `standard`: rows that score at least this are alarms; Infinity: none. */
  readonly threshold: number;
}

interface Profile {
  readonly falsePositive: number;
  readonly falseNegative: number;
}

// NAB's config/profiles.json; a true positive is worth 1 in each
const STANDARD: Profile = { falsePositive: 0.11, falseNegative: 1 };
const LOW_FP: Profile = { falsePositive: 0.22, falseNegative: 1 };
const LOW_FN: Profile = { falsePositive: 0.11, falseNegative: 2 };

const PROBATION_SHARE = 0.15; // of a series' rows, in which nothing counts
const PROBATION_ROWS = 5000; // beyond so many rows it grows no longer
const STEEPNESS = 5;
const FAR = 3; // window widths after which a false alarm costs in full

/** Every row that counts, in the order in which a falling threshold reaches it. */
interface Ranked {
  readonly scores: Float64Array;
  /** In a window what its detection here is worth, 0..1; outside what a false alarm costs, -1..0. */
  readonly worths: Float64Array;
  /** Number of the window, counted over all series; -1 outside. */
  readonly windows: Int32Array;
  /** Windows that have rows that count. */
  readonly windowCount: number;
}

/**
 * What NAB's rules give a detector's scores on these series. NaN without a window that has rows after its series'
 * probation. Throws RangeError for windows that are not ascending rows of their series.
 */
export function nabScore(series: readonly LabelledScores[]): NabScore {
  const ranked = rank(series);
  const standard = sweep(ranked, STANDARD);
  return {
    standard: standard.score,
    low_fp: sweep(ranked, LOW_FP).score,
    low_fn: sweep(ranked, LOW_FN).score,
    threshold: standard.threshold,
  };
}

/** The rows of `times` (ascending) inside `from..to`, both included; null when there are none. */
export function rowsInside(times: BigInt64Array, from: bigint, to: bigint): RowWindow | null {
  const first = times.findIndex((time) => time >= from);
  const last = times.findLastIndex((time) => time <= to);
  return first < 0 || last < first ? null : [first, last];
}

/** Goes down through all thresholds and keeps the best one, the higher of equals. */
function sweep(ranked: Ranked, profile: Profile): { score: number; threshold: number } {
  const { scores, worths, windows, windowCount } = ranked;
  const nothing = -profile.falseNegative * windowCount;
  const earned = new Float64Array(windowCount).fill(-profile.falseNegative);
  let sum = nothing;
  let best = nothing;
  let threshold = Number.POSITIVE_INFINITY;
  for (let i = 0; i < scores.length; i++) {
    const window = windows[i] ?? -1;
    const worth = worths[i] ?? 0;
    const before = earned[window];
    if (before === undefined) {
      sum += profile.falsePositive * worth;
    } else if (worth > before) {
      sum += worth - before;
      earned[window] = worth;
    }
    if (scores[i + 1] === scores[i] || sum <= best) continue;
    best = sum;
    threshold = scores[i] ?? threshold;
  }
  return { score: (100 * (best - nothing)) / (windowCount - nothing), threshold };
}

function rank(series: readonly LabelledScores[]): Ranked {
  const rows = series.reduce((sum, { scores }) => sum + scores.length - probationOf(scores.length), 0);
  const scores = new Float64Array(rows);
  const worths = new Float64Array(rows);
  const windows = new Int32Array(rows).fill(-1);
  let windowCount = 0;
  let at = 0;
  for (const { scores: all, windows: labelled } of series) {
    checkWindows(labelled, all.length);
    const probation = probationOf(all.length);
    let next = 0;
    for (let row = probation; row < all.length; row++) {
      while (row > (labelled[next]?.[1] ?? row)) next++;
      const current = labelled[next];
      const isInside = current !== undefined && row >= current[0];
      if (isInside) {
        // A window that began in probation is numbered at its first row after it.
        if (row === Math.max(current[0], probation)) windowCount++;
        windows[at] = windowCount - 1;
      }
      worths[at] = isInside ? detectionWorth(row, current) : falseAlarmWorth(row, labelled[next - 1]);
      const score = all[row] ?? Number.NaN;
      scores[at++] = Number.isNaN(score) ? Number.NEGATIVE_INFINITY : score;
    }
  }
  const order = Uint32Array.from({ length: rows }, (_, i) => i).sort((a, b) => {
    const [left = 0, right = 0] = [scores[a], scores[b]];
    return left === right ? a - b : right > left ? 1 : -1;
  });
  return {
    scores: Float64Array.from(order, (i) => scores[i] ?? 0),
    worths: Float64Array.from(order, (i) => worths[i] ?? 0),
    windows: Int32Array.from(order, (i) => windows[i] ?? -1),
    windowCount,
  };
}

function detectionWorth(row: number, [first, last]: RowWindow): number {
  return sigmoid(-(last - row + 1) / (last - first + 1)) / sigmoid(-1);
}

function falseAlarmWorth(row: number, before: RowWindow | undefined): number {
  if (before === undefined) return -1;
  const past = (row - before[1]) / (before[1] - before[0]);
  return past >= FAR ? -1 : sigmoid(past);
}

/** 0.987 at the left edge of a window (-1), 0 at its right edge (0), -0.987 a window's width after it (1). */
function sigmoid(position: number): number {
  return 2 / (1 + Math.exp(STEEPNESS * position)) - 1;
}

function probationOf(rows: number): number {
  return Math.floor(PROBATION_SHARE * Math.min(rows, PROBATION_ROWS));
}

function checkWindows(windows: readonly RowWindow[], rows: number): void {
  let previous = -1;
  for (const [first, last] of windows) {
    if (!(first > previous && first <= last && last < rows)) {
      throw new RangeError(
        `Expected ascending windows of rows below ${rows}, got ${first}..${last} after ${previous}.`,
      );
    }
    previous = last;
  }
}
