import { Backtest, type BacktestResult, type Variant } from '../../src/backtest/backtest.js';
import type { PipelineSettings } from '../../src/contract/pipeline.js';
import type { Slice } from '../../src/contract/slice.js';
import type { Stretch } from '../../src/evaluation/eventwise.js';
import { pipelineOf, sourceOf } from '../pipeline.js';

const SECOND = 1_000_000_000n;
export const START = 1_767_571_200n * SECOND;

export function at(second: number): bigint {
  return START + BigInt(second) * SECOND;
}

export function exampleSettings(values: readonly string[], change: Partial<PipelineSettings> = {}): PipelineSettings {
  return pipelineOf({
    source: sourceOf({ id: ['machine'], values }),
    normalise: Object.fromEntries(values.map((column) => [column, [0, 100]])),
    detector: { kind: 'half_space_trees', n_trees: 10, height: 6, window_size: 50, seed: 1 },
    verdict: { threshold: 0.8, clear_after: 10_000 },
    alerts: ['ops'],
    ...change,
  });
}

/** A row a second, ordinary but for the given seconds. */
export function sliceOf(uniqueId: string, rows: number, columns: number, isOdd: (second: number) => boolean): Slice {
  const values = Float64Array.from({ length: rows * columns }, (_, i) => {
    const second = Math.floor(i / columns);
    return isOdd(second) ? 99 - (i % columns) : 40 + (second % 3) + (i % columns);
  });
  return { uniqueId, ids: [uniqueId], rows, times: BigInt64Array.from({ length: rows }, (_, i) => at(i)), values };
}

export function part(slice: Slice, from: number, to: number): Slice {
  const columns = slice.values.length / slice.rows;
  return {
    ...slice,
    rows: to - from,
    times: slice.times.slice(from, to),
    values: slice.values.slice(from * columns, to * columns),
  };
}

/** @param cuts where the slices are cut in two. */
export function backtestOf(
  slices: readonly Slice[],
  variants: readonly Variant[],
  labels: ReadonlyMap<string, readonly Stretch[]> | null = null,
  cuts: readonly number[] = [],
): BacktestResult {
  const longest = Math.max(...slices.map(({ rows }) => rows));
  const span = { from: at(0), to: at(longest) };
  const run = new Backtest({ pipeline: 'machines', variants, span, labels });
  const edges = [0, ...cuts, longest];
  edges.slice(1).forEach((to, i) => {
    for (const slice of slices) {
      const [begin, end] = [edges[i] ?? 0, to].map((edge) => Math.min(edge, slice.rows));
      for (const _step of run.add(part(slice, begin ?? 0, end ?? 0)));
    }
  });
  return run.finish();
}
