import type { PlotData } from '../../src/charts/plot-data.js';
import { randomFrom } from '../random.js';

/** One row a second from 2026-11-23 06:00 UTC; `faulty` rows, four fifths in, are high and anomalous. */
export function examplePlot(rows: number, faulty: number, replaced: Partial<PlotData> = {}): PlotData {
  const random = randomFrom(7);
  const from = Math.floor(rows * 0.8);
  const row = Array.from({ length: rows }, (_, at) => at);
  const isFaulty = (at: number): boolean => at >= from && at < from + faulty;
  return {
    uniqueId: 'bosch-gmbh-m1',
    column: 'power',
    timesMs: Float64Array.from(row, (at) => Date.UTC(2026, 10, 23, 6) + 1000 * at),
    scores: Float64Array.from(row, (at) => (isFaulty(at) ? 0.85 + 0.1 * random() : 0.3 + 0.3 * random())),
    values: Float64Array.from(row, (at) => (isFaulty(at) ? 400 + 100 * random() : 200 + 20 * random())),
    anomalous: Uint8Array.from(row, (at) => (isFaulty(at) ? 1 : 0)),
    threshold: 0.8,
    bounds: null,
    reasons: [],
    ...replaced,
  };
}
