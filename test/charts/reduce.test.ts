import { describe, expect, it } from 'vitest';
import type { PlotData } from '../../src/charts/plot-data.js';
import {
  drawableRange,
  type PixelGrid,
  type PlotPoint,
  pixelColumn,
  pixelRow,
  type Range,
  type ReducedColumn,
  type ReducedPlot,
  reducePlot,
} from '../../src/charts/reduce.js';
import { randomFrom, testSeed } from '../random.js';
import { examplePlot, valuesOf } from './example-plot.js';

const SCORES: Range = { low: 0, high: 1 };

/** Rows with gaps, repeated times, missing values and scores, and anomalies of every density. */
function randomPlot(random: () => number): PlotData {
  const rows = Math.floor(random() * (random() < 0.2 ? 20_000 : 400));
  const missing = random() < 0.5 ? 0 : random();
  const anomalies = random() ** 3;
  const value = (): number => (random() < missing ? Number.NaN : 100 * random() - 50);
  let timeMs = 1_795_500_000_000;
  const row = Array.from({ length: rows }, (_, at) => at);
  return {
    uniqueId: 'm',
    timesMs: Float64Array.from(row, () => {
      timeMs += random() < 0.01 ? 1e6 * random() : random() < 0.1 ? 0 : 1000;
      return timeMs;
    }),
    scores: Float64Array.from(row, () => (random() < missing / 2 ? Number.NaN : random())),
    anomalous: Uint8Array.from(row, () => (random() < anomalies ? 1 : 0)),
    threshold: 0.8,
    columns: [
      { name: 'power', values: Float64Array.from(row, value), bounds: null },
      { name: 'load', values: Float64Array.from(row, value), bounds: null },
    ],
    reasons: [],
  };
}

function checkMarks(
  data: PlotData,
  ys: Float64Array,
  marks: readonly PlotPoint[],
  grid: PixelGrid,
  rows: number,
  range: Range,
) {
  const from = data.timesMs[0] ?? 0;
  const to = data.timesMs.at(-1) ?? 0;
  const pixel = (x: number, y: number): string =>
    `${pixelColumn(x, from, to, grid.columns)}/${pixelRow(y, range, rows)}`;
  const wanted = new Set<string>();
  const possible = new Set<string>();
  ys.forEach((y, row) => {
    if (data.anomalous[row] !== 1 || Number.isNaN(y)) return;
    wanted.add(pixel(data.timesMs[row] ?? 0, y));
    possible.add(`${data.timesMs[row]} ${y}`);
  });
  expect(new Set(marks.map(({ x, y }) => pixel(x, y)))).toEqual(wanted);
  expect(marks).toHaveLength(wanted.size);
  expect(marks.every(({ x, y }) => possible.has(`${x} ${y}`))).toBe(true);
}

function checkLine(
  data: PlotData,
  ys: Float64Array,
  line: readonly PlotPoint[],
  columns: number,
  keepsLowest: boolean,
) {
  const from = data.timesMs[0] ?? 0;
  const to = data.timesMs.at(-1) ?? 0;
  const extremes = (points: Iterable<PlotPoint>): Map<number, [number, number]> => {
    const found = new Map<number, [number, number]>();
    for (const { x, y } of points) {
      if (Number.isNaN(y)) continue;
      const column = pixelColumn(x, from, to, columns);
      const [low, high] = found.get(column) ?? [y, y];
      found.set(column, [Math.min(low, y), Math.max(high, y)]);
    }
    return found;
  };
  const all = extremes(Array.from(ys, (y, row) => ({ x: data.timesMs[row] ?? 0, y })));
  const kept = extremes(line);
  expect([...kept.keys()]).toEqual([...all.keys()]);
  expect([...kept.values()].map(([, high]) => high)).toEqual([...all.values()].map(([, high]) => high));
  if (keepsLowest) expect([...kept.values()].map(([low]) => low)).toEqual([...all.values()].map(([low]) => low));
  expect(line.every(({ x }, at) => x >= (line[at - 1]?.x ?? Number.NEGATIVE_INFINITY))).toBe(true);
  // Each column holds one bucket and at most one more after each visible break; a break takes two columns.
  expect(line.length).toBeLessThanOrEqual(Math.ceil((keepsLowest ? 4 : 1) * 1.5 * columns + columns + 8));
}

/** A plot of one column, reduced. */
function reducedFirst(data: PlotData, grid: PixelGrid): Omit<ReducedPlot, 'columns'> & ReducedColumn {
  const { columns, ...plot } = reducePlot(data, grid);
  const [first] = columns;
  if (first === undefined) throw new Error('Expected a column');
  return { ...plot, ...first };
}

