import { z } from 'zod';
import type { LateSettings } from '../contract/pipeline.js';
import { columnName, duration, group, integer, names, share, text } from './fields.js';

export const source = group({
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

export const window = group({
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

export const late = group({
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

export const NORMALISE_ERROR = 'expected running, robust, batch, or limits a feature such as { power: [0, 500] }';
export const normalise = z
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
export const expectations = group({
  after_load: z.array(expectation, { error: listError }).default([]).describe('Checked on the rows as they came.'),
  after_transform: z.array(expectation, { error: listError }).default([]).describe('Checked on the shaped rows.'),
});

const SECOND_MS = 1000;

export const waitFor = group({
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

export const output = group({ table: writtenTable.describe('Table that scores are written to.') });

const FUNCTIONS = ['mean', 'min', 'max', 'count'] as const;
const functionsError = `expected a list of different functions out of ${FUNCTIONS.join(', ')}`;
export const aggregate = group({
  every: duration(1000, 24 * 3_600_000).describe('Length of a bucket, 1s to 24h; each run reads its buckets whole.'),
  table: writtenTable.describe('Table that aggregates are written to.'),
  functions: z
    .array(z.enum(FUNCTIONS, { error: functionsError }), { error: functionsError })
    .min(1, { error: functionsError })
    .refine((list) => new Set(list).size === list.length, { error: functionsError })
    .default([...FUNCTIONS])
    .describe('What is written of each value column, as `<column>_<function>`.'),
});
