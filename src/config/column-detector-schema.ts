import { z } from 'zod';
import { detectorKind, duration, group, integer, share } from './fields.js';

/** Schemas of the detectors that look at one column at a time. Parameters that several of them have read the same. */

const boundError = 'expected a number, or numbers by column such as { power: 400 }';
const bound = z
  .union([z.number({ error: boundError }), z.record(z.string(), z.number({ error: boundError }))], {
    error: boundError,
  })
  .nullable()
  .default(null);

const side = z
  .enum(['both', 'positive', 'negative'], { error: 'expected both, positive or negative' })
  .default('both')
  .describe('Which differences count: all, those upwards, or those downwards.');

const memory = integer(10, 100_000)
  .default(1000)
  .describe('Rows back that the bounds come from; 16 bytes a column each in memory, 8 in the store.');

const window = integer(1, 10_000);
const windowMeaning = 'Rows of a window.';

function factor(fallback: number): z.ZodDefault<z.ZodNumber> {
  return share(0, 1000)
    .default(fallback)
    .describe('A difference may be as large as Q3 + c x (Q3 - Q1) of those so far.');
}

export const threshold = group({
  kind: detectorKind('threshold'),
  low: bound.describe(
    'Values below are anomalous: a number, or numbers by column; quantile: the share of values below.',
  ),
  high: bound.describe(
    'Values above are anomalous: a number, or numbers by column; quantile: the share of values below.',
  ),
});

const tailError = (from: number, to: number) => `expected a number between ${from} and ${to}`;
function tail(from: number, to: number) {
  const error = tailError(from, to);
  return z.number({ error }).gt(from, { error }).lt(to, { error }).nullable();
}

export const quantile = group({
  kind: detectorKind('quantile'),
  low: tail(0, 0.5).default(0.01),
  high: tail(0.5, 1).default(0.99),
  memory,
});

export const persist = group({
  kind: detectorKind('persist'),
  window: window.default(1).describe(windowMeaning),
  agg: z
    .enum(['median', 'mean'], { error: 'expected median or mean' })
    .default('median')
    .describe('What stands for a window.'),
  c: factor(3),
  side,
  memory,
});

export const levelShift = group({
  kind: detectorKind('level_shift'),
  window: window.default(30).describe(windowMeaning),
  c: factor(6),
  side,
  memory,
});

export const volatilityShift = group({
  kind: detectorKind('volatility_shift'),
  window: integer(2, 10_000).default(30).describe(windowMeaning),
  agg: z
    .enum(['std', 'iqr', 'idr'], { error: 'expected std, iqr or idr' })
    .default('std')
    .describe('What stands for a window.'),
  c: factor(6),
  side,
  memory,
});

const SHORTEST_CELL_MS = 1000;
const USUAL_CELL_MS = 3_600_000;
const LEAST_USUAL_CELLS = 24;
const MOST_CELLS = 10_000;

export const seasonal = group({
  kind: detectorKind('seasonal'),
  period: duration(2 * SHORTEST_CELL_MS)
    .prefault('24h')
    .describe('Length of the season, counted from 1970-01-01 UTC.'),
  cells: z
    .exactOptional(integer(2, MOST_CELLS))
    .describe(
      'Equal parts of the season, each with a mean of its own. Left out: one an hour, 24 to 10000, of at least 1s.',
    ),
  periods: integer(1, 1000).default(7).describe('The newest season weighs at least one part in so many.'),
  c: factor(3),
  side,
  memory,
})
  .superRefine(({ period, cells = 2 }, context) => {
    if (period / cells >= SHORTEST_CELL_MS) return;
    const message = 'too many for the period: a cell is at least 1s long';
    context.addIssue({ code: 'custom', path: ['cells'], message });
  })
  .transform(({ cells, ...rest }) => ({ ...rest, cells: cells ?? usualCells(rest.period) }));

function usualCells(periodMs: number): number {
  const hourly = Math.max(Math.round(periodMs / USUAL_CELL_MS), LEAST_USUAL_CELLS);
  return Math.min(hourly, Math.floor(periodMs / SHORTEST_CELL_MS), MOST_CELLS);
}

export const robustZscore = group({
  kind: detectorKind('robust_zscore'),
  window: integer(10, 100_000)
    .default(1000)
    .describe(
      'robust_zscore: rows back that median and spread come from; 16 bytes a column each in memory, 8 in the store.',
    ),
  limit: share(0.1, 1000).default(3.5).describe('Standard deviations from the median at which a score is 0.5.'),
});
