import type { PlotColumn, PlotData } from '../../src/charts/plot-data.js';
import { randomFrom } from '../random.js';

/**
 * One row a second from 2026-11-23 06:00 UTC; `faulty` rows, four fifths in, are high and anomalous.
 * @param replaced in the plot or in its one column.
 */
export function examplePlot(rows: number, faulty: number, replaced: Partial<PlotData & PlotColumn> = {}): PlotData {
  const random = randomFrom(7);
  const from = Math.floor(rows * 0.8);
  const row = Array.from({ length: rows }, (_, at) => at);
  const isFaulty = (at: number): boolean => at >= from && at < from + faulty;
  const scores = Float64Array.from(row, (at) => (isFaulty(at) ? 0.85 + 0.1 * random() : 0.3 + 0.3 * random()));
  const measured = Float64Array.from(row, (at) => (isFaulty(at) ? 400 + 100 * random() : 200 + 20 * random()));
  const { name = 'power', values = measured, bounds = null, ...others } = replaced;
  return {
    uniqueId: 'bosch-gmbh-m1',
    timesMs: Float64Array.from(row, (at) => Date.UTC(2026, 10, 23, 6) + 1000 * at),
    scores,
    anomalous: Uint8Array.from(row, (at) => (isFaulty(at) ? 1 : 0)),
    threshold: 0.8,
    columns: [{ name, values, bounds }],
    reasons: [],
    ...others,
  };
}

/** The values of a plot's first column. */
export function valuesOf({ columns }: PlotData): Float64Array {
  return columns[0]?.values ?? new Float64Array();
}

/** The example with further columns, each about so many times the first, and that many lines of reasons. */
export function examplePanels(rows: number, faulty: number, factors: Readonly<Record<string, number>>): PlotData {
  const plot = examplePlot(rows, faulty);
  const values = valuesOf(plot);
  const columns = Object.entries(factors).map(([name, factor]): PlotColumn => {
    const own = values.map((value) => value * factor);
    const shifted = (by: number) => new Float64Array(rows).fill(factor * (210 + by));
    return { name, values: own, bounds: { expected: shifted(0), lower: shifted(-10), upper: shifted(10) } };
  });
  const at = plot.timesMs[Math.floor(rows * 0.8)] ?? 0;
  const reasons = columns.map(({ name }) => ({ timeMs: at, text: `score 0.942 above 0.8: ${name} 472, expected 210` }));
  return { ...plot, columns, reasons };
}
