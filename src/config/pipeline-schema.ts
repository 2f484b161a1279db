import { z } from 'zod';
import { columnOfFeature, featureName } from '../contract/features.js';
import type { FeatureSettings, LateSettings, NormaliseSettings } from '../contract/pipeline.js';
import { cronProblem } from './cron.js';
import {
  alarmLevel,
  detector,
  detectorProblems,
  kindThatMeasures,
  looksAtOneFeature,
  useOfNormalised,
} from './detector-schema.js';
import { columnName, duration, group, integer, names, share, text } from './fields.js';
import { calendarLimits, features, resample, shapingProblems } from './shaping-schema.js';
import { ruleContradictions, verdict } from './verdict-schema.js';

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

const source = group({
  table: columnName('a table name')
    .nullable()
    .default(null)
    .describe('Table to read; exactly one of `table` and `query`.'),
  query: text('a query')
    .nullable()
    .default(null)
    .describe('Query to read instead of a table; `$from` and `$to` are bound to the window where it names them.'),
  language: z
    .enum(['sql', 'influxql'], { error: 'expected sql or influxql' })
    .default('sql')
    .describe('Language of `query`.'),
  id: names('id columns').describe('Columns that together name a machine, tags or string fields.'),
  values: names('value columns').describe('Numeric columns the detector sees.'),
  time: columnName('the name of the time column').default('time').describe('Time column.'),
  unique_id: z
    .enum(['readable', 'hashed'], { error: 'expected readable or hashed' })
    .default('readable')
    .describe('`hashed` appends a short hash of the exact id values to every machine name.'),
});

const window = group({
  history: duration(1).prefault('24h').describe('How far back the first run looks.'),
  settle: duration(0).prefault('10s').describe('A window ends this long before now, for rows still on their way.'),
  catch_up: duration(1).prefault('7d').describe('After downtime at most this much is caught up.'),
  chunk: duration(60_000)
    .nullable()
    .default(null)
    .describe(
      'Longest window one pass loads; a longer history or downtime takes several. Null: a day, more while that is at most a million rows.',
    ),
});

const late = group({
  within: duration(0).prefault('1h').describe('Rows that come up to this late are found; `0s` looks for none.'),
  // biome-ignore lint/suspicious/noThenProperty: the word of the file; further in it is `action`
  then: z
    .enum(['report', 'rescore'], { error: 'expected report or rescore' })
    .default('report')
    .describe('`report` counts late rows; `rescore` learns and scores again from before them.'),
}).transform(({ within, then: action }): LateSettings => ({ within, action }));

const limitsError = 'expected two numbers, the lower first, e.g. [0, 500]';
const limits = z
  .tuple([z.number({ error: limitsError }), z.number({ error: limitsError })], { error: limitsError })
  .refine(([low, high]) => low < high, { error: limitsError });

const NORMALISE_ERROR = 'expected running, robust, batch, or limits a feature such as { power: [0, 500] }';
const normalise = z
  .union([z.enum(['batch', 'running', 'robust']), z.record(z.string(), limits)], { error: NORMALISE_ERROR })
  .describe(
    'How values come to 0..1 for half_space_trees, which needs it: declared limits a feature, `running` (min-max so far), `robust` (median and spread of the last 500 values), or `batch` (replay only). Other detectors look at values as measured.',
  );

const otherwise = z
  .enum(['fail', 'warn'], { error: 'expected fail or warn' })
  .default('fail')
  .describe('`fail` stops the run, `warn` only says so.');

const expectation = z.union(
  [
    group({ min_rows: integer(0, Number.MAX_SAFE_INTEGER).describe('At least this many rows.'), otherwise }),
    group({ fresh_within: duration(1).describe('The newest row is at most this old.'), otherwise }),
    group({
      max_missing: share(0, 1).describe('Largest share of missing values.'),
      columns: z.exactOptional(names('columns')).describe('Columns looked at; the value columns when left out.'),
      otherwise,
    }),
    group({ required_columns: names('columns').describe('Columns that must be there.'), otherwise }),
  ],
  { error: 'expected one of min_rows, fresh_within, max_missing, required_columns, with otherwise: fail or warn' },
);

const listError = 'expected a list of expectations, e.g. [{ min_rows: 100 }]';
const expectations = group({
  after_load: z.array(expectation, { error: listError }).default([]).describe('Checked on the rows as they came.'),
  after_transform: z.array(expectation, { error: listError }).default([]).describe('Checked on the shaped rows.'),
});

