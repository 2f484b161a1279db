import { z } from 'zod';
import { CALENDAR_LIMITS, columnOfFeature, featureName } from '../contract/features.js';
import type { FeatureSettings, ResampleSettings } from '../contract/pipeline.js';
import { columnName, duration, group, integer, text } from './fields.js';
import { nearest } from './nearest.js';

/** Gaps up to this many buckets are filled where no limit is given. */
const BUCKETS_FILLED = 10;
/** Most rows that one gap is filled with. */
const MOST_FILLED = 100_000;
/** Values that a feature looks back at most: they are part of every snapshot. */
const MOST_ROWS = 10_000;

/** `resample` of a pipeline; what comes out is `ResampleSettings` of contract/. */
export const resample = group({
  every: duration(1).describe(
    'Length of a bucket; buckets begin at multiples of it since the epoch, and so do their rows.',
  ),
  how: z
    .enum(['mean', 'last'], { error: 'expected mean or last' })
    .default('mean')
    .describe('What a bucket has of each column: the mean of its values, or the last of them.'),
  fill: z
    .enum(['none', 'previous', 'linear'], { error: 'expected none, previous or linear' })
    .default('none')
    .describe(
      'What becomes of buckets without values between two with some: nothing, rows with the values before, or on the line between both. Filled rows are marked, and neither scored nor learned.',
    ),
  limit: duration(1)
    .nullable()
    .default(null)
    .describe('A gap longer than this is not filled at all. Null: ten buckets.'),
})
  .superRefine(({ every, limit }, context) => {
    if (limit === null || (limit >= every && limit / every <= MOST_FILLED)) return;
    const message =
      limit < every
        ? 'shorter than one bucket, so nothing would ever be filled; give at least `every`, or `fill: none`'
        : `too long: at most ${MOST_FILLED} buckets of \`every\``;
    context.addIssue({ code: 'custom', path: ['limit'], message });
  })
  .transform(({ limit, ...rest }): ResampleSettings => ({ ...rest, limit: limit ?? BUCKETS_FILLED * rest.every }));

const column = () => columnName('the name of a value column');
const zone = () =>
  text('the name of a time zone such as Europe/Berlin').superRefine((name, context) => {
    if (isZone(name)) return;
    const close = nearest(name, Intl.supportedValuesOf('timeZone'));
    const hint = close === null ? 'give a name such as Europe/Berlin or UTC' : `did you mean \`${close}\`?`;
    context.addIssue({ code: 'custom', message: `unknown time zone \`${name}\`; ${hint}` });
  });
const back = (least: number, meaning: string) => integer(least, MOST_ROWS).describe(meaning);

const featureError =
  'expected a value column, or one of { difference: power }, { lag: power, rows: 3 }, { rolling_mean: power, rows: 30 }, { rolling_deviation: power, rows: 30 }, { hour: Europe/Berlin }, { weekday: Europe/Berlin }';

const feature = z.union(
  [
    columnName('the name of a value column').transform((name): FeatureSettings => ({ kind: 'value', column: name })),
    group({ difference: column().describe('Column; its value less the one before.') }).transform(
      ({ difference }): FeatureSettings => ({ kind: 'difference', column: difference }),
    ),
    group({
      lag: column().describe('Column; its value `rows` values before.'),
      rows: back(1, 'Values of the column that the feature looks back.'),
    }).transform(({ lag, rows }): FeatureSettings => ({ kind: 'lag', column: lag, rows })),
    group({
      rolling_mean: column().describe('Column; the mean of its last `rows` values, the row included.'),
      rows: back(2, 'Values of the column that the feature looks back.'),
    }).transform(({ rolling_mean, rows }): FeatureSettings => ({ kind: 'rolling_mean', column: rolling_mean, rows })),
    group({
      rolling_deviation: column().describe(
        'Column; the standard deviation of its last `rows` values, the row included.',
      ),
      rows: back(2, 'Values of the column that the feature looks back.'),
    }).transform(
      ({ rolling_deviation, rows }): FeatureSettings => ({
        kind: 'rolling_deviation',
        column: rolling_deviation,
        rows,
      }),
    ),
    group({ hour: zone().describe('Time zone; hour of the day there, 0 to 23 (half_space_trees, module).') }).transform(
      ({ hour }): FeatureSettings => ({ kind: 'hour', zone: hour }),
    ),
    group({
      weekday: zone().describe('Time zone; day of the week there, 0 (Monday) to 6 (half_space_trees, module).'),
    }).transform(({ weekday }): FeatureSettings => ({ kind: 'weekday', zone: weekday })),
  ],
  { error: featureError },
);

const listError = 'expected a list of features, at least one, e.g. [power, { difference: power }]';

/** `features` of a pipeline; what comes out is `FeatureSettings[]` of contract/. */
export const features = z
  .array(feature, { error: listError })
  .min(1, { error: listError })
  .describe(
    'What the detector sees, in the order given: value columns by name, and what is made of them. Left out: the value columns as they are.',
  );

/** What is wrong with features that are right by themselves. */
export function shapingProblems(
  list: readonly FeatureSettings[],
  columns: readonly string[],
): { readonly path: (string | number)[]; readonly message: string }[] {
  const names = list.map(featureName);
  const problems = list.flatMap((feature, i) => {
    const path = feature.kind === 'value' ? ['features', i] : ['features', i, feature.kind];
    const name = columnOfFeature(feature);
    if (name !== null && !columns.includes(name)) {
      const close = nearest(name, columns);
      const hint = close === null ? `the value columns are ${columns.join(', ')}` : `did you mean \`${close}\`?`;
      return [{ path, message: `\`${name}\` is not a value column; ${hint}` }];
    }
    const first = names.indexOf(names[i] ?? '');
    return first === i ? [] : [{ path: ['features', i], message: `a second feature \`${names[i]}\`; leave one out` }];
  });
  if (list.every((feature) => columnOfFeature(feature) === null)) {
    problems.push({ path: ['features'], message: 'needs at least one feature of a value column' });
  }
  return problems;
}

/** Limits that need not be declared: those of the calendar's features. */
export function calendarLimits(list: readonly FeatureSettings[]): Record<string, readonly [number, number]> {
  const kinds = list.flatMap((feature) => ('zone' in feature ? [feature.kind] : []));
  return Object.fromEntries(kinds.map((kind) => [kind, CALENDAR_LIMITS[kind]]));
}

function isZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en-US', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}