describe('reducePlot', () => {
  it('keeps every anomalous pixel, every extreme and few points, on random series', () => {
    const seed = testSeed();
    const random = randomFrom(seed);
    for (let round = 0; round < 80; round++) {
      const data = randomPlot(random);
      const columns = 1 + Math.floor(random() * 300);
      const grid = { columns, scoreRows: 1 + Math.floor(random() * 100), valueRows: 1 + Math.floor(random() * 100) };
      try {
        const reduced = reducePlot(data, grid);
        checkMarks(data, data.scores, reduced.anomalousScores, grid, grid.scoreRows, SCORES);
        checkLine(data, data.scores, reduced.scores, columns, false);
        expect(reduced.columns).toHaveLength(2);
        for (const [at, { values, anomalous }] of reduced.columns.entries()) {
          const measured = data.columns[at]?.values ?? new Float64Array();
          const range = drawableRange(measured) ?? SCORES;
          checkMarks(data, measured, anomalous, grid, grid.valueRows, range);
          checkLine(data, measured, values, columns, true);
        }
      } catch (error) {
        throw new Error(`seed ${seed}, round ${round}`, { cause: error });
      }
    }
  });

  it('leaves a short series as it is', () => {
    const data = examplePlot(20, 3);
    const { scores, values, anomalous } = reducedFirst(data, { columns: 1200, scoreRows: 200, valueRows: 300 });
    const asPoints = (ys: Float64Array): PlotPoint[] => Array.from(ys, (y, at) => ({ x: data.timesMs[at] ?? 0, y }));
    expect(values).toEqual(asPoints(valuesOf(data)));
    expect(scores).toEqual(asPoints(data.scores));
    expect(anomalous).toEqual(values.slice(16, 19));
  });

  it('joins what is known of a column over rows of other columns, not over long stretches, and leaves single rows out', () => {
    const grid = { columns: 1000, scoreRows: 200, valueRows: 300 };
    const expectedOf = (isKnown: (row: number) => boolean, change: Partial<PlotData> = {}) => {
      const known = Float64Array.from({ length: 400 }, (_, row) => (isKnown(row) ? row : Number.NaN));
      const bounds = { expected: known, lower: known, upper: known };
      const { expected, lower, upper } = reducedFirst(examplePlot(400, 0, { bounds, ...change }), grid);
      expect([lower, upper]).toEqual([expected, expected]);
      return expected.map(({ y }) => y);
    };
    const everyThird = Array.from({ length: 134 }, (_, at) => 3 * at);
    expect(expectedOf((row) => row % 3 === 0)).toEqual(everyThird);

    const longUnknown = expectedOf((row) => row % 3 === 0 && (row < 100 || row > 200));
    expect(longUnknown.filter(Number.isNaN)).toHaveLength(1);
    expect(longUnknown.filter((y) => y >= 0)).toEqual(everyThird.filter((row) => row < 100 || row > 200));

    expect(expectedOf((row) => [50, 150, 250].includes(row))).toEqual([]);
    expect(expectedOf((row) => row === 50 || (row >= 150 && row < 160) || row === 300)).toEqual([
      150, 151, 152, 153, 154, 155, 156, 157, 158, 159,
    ]);
    // A pause in which no row came at all.
    const timesMs = Float64Array.from({ length: 400 }, (_, row) => 1000 * (row < 100 ? row : row + 20));
    expect(expectedOf((row) => row % 3 === 0, { timesMs }).filter(Number.isNaN)).toHaveLength(1);
  });

  it('makes a few thousand points of 200,000 rows and keeps the one anomalous row', () => {
    const data = examplePlot(200_000, 1);
    const reduced = reducedFirst(data, { columns: 1200, scoreRows: 200, valueRows: 300 });
    expect(reduced.values.length).toBeLessThanOrEqual(4 * 1200);
    expect(reduced.scores.length).toBeLessThanOrEqual(1200);
    expect(reduced.anomalous).toEqual([{ x: data.timesMs[160_000], y: valuesOf(data)[160_000] }]);
    expect(reduced.anomalousScores).toHaveLength(1);
  });

  it('breaks the lines where rows are missing for more than five steps', () => {
    const data = examplePlot(20, 0);
    const { timesMs } = data;
    const shift = (steps: number): PlotData => ({
      ...data,
      timesMs: timesMs.map((ms, at) => (at < 10 ? ms : ms + 1000 * (steps - 1))),
    });
    const breaks = (plot: PlotData): number[] =>
      reducedFirst(plot, { columns: 1200, scoreRows: 200, valueRows: 300 }).values.flatMap(({ y }, at) =>
        Number.isNaN(y) ? [at] : [],
      );
    expect(breaks(shift(5))).toEqual([]);
    expect(breaks(shift(6))).toEqual([10]);
  });

  it('breaks a line where its own value is missing or infinite, and only that line', () => {
    for (const hole of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
      const data = examplePlot(20, 0);
      valuesOf(data)[5] = hole;
      const { values, scores } = reducedFirst(data, { columns: 1200, scoreRows: 200, valueRows: 300 });
      expect(values.filter(({ y }) => Number.isNaN(y))).toHaveLength(1);
      expect(values.filter(({ y }) => Number.isFinite(y))).toHaveLength(19);
      expect(scores.every(({ y }) => Number.isFinite(y))).toBe(true);
    }
  });

  it('gives nothing for no rows, and finite points for the largest doubles', () => {
    const grid = { columns: 10, scoreRows: 10, valueRows: 10 };
    expect(reducePlot(examplePlot(0, 0), grid)).toEqual({
      scores: [],
      anomalousScores: [],
      columns: [{ values: [], expected: [], lower: [], upper: [], anomalous: [] }],
    });
    const huge = examplePlot(3, 1, {
      values: Float64Array.of(-Number.MAX_VALUE, 0, Number.MAX_VALUE),
      anomalous: Uint8Array.of(1, 1, 1),
    });
    const { values, anomalous } = reducedFirst(huge, grid);
    expect(values.map(({ y }) => y)).toEqual([-1e300, 0, 1e300]);
    expect(anomalous).toHaveLength(3);
  });
});