const SECOND_MS = 1000;

const waitFor = group({
  rows: integer(1, 1_000_000_000)
    .nullable()
    .default(null)
    .describe('Least number of rows that must have come since the last window done.'),
  pipeline: text('the name of a pipeline')
    .nullable()
    .default(null)
    .describe(
      'Pipeline that must have got past the last window done; the window then ends where that one stands, at the latest.',
    ),
  limit: duration(SECOND_MS).prefault('10m').describe('Longest wait.'),
  every: duration(SECOND_MS).prefault('10s').describe('Time between two looks.'),
  otherwise: z
    .enum(['skip', 'fail', 'run'], { error: 'expected skip, fail or run' })
    .default('skip')
    .describe('After the longest wait the run ends without doing anything, fails, or goes on.'),
});

/** A line that begins with # is a comment to InfluxDB. */
const writtenTable = columnName('a table name').refine((name) => !name.startsWith('#'), {
  error: 'expected a table name that does not begin with #',
});

const output = group({ table: writtenTable.describe('Table that scores are written to.') });

const FUNCTIONS = ['mean', 'min', 'max', 'count'] as const;
const functionsError = `expected a list of different functions out of ${FUNCTIONS.join(', ')}`;
const aggregate = group({
  every: duration(1000, 24 * 3_600_000).describe('Length of a bucket, 1s to 24h; each run reads its buckets whole.'),
  table: writtenTable.describe('Table that aggregates are written to.'),
  functions: z
    .array(z.enum(FUNCTIONS, { error: functionsError }), { error: functionsError })
    .min(1, { error: functionsError })
    .refine((list) => new Set(list).size === list.length, { error: functionsError })
    .default([...FUNCTIONS])
    .describe('What is written of each value column, as `<column>_<function>`.'),
});

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
  detector: detector.prefault({ kind: 'half_space_trees' }).describe('What scores the rows.'),
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
  .transform(({ late: given, features: made, normalise, ...pipeline }) => {
    const features = made ?? plainFeatures(pipeline.source.values);
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
function withOwnRules({ verdict, detector }: Pick<Checked, 'verdict' | 'detector'>) {
  const own = detector.kind === 'drift_gate' || detector.kind === 'threshold' ? { flat_guard: 0 } : {};
  return { threshold: alarmLevel(detector), ...own, ...verdict };
}

interface Contradiction {
  readonly path: (string | number)[];
  readonly message: string;
}

function plainFeatures(columns: readonly string[]): FeatureSettings[] {
  return columns.map((column) => ({ kind: 'value', column }));
}

interface Checked {
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
function contradictions({
  mode,
  source,
  late,
  resample,
  features = plainFeatures(source.values),
  normalise,
  detector,
  model,
  verdict,
  wait_for,
  output,
  aggregate,
  alerts,
}: Checked): Contradiction[] {
  const found: Contradiction[] = [];
  const say = (path: (string | number)[], message: string) => found.push({ path, message });

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

  if (source.language === 'influxql' && wait_for !== null && wait_for.rows !== null) {
    say(
      ['wait_for', 'rows'],
      'cannot be counted in an InfluxQL query; read a `table` or SQL, or wait for a `pipeline`',
    );
  }
  if (late !== undefined && mode === 'replay') {
    say(['late'], 'has no meaning in replay mode, which reads all rows anew each run; leave it out');
  }
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
  if (normalise !== undefined && typeof normalise === 'object') {
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
  for (const { path, message } of shapingProblems(features, source.values)) say(path, message);

  for (const { path, message } of ruleContradictions(withOwnRules({ verdict, detector }), {
    mode,
    values: source.values,
  })) {
    say(['verdict', ...path], message);
  }
  if (wait_for !== null && mode === 'replay') {
    say(['wait_for'], 'a replay reads everything each run and has no last window to compare with; leave it out');
  } else if (wait_for !== null && wait_for.rows === null && wait_for.pipeline === null) {
    say(['wait_for'], 'needs `rows`, `pipeline` or both');
  }

  if (output !== null) {
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
  if (aggregate !== null) {
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
  alerts.forEach((channel, i) => {
    if (alerts.indexOf(channel) !== i) say(['alerts', i], `channel \`${channel}\` is listed twice`);
  });
  return found;
}
