import type { PlotColumn, PlotData } from './plot-data.js';

/** One point of a chart: x in milliseconds since the epoch; y is NaN where a line is to break. */
export interface PlotPoint {
  readonly x: number;
  readonly y: number;
}

/** What is left of a plot at a given resolution, each list in time order. */
export interface ReducedPlot {
  /** The highest score a pixel column and stretch. */
  readonly scores: readonly PlotPoint[];
  /** Anomalous rows at their score, at most one a pixel. */
  readonly anomalousScores: readonly PlotPoint[];
  /** In the order of the plot's. */
  readonly columns: readonly ReducedColumn[];
}

/** What is left of a value column. */
export interface ReducedColumn {
  /** First, lowest, highest and last value a pixel column and stretch. */
  readonly values: readonly PlotPoint[];
  /** As values, but joined over rows that say nothing of the column; without stretches too short to be a line. */
  readonly expected: readonly PlotPoint[];
  readonly lower: readonly PlotPoint[];
  readonly upper: readonly PlotPoint[];
  /** Anomalous rows at their value, at most one a pixel. */
  readonly anomalous: readonly PlotPoint[];
}

/** Pixels a chart has for its time range (columns) and for each of its y ranges (rows): the score's and every value's. */
export interface PixelGrid {
  readonly columns: number;
  readonly scoreRows: number;
  readonly valueRows: number;
}

/** Lowest and highest of some numbers. */
export interface Range {
  readonly low: number;
  readonly high: number;
}

/** A stretch without rows longer than this many median steps is a gap. */
const GAP_MEDIAN_STEPS = 5;
/** A break narrower than this many pixel columns cannot be seen, so none is made. */
const VISIBLE_COLUMNS = 2;
/** What is known of a column on both sides of at most this share of the plot is joined; what is unknown longer breaks the line. */
const JOINED_SHARE = 0.1;
/** A stretch shorter than this share of the plot would look like a mark. */
const LEAST_SHARE = 0.01;
/** Larger values are drawn at this height: their differences stay finite. */
const DRAWABLE_LIMIT = 1e300;
const SCORE_RANGE: Range = { low: 0, high: 1 };

/**
 * The points worth drawing on a grid of pixels. A value line has at most four points a column and stretch, a score line
 * one; at most every second column starts a new stretch. An anomalous row is left out only where another
 * anomalous row has the same pixel. Lines break where a value is missing or not finite and where rows are missing.
 */
export function reducePlot(data: PlotData, grid: PixelGrid): ReducedPlot {
  const { timesMs, scores, anomalous } = data;
  const gapMs = GAP_MEDIAN_STEPS * medianStep(timesMs);
  return {
    scores: reduceLine(timesMs, scores, { columns: grid.columns, gapMs, joinedMs: 0, keep: 'highest' }),
    anomalousScores: reduceMarks(timesMs, scores, anomalous, grid.columns, grid.scoreRows, SCORE_RANGE),
    columns: data.columns.map((column) => reduceColumn(data, column, grid, gapMs)),
  };
}

function reduceColumn(
  { timesMs, anomalous }: PlotData,
  { values, bounds }: PlotColumn,
  { columns, valueRows }: PixelGrid,
  gapMs: number,
): ReducedColumn {
  const range = drawableRange(values);
  const wholeMs = (timesMs[timesMs.length - 1] ?? 0) - (timesMs[0] ?? 0);
  const line = (ys: Float64Array, joinedMs: number) =>
    reduceLine(timesMs, ys, { columns, gapMs, joinedMs, keep: 'extremes' });
  // A row says what is expected of one column: of several, each is spoken of now and then.
  const known = (ys: Float64Array | undefined): PlotPoint[] =>
    ys === undefined ? [] : withoutShort(line(ys, JOINED_SHARE * wholeMs), LEAST_SHARE * wholeMs);
  return {
    values: line(values, 0),
    expected: known(bounds?.expected),
    lower: known(bounds?.lower),
    upper: known(bounds?.upper),
    anomalous: range === null ? [] : reduceMarks(timesMs, values, anomalous, columns, valueRows, range),
  };
}

