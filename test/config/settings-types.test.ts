import { expect, expectTypeOf, test } from 'vitest';
import { pipelineSchema } from '../../src/config/pipeline-schema.js';
import type { SectionSettings } from '../../src/config/schema.js';
import type { PipelineSettings } from '../../src/contract/pipeline.js';

type DeepReadonly<T> = T extends readonly [infer A, infer B]
  ? readonly [DeepReadonly<A>, DeepReadonly<B>]
  : T extends readonly (infer Item)[]
    ? readonly DeepReadonly<Item>[]
    : T extends object
      ? { readonly [K in keyof T]: DeepReadonly<T[K]> }
      : T;

type Parsed = DeepReadonly<SectionSettings['pipelines'][string]>;

test('a parsed pipeline is exactly the settings that the job takes', () => {
  expectTypeOf<Parsed>().toExtend<PipelineSettings>();
  expectTypeOf<DeepReadonly<PipelineSettings>>().toExtend<Parsed>();
  expectTypeOf<keyof Parsed>().toEqualTypeOf<keyof PipelineSettings>();
});

test('the smallest pipeline comes out with every default', () => {
  const parsed: PipelineSettings = pipelineSchema.parse({
    source: { table: 't', id: ['m'], values: ['x'] },
    normalise: 'running',
  });
  expect(parsed).toEqual({
    mode: 'incremental',
    source: { table: 't', query: null, language: 'sql', id: ['m'], values: ['x'], time: 'time', unique_id: 'readable' },
    window: { history: 86_400_000, settle: 10_000, catch_up: 604_800_000, chunk: null },
    late: { within: 3_600_000, action: 'report' },
    on_settings_change: 'relearn',
    resample: null,
    features: [{ kind: 'value', column: 'x' }],
    normalise: 'running',
    model: 'joint',
    detector: { kind: 'half_space_trees', n_trees: 10, height: 8, window_size: 250, seed: 1 },
    order: 'score_then_learn',
    verdict: { threshold: 0.8, clear_after: 300_000 },
    expectations: { after_load: [], after_transform: [] },
    wait_for: null,
    output: null,
    aggregate: null,
    alerts: [],
    schedule: null,
  });
});

test('late rows are looked for in incremental mode alone', () => {
  const late = (settings: object) =>
    pipelineSchema.parse({ source: { table: 't', id: ['m'], values: ['x'] }, normalise: 'running', ...settings }).late;
  // biome-ignore lint/suspicious/noThenProperty: the word of the file
  expect(late({ late: { then: 'rescore' } })).toEqual({ within: 3_600_000, action: 'rescore' });
  expect(late({ late: { within: '0s' } })).toEqual({ within: 0, action: 'report' });
  expect(late({ mode: 'replay' })).toBeNull();
});

test('features, a grid and the limits of the calendar come out with every default', () => {
  const parsed: PipelineSettings = pipelineSchema.parse({
    source: { table: 't', id: ['m'], values: ['x'] },
    resample: { every: '10s', fill: 'linear' },
    features: ['x', { difference: 'x' }, { lag: 'x', rows: 3 }, { rolling_mean: 'x', rows: 5 }, { hour: 'UTC' }],
    normalise: { x: [0, 1], x_difference: [-1, 1], x_lag_3: [0, 1], x_rolling_mean_5: [0, 1] },
  });
  expect(parsed.resample).toEqual({ every: 10_000, how: 'mean', fill: 'linear', limit: 100_000 });
  expect(parsed.features).toEqual([
    { kind: 'value', column: 'x' },
    { kind: 'difference', column: 'x' },
    { kind: 'lag', column: 'x', rows: 3 },
    { kind: 'rolling_mean', column: 'x', rows: 5 },
    { kind: 'hour', zone: 'UTC' },
  ]);
  expect(parsed.normalise).toMatchObject({ x: [0, 1], hour: [0, 23] });
});

test('a detector of one column takes several where each has a model of its own', () => {
  const source = { table: 't', id: ['m'], values: ['x', 'y'] };
  const { detector } = pipelineSchema.parse({ source, model: 'per_column', detector: { kind: 'novelty' } });
  expect(detector).toEqual({ kind: 'novelty', pattern: false, eps: 1 / 1024, hide_first: 750 });
});
