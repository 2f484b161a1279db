import { z } from 'zod';
import type { NormaliseSettings } from '../contract/pipeline.js';
import { cronProblem } from './cron.js';
import { DEFAULT_DETECTOR, detector } from './detector-schema.js';
import { group, text } from './fields.js';
import { contradictions, featuresOf, withOwnRules } from './pipeline-contradictions.js';
import { aggregate, expectations, late, normalise, output, source, waitFor, window } from './pipeline-parts.js';
import { calendarLimits, features, resample } from './shaping-schema.js';
import { verdict } from './verdict-schema.js';

const DEFAULT_LATE = late.parse({});

/** One pipeline of halfspace.yaml; what comes out is `PipelineSettings` of contract/. */
export const pipelineSchema = group({
  mode: z
    .enum(['incremental', 'replay'], { error: 'expected incremental or replay' })
    .default('incremental')
    .describe('`incremental` learns each row once; `replay` learns a new model from the whole source each run.'),
  source: source.describe('Where rows come from.'),
  window: window.prefault({}).describe('Which rows a run reads (incremental).'),
  late: z.exactOptional(late).describe('What becomes of rows that come after their window was read (incremental).'),
  on_settings_change: z
    .enum(['relearn', 'fresh'], { error: 'expected relearn or fresh' })
    .default('relearn')
    .describe(
      'When `detector`, `model`, `normalise`, `features`, `resample`, `order` or `source.values` change: `relearn` reads `window.history` again for the new models, `fresh` begins them with the rows that come next.',
    ),
  resample: resample
    .nullable()
    .default(null)
    .describe('Puts rows on a grid of time before anything else; null takes them as they come.'),
  features: z.exactOptional(features),
  normalise: z.exactOptional(normalise),
  detector: detector.prefault(DEFAULT_DETECTOR).describe('What scores the rows.'),
  model: z
    .enum(['joint', 'per_column'], { error: 'expected joint or per_column' })
    .default('joint')
    .describe(
      '`joint`: one model over all features; `per_column`: one a value column over its own features and the calendar, and the row has the score of the worst.',
    ),
  order: z
    .enum(['score_then_learn', 'learn_then_score'], { error: 'expected score_then_learn or learn_then_score' })
    .default('score_then_learn')
    .describe('Whether a row is scored before or after the model learned it.'),
  verdict: verdict.prefault({}).describe('What makes a row anomalous.'),
  expectations: expectations.prefault({}).describe('What must hold of the data.'),
  wait_for: waitFor.nullable().default(null).describe('What a run waits for before it begins (incremental).'),
  output: output.nullable().default(null).describe('Where scores go; null writes none.'),
  aggregate: aggregate
    .nullable()
    .default(null)
    .describe('Downsamples the source, a point a machine and bucket (incremental); null writes none.'),
  alerts: z
    .array(text('a channel name'), { error: 'expected a list of channel names, e.g. [ops]' })
    .default([])
    .describe('Channels that are told of anomalies.'),
  schedule: z
    .string({ error: 'expected a cron expression such as "*/5 * * * *"' })
    .superRefine((cron, context) => {
      const problem = cronProblem(cron);
      if (problem !== null) context.addIssue({ code: 'custom', message: problem });
    })
    .nullable()
    .default(null)
    .describe('Cron expression in UTC; null runs only when triggered.'),
})
  .superRefine((pipeline, context) => {
    for (const { path, message } of contradictions(pipeline)) context.addIssue({ code: 'custom', path, message });
  })
  .transform(({ late: given, normalise, ...pipeline }) => {
    const features = featuresOf(pipeline);
    const limits: NormaliseSettings =
      typeof normalise === 'object' ? { ...calendarLimits(features), ...normalise } : (normalise ?? 'none');
    return {
      ...pipeline,
      features,
      normalise: limits,
      verdict: withOwnRules(pipeline),
      late: pipeline.mode === 'replay' ? null : (given ?? DEFAULT_LATE),
    };
  });
