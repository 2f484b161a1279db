import type { PipelineSettings } from '../src/contract/pipeline.js';

/**
 * An incremental pipeline with few small trees over the columns `source.values` of a table: what a test says nothing of.
 * Running limits make every score depend on the order of all rows before it.
 */
export function pipelineOf(change: Partial<PipelineSettings> = {}): PipelineSettings {
  const source = change.source ?? sourceOf();
  return {
    mode: 'incremental',
    window: { history: 300_000, settle: 0, catch_up: 100_000_000, chunk: null },
    late: null,
    on_settings_change: 'relearn',
    resample: null,
    features: source.values.map((column) => ({ kind: 'value', column })),
    model: 'joint',
    normalise: 'running',
    detector: { kind: 'half_space_trees', n_trees: 4, height: 4, window_size: 10, seed: 1 },
    order: 'score_then_learn',
    verdict: { threshold: 0.7, clear_after: 5000 },
    expectations: { after_load: [], after_transform: [] },
    wait_for: null,
    output: null,
    aggregate: null,
    alerts: [],
    schedule: null,
    ...change,
    source,
  };
}

/** One id column and one value column, in a table of any name. */
export function sourceOf(change: Partial<PipelineSettings['source']> = {}): PipelineSettings['source'] {
  return {
    table: 'rows',
    query: null,
    language: 'sql',
    id: ['m'],
    values: ['x'],
    time: 'time',
    unique_id: 'readable',
    ...change,
  };
}
