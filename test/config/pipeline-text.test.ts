import { expect, it } from 'vitest';
import { parse } from 'yaml';
import { pipelineSchema } from '../../src/config/pipeline-schema.js';
import { modelSettingsText } from '../../src/config/pipeline-text.js';

const source = { table: 't', id: ['m'], values: ['a', 'b'] };

it.each([
  ['defaults', { normalise: 'running' }],
  ['a detector of measured values', { detector: { kind: 'seasonal', period: '7d' } }],
  [
    'every kind of feature, a grid and rules by machine',
    {
      resample: { every: '10s', fill: 'linear', limit: '1m' },
      features: [
        'a',
        { difference: 'b' },
        { lag: 'a', rows: 3 },
        { rolling_mean: 'a', rows: 30 },
        { rolling_deviation: 'b', rows: 30 },
        { hour: 'Europe/Berlin' },
        { weekday: 'UTC' },
      ],
      normalise: 'robust',
      model: 'per_column',
      verdict: {
        clear_after: '90s',
        hold_for: '1m',
        repeat_after: '2h',
        stale_after: '1h30m',
        stuck_after: { a: '30m' },
        machines: { 'acme-*: "x"': { stuck_after: '1h', hold_for: '5s' }, quiet: { stuck_after: null } },
      },
    },
  ],
  [
    'a vote',
    {
      normalise: { a: [0, 100], b: [-1, 1] },
      detector: {
        kind: 'vote',
        of: [
          { detector: { kind: 'half_space_trees' } },
          { detector: { kind: 'quantile', low: null, high: 0.999 } },
          { detector: { kind: 'seasonal' } },
        ],
      },
    },
  ],
  ['a module', { detector: { kind: 'module', path: '/own.mjs', options: { slack: 0.3 } } }],
])('%s are shown as halfspace.yaml takes them', (_, given) => {
  const settings = pipelineSchema.parse({ source, ...given });
  const text = modelSettingsText(settings);
  expect(pipelineSchema.parse({ source, ...parse(text) })).toEqual(settings);
  expect(text).not.toMatch(/none|\d{5,}|sha256/);
});

it('a setting is a line', () => {
  const text = modelSettingsText(pipelineSchema.parse({ source, normalise: { a: [0, 9], b: [0, 9] } }));
  expect(text.split('\n')).toEqual([
    'features: [ a, b ]',
    'normalise: { a: [ 0, 9 ], b: [ 0, 9 ] }',
    'detector: { kind: half_space_trees, n_trees: 10, height: 8, window_size: 250, seed: 1 }',
    'model: joint',
    'order: score_then_learn',
    'verdict: { threshold: 0.8, clear_after: 5m }',
    '',
  ]);
});
