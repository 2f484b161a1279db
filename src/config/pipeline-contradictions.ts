import type { z } from 'zod';
import { columnOfFeature, featureName } from '../contract/features.js';
import type { FeatureSettings, LateSettings } from '../contract/pipeline.js';
import {
  alarmLevel,
  type detector,
  detectorProblems,
  kindThatMeasures,
  looksAtOneFeature,
  useOfNormalised,
} from './detector-schema.js';
import {
  type aggregate,
  NORMALISE_ERROR,
  type normalise,
  type output,
  type source,
  type waitFor,
} from './pipeline-parts.js';
import { calendarLimits, type resample, shapingProblems } from './shaping-schema.js';
import { ruleContradictions, type verdict } from './verdict-schema.js';

/** Names the scores table uses itself. */
const SCORE_COLUMNS = [
  'pipeline',
  'unique_id',
  'score',
  'is_anomaly',
  'threshold',
  'reason',
  'expected',
  'lower',
  'upper',
  'column',
];

interface Contradiction {
  readonly path: (string | number)[];
  readonly message: string;
}

/** What is looked at of a pipeline, each part right alone. */
export interface PipelineParts {
  readonly mode: 'incremental' | 'replay';
  readonly source: z.output<typeof source>;
  readonly late?: LateSettings;
  readonly resample: z.output<typeof resample> | null;
  readonly features?: readonly FeatureSettings[];
  readonly normalise?: z.output<typeof normalise>;
  readonly detector: z.output<typeof detector>;
  readonly model: 'joint' | 'per_column';
  readonly verdict: z.output<typeof verdict>;
  readonly wait_for: z.output<typeof waitFor> | null;
  readonly output: z.output<typeof output> | null;
  readonly aggregate: z.output<typeof aggregate> | null;
  readonly alerts: readonly string[];
}

/** Settings that are right alone and wrong together. */
export function contradictions(pipeline: PipelineParts): Contradiction[] {
  const found: Contradiction[] = [];
  const say: Say = (path, message) => found.push({ path, message });
  checkSource(pipeline, say);
  checkModel(pipeline, say);
  checkTime(pipeline, say);
  checkOutput(pipeline, say);
  checkAggregate(pipeline, say);
  const { alerts } = pipeline;
  alerts.forEach((channel, i) => {
    if (alerts.indexOf(channel) !== i) say(['alerts', i], `channel \`${channel}\` is listed twice`);
  });
  return found;
}

type Say = (path: (string | number)[], message: string) => void;

/** What is read. */
function checkSource({ source }: PipelineParts, say: Say): void {
  if (source.table === null && source.query === null) say(['source'], 'needs a `table` or a `query`');
  if (source.table !== null && source.query !== null) say(['source', 'query'], 'give `table` or `query`, not both');
  if (source.language === 'influxql') {
    if (source.query === null) say(['source', 'language'], 'is that of a `query`; a `table` needs none, leave it out');
    if (source.time !== 'time') say(['source', 'time'], 'InfluxQL always calls the time column `time`; leave it out');
  }
  source.values.forEach((column, i) => {
    if (source.id.includes(column))
      say(['source', 'values', i], `\`${column}\` is an id column too; it cannot be both`);
    if (column === source.time) say(['source', 'values', i], `\`${column}\` is the time column; it cannot be a value`);
  });
  if (source.id.includes(source.time)) {
    say(['source', 'id', source.id.indexOf(source.time)], `\`${source.time}\` is the time column; it cannot be an id`);
  }
}

/** What learns, and from what. */
function checkModel(pipeline: PipelineParts, say: Say): void {
  const { mode, source, normalise, detector, model, verdict } = pipeline;
  const features = featuresOf(pipeline);
  const use = useOfNormalised(detector);
  if (normalise === undefined && use === 'needed') say(['normalise'], NORMALISE_ERROR);
  if (normalise !== undefined && use === 'none') {
    say(['normalise'], `has no meaning for ${detector.kind}, which looks at the values as measured; leave it out`);
  }
  const measuring = kindThatMeasures(detector);
  features.forEach((feature, i) => {
    if (measuring === null || columnOfFeature(feature) !== null) return;
    say(
      ['features', i, feature.kind],
      `tells the time, and ${measuring} would judge it as a measurement; leave it out, or use half_space_trees or a module`,
    );
  });
  if (looksAtOneFeature(detector) && mostFeatures(model, source.values, features) > 1) {
    say(
      ['detector', 'kind'],
      'novelty looks at one feature a model; use `model: per_column`, with no more than one of `features` a column',
    );
  }
  for (const { path, message } of detectorProblems(detector, features.map(featureName)))
    say(['detector', ...path], message);
  if (normalise === 'batch' && mode === 'incremental') {
    say(
      ['normalise'],
      'batch needs the whole series at once, which an incremental run never has; use declared limits or running, or mode: replay',
    );
  }
  checkLimits(pipeline, say);
  for (const { path, message } of shapingProblems(features, source.values)) say(path, message);

  for (const { path, message } of ruleContradictions(withOwnRules({ verdict, detector }), {
    mode,
    values: source.values,
  })) {
    say(['verdict', ...path], message);
  }
}