/** Range of the finite numbers as they are drawn; null when there is none. */
export function drawableRange(values: Float64Array): Range | null {
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (const value of values) {
    if (!Number.isFinite(value)) continue;
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return low > high ? null : { low: drawable(low), high: drawable(high) };
}

/** The pixel column of a time, 0 to columns - 1, left to right. */
export function pixelColumn(timeMs: number, fromMs: number, toMs: number, columns: number): number {
  return pixelOf(timeMs, fromMs, toMs, columns);
}

/** The pixel row of a number, 0 to rows - 1, bottom up. */
export function pixelRow(y: number, range: Range, rows: number): number {
  return pixelOf(drawable(y), range.low, range.high, rows);
}

/** The stretches of a line that last so long. */
function withoutShort(points: readonly PlotPoint[], leastMs: number): PlotPoint[] {
  const kept: PlotPoint[] = [];
  for (let from = 0; from < points.length; ) {
    let to = from + 1;
    while (to < points.length && !Number.isNaN(points[to]?.y)) to++;
    // All but the first stretch begin with their break.
    const first = Number.isNaN(points[from]?.y) ? from + 1 : from;
    if (Number(points[to - 1]?.x) - Number(points[first]?.x) >= leastMs) {
      kept.push(...points.slice(kept.length === 0 ? first : from, to));
    }
    from = to;
  }
  return kept;
}

interface LineRules {
  readonly columns: number;
  /** The line breaks where no row came for longer than this, */
  readonly gapMs: number;
  /** and where there were rows, all without a number, for longer than this. */
  readonly joinedMs: number;
  readonly keep: 'highest' | 'extremes';
}

function reduceLine(
  timesMs: Float64Array,
  ys: Float64Array,
  { columns, gapMs, joinedMs, keep }: LineRules,
): PlotPoint[] {
  const rows = timesMs.length;
  const fromMs = timesMs[0] ?? 0;
  const toMs = timesMs[rows - 1] ?? 0;
  const visibleMs = (VISIBLE_COLUMNS * (toMs - fromMs)) / columns;
  const points: PlotPoint[] = [];
  const take = (row: number): void => {
    points.push({ x: timesMs[row] ?? Number.NaN, y: drawable(ys[row] ?? Number.NaN) });
  };

  // The open bucket: rows of one column and stretch; first is -1 while it is empty.
  let first = -1;
  let lowest = -1;
  let highest = -1;
  let last = -1;
  let lowestY = 0;
  let highestY = 0;
  let column = -1;
  const flush = (): void => {
    if (first < 0) return;
    if (keep === 'highest') {
      take(highest);
      return;
    }
    const [early, late] = lowest < highest ? [lowest, highest] : [highest, lowest];
    take(first);
    if (early !== first) take(early);
    if (late !== early) take(late);
    if (last !== late) take(last);
  };

  let previousMs = Number.NaN;
  let missing = false;
  let hasGap = false;
  for (let row = 0; row < rows; row++) {
    const y = ys[row] ?? Number.NaN;
    hasGap ||= Number(timesMs[row]) - Number(timesMs[row - 1]) > gapMs;
    if (!Number.isFinite(y)) {
      missing = true;
      continue;
    }
    const timeMs = timesMs[row] ?? Number.NaN;
    const stepMs = timeMs - previousMs;
    const breaks = stepMs > 0 && stepMs >= visibleMs && (hasGap || (missing && stepMs > joinedMs));
    const inColumn = pixelColumn(timeMs, fromMs, toMs, columns);
    if (breaks || inColumn !== column) {
      flush();
      if (breaks) points.push({ x: previousMs + stepMs / 2, y: Number.NaN });
      column = inColumn;
      first = row;
      lowest = row;
      highest = row;
      lowestY = y;
      highestY = y;
    } else if (y < lowestY) {
      lowest = row;
      lowestY = y;
    } else if (y > highestY) {
      highest = row;
      highestY = y;
    }
    last = row;
    previousMs = timeMs;
    missing = false;
    hasGap = false;
  }
  flush();
  return points;
}

function reduceMarks(
  timesMs: Float64Array,
  ys: Float64Array,
  anomalous: Uint8Array,
  columns: number,
  rows: number,
  range: Range,
): PlotPoint[] {
  const fromMs = timesMs[0] ?? 0;
  const toMs = timesMs[timesMs.length - 1] ?? 0;
  const taken = new Uint8Array(columns * rows);
  const marks: PlotPoint[] = [];
  for (let row = 0; row < timesMs.length; row++) {
    const y = ys[row] ?? Number.NaN;
    if (anomalous[row] !== 1 || !Number.isFinite(y)) continue;
    const timeMs = timesMs[row] ?? Number.NaN;
    const pixel = pixelColumn(timeMs, fromMs, toMs, columns) * rows + pixelRow(y, range, rows);
    if (taken[pixel] === 1) continue;
    taken[pixel] = 1;
    marks.push({ x: timeMs, y: drawable(y) });
  }
  return marks;
}

/** Median of the steps above zero (a replayed table may hold a time twice); infinite when there is none. */
function medianStep(timesMs: Float64Array): number {
  const steps = new Float64Array(Math.max(0, timesMs.length - 1));
  let count = 0;
  for (let row = 1; row < timesMs.length; row++) {
    const stepMs = (timesMs[row] ?? 0) - (timesMs[row - 1] ?? 0);
    if (stepMs > 0) steps[count++] = stepMs;
  }
  return steps.subarray(0, count).sort()[count >> 1] ?? Number.POSITIVE_INFINITY;
}

function pixelOf(value: number, low: number, high: number, pixels: number): number {
  if (!(high > low)) return 0;
  const pixel = Math.floor(((value - low) / (high - low)) * pixels);
  return Math.min(pixels - 1, Math.max(0, pixel));
}

function drawable(y: number): number {
  return Math.min(DRAWABLE_LIMIT, Math.max(-DRAWABLE_LIMIT, y));
}