/** Limits a feature. */
function checkLimits(pipeline: PipelineParts, say: Say): void {
  const { source, normalise } = pipeline;
  if (typeof normalise !== 'object') return;
  const features = featuresOf(pipeline);
  const known = features.map(featureName);
  const declared = { ...calendarLimits(features), ...normalise };
  for (const name of known) {
    if (!Object.hasOwn(declared, name)) {
      say(['normalise'], `no limits for ${featureWord(name, source.values)}; add \`${name}: [low, high]\``);
    }
  }
  for (const name of Object.keys(normalise)) {
    if (!known.includes(name)) {
      const plain = known.every((other) => source.values.includes(other));
      say(
        ['normalise', name],
        plain
          ? `not a value column; the value columns are ${source.values.join(', ')}`
          : `not a feature; the features are ${known.join(', ')}`,
      );
    }
  }
}

/** Which rows belong to a run, and when it begins. */
function checkTime({ mode, source, late, wait_for }: PipelineParts, say: Say): void {
  if (late !== undefined && mode === 'replay') {
    say(['late'], 'has no meaning in replay mode, which reads all rows anew each run; leave it out');
  }
  if (source.language === 'influxql' && wait_for !== null && wait_for.rows !== null) {
    say(
      ['wait_for', 'rows'],
      'cannot be counted in an InfluxQL query; read a `table` or SQL, or wait for a `pipeline`',
    );
  }
  if (wait_for !== null && mode === 'replay') {
    say(['wait_for'], 'a replay reads everything each run and has no last window to compare with; leave it out');
  } else if (wait_for !== null && wait_for.rows === null && wait_for.pipeline === null) {
    say(['wait_for'], 'needs `rows`, `pipeline` or both');
  }
}

/** Where scores go. */
function checkOutput({ source, resample, output }: PipelineParts, say: Say): void {
  if (output === null) return;
  if (output.table === source.table) say(['output', 'table'], 'scores cannot be written to the table that is read');
  const taken = resample === null || resample.fill === 'none' ? SCORE_COLUMNS : [...SCORE_COLUMNS, 'filled'];
  for (const key of ['id', 'values'] as const) {
    source[key].forEach((column, i) => {
      if (taken.includes(column)) {
        say(['source', key, i], `\`${column}\` is a column of the scores table; rename it in a \`query\``);
      }
    });
  }
}

/** Where aggregates go. */
function checkAggregate({ mode, source, output, aggregate }: PipelineParts, say: Say): void {
  if (aggregate === null) return;
  const { table, functions } = aggregate;
  if (mode === 'replay') say(['aggregate'], 'needs windows, which replay mode has not; use mode: incremental');
  if (table === source.table) say(['aggregate', 'table'], 'aggregates cannot be written to the table that is read');
  if (table === output?.table) say(['aggregate', 'table'], 'aggregates cannot be written to the table of the scores');
  const fields = source.values.flatMap((value) => functions.map((name) => `${value}_${name}`));
  source.id.forEach((column, i) => {
    if (['pipeline', 'unique_id', 'rows', ...fields].includes(column)) {
      say(['source', 'id', i], `\`${column}\` is a column of the aggregates' table; rename it in a \`query\``);
    }
  });
}

/** Features of the model that has most of them, the calendar's aside. */
function mostFeatures(
  model: 'joint' | 'per_column',
  columns: readonly string[],
  features: readonly FeatureSettings[],
): number {
  const made = features.map(columnOfFeature).filter((column) => column !== null);
  if (model === 'joint') return made.length;
  return Math.max(...columns.map((column) => made.filter((other) => other === column).length));
}

function featureWord(name: string, columns: readonly string[]): string {
  return `the ${columns.includes(name) ? 'value column' : 'feature'} \`${name}\``;
}

/**
 * The rules with what belongs to the detector where nothing else is said: averages of many rows need no look at one value,
 * and fixed limits hold however little a column moves.
 */
export function withOwnRules({ verdict, detector }: Pick<PipelineParts, 'verdict' | 'detector'>) {
  const own = detector.kind === 'drift_gate' || detector.kind === 'threshold' ? { flat_guard: 0 } : {};
  return { threshold: alarmLevel(detector), ...own, ...verdict };
}

/** The features, or where none are named every value column as it is. */
export function featuresOf({
  features,
  source,
}: Pick<PipelineParts, 'features' | 'source'>): readonly FeatureSettings[] {
  return features ?? source.values.map((column) => ({ kind: 'value', column }));
}
