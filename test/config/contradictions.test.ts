import { describe, expect, test } from 'vitest';
import { pipelineFailure, SOURCE } from './load-yaml.js';

describe('contradictions', () => {
  const refused: readonly [string, string, string][] = [
    [
      'batch in an incremental pipeline',
      `${SOURCE}\nnormalise: batch`,
      'halfspace.yaml:5:16 pipelines.p.normalise: batch needs the whole series',
    ],
    [
      'several values for a detector that looks at one',
      'source: { table: t, id: [m], values: [x, y] }\ndetector: { kind: novelty }',
      'pipelines.p.detector.kind: novelty looks at one feature a model; use `model: per_column`, with no more than one of `features` a column',
    ],
    [
      'a vote of such a detector, over two features of one column',
      `${SOURCE}\nmodel: per_column\nfeatures: [x, { difference: x }]\ndetector: { kind: vote, of: [{ detector: { kind: novelty } }, { detector: { kind: persist } }] }`,
      'pipelines.p.detector.kind: novelty looks at one feature a model',
    ],
    [
      'a normaliser for a detector that looks at values as measured',
      `${SOURCE}\nnormalise: running\ndetector: { kind: novelty }`,
      'halfspace.yaml:5:16 pipelines.p.normalise: has no meaning for novelty',
    ],
    [
      'a resolution that is none',
      `${SOURCE}\ndetector: { kind: novelty, eps: 0 }`,
      'halfspace.yaml:5:37 pipelines.p.detector.eps: expected a number from 0.0001 to 0.1, got 0',
    ],
    [
      'late rows in replay mode',
      `${SOURCE}\nnormalise: running\nmode: replay\nlate: { within: 1h }`,
      'pipelines.p.late: has no meaning in replay mode, which reads all rows anew each run; leave it out',
    ],
    [
      'a word that is none for late rows',
      `${SOURCE}\nnormalise: running\nlate: { then: relearn }`,
      'pipelines.p.late.then: expected report or rescore, got "relearn"',
    ],
    [
      'neither table nor query',
      'source: { id: [m], values: [x] }\nnormalise: running',
      'pipelines.p.source: needs a `table` or a `query`',
    ],
    [
      'table and query',
      'source: { table: t, query: SELECT 1, id: [m], values: [x] }\nnormalise: running',
      'pipelines.p.source.query: give `table` or `query`, not both',
    ],
    [
      'a value column without limits',
      `${SOURCE}\nnormalise: {}`,
      'pipelines.p.normalise: no limits for the value column `x`; add `x: [low, high]`',
    ],
    [
      'limits for an unknown column',
      `${SOURCE}\nnormalise: { x: [0, 1], y: [0, 1] }`,
      'halfspace.yaml:5:32 pipelines.p.normalise.y: not a value column; the value columns are x',
    ],
    [
      'limits the wrong way round',
      `${SOURCE}\nnormalise: { x: [5, 1] }`,
      'pipelines.p.normalise.x: expected two numbers, the lower first, e.g. [0, 500], got a list',
    ],
    [
      'a feature of no value column',
      `${SOURCE}\nnormalise: running\nfeatures: [x, { difference: power }]`,
      'halfspace.yaml:6:33 pipelines.p.features.1.difference: `power` is not a value column; the value columns are x',
    ],
    [
      'a feature of a column that is written slightly wrong',
      'source: { table: t, id: [m], values: [power] }\nnormalise: running\nfeatures: [pwoer]',
      'halfspace.yaml:6:16 pipelines.p.features.0: `pwoer` is not a value column; did you mean `power`?',
    ],
    [
      'a window of no rows',
      `${SOURCE}\nnormalise: running\nfeatures: [{ rolling_mean: x, rows: 0 }]`,
      'halfspace.yaml:6:41 pipelines.p.features.0.rows: expected an integer from 2 to 10000, got 0',
    ],
    [
      'a lag without its rows',
      `${SOURCE}\nnormalise: running\nfeatures: [{ lag: x }]`,
      'halfspace.yaml:6:16 pipelines.p.features.0: expected a value column, or one of { difference: power }, { lag: power, rows: 3 }',
    ],
    [
      'a time zone that is none',
      `${SOURCE}\nnormalise: running\nfeatures: [x, { hour: Europe/Berlim }]`,
      'halfspace.yaml:6:27 pipelines.p.features.1.hour: unknown time zone `Europe/Berlim`; did you mean `Europe/Berlin`?',
    ],
    [
      'a kind of feature that is none',
      `${SOURCE}\nnormalise: running\nfeatures: [{ median: x }]`,
      'halfspace.yaml:6:16 pipelines.p.features.0: expected a value column, or one of { difference: power }',
    ],
    [
      'a feature given twice',
      `${SOURCE}\nnormalise: running\nfeatures: [{ difference: x }, { difference: x }]`,
      'pipelines.p.features.1: a second feature `x_difference`; leave one out',
    ],
    [
      'features of the calendar alone',
      `${SOURCE}\nnormalise: running\nfeatures: [{ hour: UTC }]`,
      'pipelines.p.features: needs at least one feature of a value column',
    ],
    [
      'no features',
      `${SOURCE}\nnormalise: running\nfeatures: []`,
      'features: expected a list of features, at least one',
    ],
    [
      'a feature without limits',
      `${SOURCE}\nnormalise: { x: [0, 1] }\nfeatures: [x, { difference: x }, { weekday: UTC }]`,
      'pipelines.p.normalise: no limits for the feature `x_difference`; add `x_difference: [low, high]`',
    ],
    [
      'limits for what is no feature',
      `${SOURCE}\nnormalise: { x: [0, 1], x_difference: [0, 1] }\nfeatures: [{ difference: x }]`,
      'halfspace.yaml:5:21 pipelines.p.normalise.x: not a feature; the features are x_difference',
    ],
    [
      'a grid without width',
      `${SOURCE}\nnormalise: running\nresample: { every: 0s }`,
      'halfspace.yaml:6:24 pipelines.p.resample.every: expected a duration such as 90ms',
    ],
    [
      'a limit below a bucket',
      `${SOURCE}\nnormalise: running\nresample: { every: 10s, fill: previous, limit: 5s }`,
      'pipelines.p.resample.limit: shorter than one bucket, so nothing would ever be filled',
    ],
    [
      'a limit of millions of rows',
      `${SOURCE}\nnormalise: running\nresample: { every: 1ms, fill: previous, limit: 1d }`,
      'pipelines.p.resample.limit: too long: at most 100000 buckets of `every`',
    ],
    [
      'a value column named as the mark of filled rows',
      'source: { table: t, id: [m], values: [filled] }\nnormalise: running\noutput: { table: o }\nresample: { every: 1s, fill: linear }',
      '`filled` is a column of the scores table',
    ],
    [
      'a word that is no number of models',
      `${SOURCE}\nnormalise: running\nmodel: single`,
      'pipelines.p.model: expected joint or per_column, got "single"',
    ],
    ['equal limits', `${SOURCE}\nnormalise: { x: [5, 5] }`, 'expected two numbers, the lower first'],
    [
      'an id column as a value',
      'source: { table: t, id: [m, x], values: [x] }\nnormalise: running',
      'pipelines.p.source.values.0: `x` is an id column too',
    ],
    [
      'the time column as a value',
      'source: { table: t, id: [m], values: [time] }\nnormalise: running',
      '`time` is the time column',
    ],
    [
      'a column given twice',
      'source: { table: t, id: [m, m], values: [x] }\nnormalise: running',
      'pipelines.p.source.id: expected each of the id columns once',
    ],
    [
      'scores into the table that is read',
      `${SOURCE}\nnormalise: running\noutput: { table: t }`,
      'pipelines.p.output.table: scores cannot be written to the table that is read',
    ],
    [
      'a value column named as the scores are',
      'source: { table: t, id: [m], values: [score] }\nnormalise: running\noutput: { table: o }',
      '`score` is a column of the scores table',
    ],
    [
      'a wait for nothing',
      `${SOURCE}\nnormalise: running\nwait_for: { limit: 5m }`,
      'halfspace.yaml:6:15 pipelines.p.wait_for: needs `rows`, `pipeline` or both',
    ],
    [
      'a replay that waits',
      `${SOURCE}\nnormalise: running\nmode: replay\nwait_for: { rows: 1 }`,
      'pipelines.p.wait_for: a replay reads everything each run',
    ],
    [
      'looks that come too fast',
      `${SOURCE}\nnormalise: running\nwait_for: { rows: 1, every: 100ms }`,
      'pipelines.p.wait_for.every: expected at least 1s, got "100ms"',
    ],
    [
      'a wait for no rows',
      `${SOURCE}\nnormalise: running\nwait_for: { rows: 0 }`,
      'pipelines.p.wait_for.rows: expected an integer from 1 to 1000000000, got 0',
    ],
    [
      'an unknown channel',
      `${SOURCE}\nnormalise: running\nalerts: [opps]`,
      'halfspace.yaml:6:14 pipelines.p.alerts.0: unknown channel `opps`; there are none under `channels`',
    ],
    [
      'a forest that is too large',
      `${SOURCE}\nnormalise: running\ndetector: { kind: half_space_trees, n_trees: 1000, height: 15 }`,
      'pipelines.p.detector: too large: n_trees * 2^height is 32768000, at most 4194304',
    ],
    [
      'an unknown detector',
      `${SOURCE}\nnormalise: running\ndetector: { kind: magic }`,
      'pipelines.p.detector.kind: expected a detector of kind half_space_trees, ',
    ],
    [
      'a detector without a kind',
      `${SOURCE}\nnormalise: running\ndetector: { n_trees: 3 }`,
      'pipelines.p.detector.kind: missing; expected a detector of kind half_space_trees, ',
    ],
    [
      'a warm-up that is too short to learn from',
      `${SOURCE}\ndetector: { kind: drift_gate, warm_up: 12 }`,
      'pipelines.p.detector.warm_up: expected an integer from 100 to 100000, got 12',
    ],
    [
      'limits for a detector that looks at the values as measured',
      `${SOURCE}\nnormalise: running\ndetector: { kind: drift_gate }`,
      'pipelines.p.normalise: has no meaning for drift_gate, which looks at the values as measured; leave it out',
    ],
    [
      'a bad cron',
      `${SOURCE}\nnormalise: running\nschedule: "*/5 25 * * *"`,
      'halfspace.yaml:6:15 pipelines.p.schedule: hour: expected numbers from 0 to 23 in ascending order, found `25`',
    ],
    [
      'a cron with too few fields',
      `${SOURCE}\nnormalise: running\nschedule: "5 4 *"`,
      'expected five fields (minute hour day-of-month month day-of-week), found 3',
    ],
    [
      'a seed that is no whole number',
      `${SOURCE}\nnormalise: running\ndetector: { kind: half_space_trees, seed: 1.5 }`,
      'pipelines.p.detector.seed: expected an integer from 0 to 9007199254740991, got 1.5',
    ],
    [
      'a duration without a unit',
      `${SOURCE}\nnormalise: running\nwindow: { history: 24 }`,
      'pipelines.p.window.history: expected a duration such as 90ms, 10s, 5m, 24h, 7d or 1h30m, above zero, got 24',
    ],
    [
      'a history of nothing',
      `${SOURCE}\nnormalise: running\nwindow: { history: 0s }`,
      'pipelines.p.window.history: expected a duration',
    ],
    [
      'a history of a thousand years',
      `${SOURCE}\nnormalise: running\nwindow: { history: 365000d }`,
      'pipelines.p.window.history: expected at most 36500d, got "365000d"',
    ],
    [
      'a language for a table',
      'source: { table: t, language: influxql, id: [m], values: [x] }\nnormalise: running',
      'pipelines.p.source.language: is that of a `query`; a `table` needs none, leave it out',
    ],
    [
      'a language that there is not',
      'source: { query: q, language: flux, id: [m], values: [x] }\nnormalise: running',
      'pipelines.p.source.language: expected sql or influxql, got "flux"',
    ],
    [
      'new rows of an InfluxQL query',
      'source: { query: q, language: influxql, id: [m], values: [x] }\nnormalise: running\nwait_for: { rows: 1 }',
      'pipelines.p.wait_for.rows: cannot be counted in an InfluxQL query',
    ],
    [
      'another time column in InfluxQL',
      'source: { query: q, language: influxql, id: [m], values: [x], time: ts }\nnormalise: running',
      'pipelines.p.source.time: InfluxQL always calls the time column `time`; leave it out',
    ],
    [
      'aggregates of a replay',
      `${SOURCE}\nmode: replay\nnormalise: batch\naggregate: { every: 5m, table: a }`,
      'pipelines.p.aggregate: needs windows, which replay mode has not; use mode: incremental',
    ],
    [
      'aggregates into the table that is read',
      `${SOURCE}\nnormalise: running\naggregate: { every: 5m, table: t }`,
      'pipelines.p.aggregate.table: aggregates cannot be written to the table that is read',
    ],
    [
      'aggregates into the table of the scores',
      `${SOURCE}\nnormalise: running\noutput: { table: s }\naggregate: { every: 5m, table: s }`,
      'pipelines.p.aggregate.table: aggregates cannot be written to the table of the scores',
    ],
    [
      'buckets below a second',
      `${SOURCE}\nnormalise: running\naggregate: { every: 999ms, table: a }`,
      'pipelines.p.aggregate.every: expected at least 1s, got "999ms"',
    ],
    [
      'buckets of days',
      `${SOURCE}\nnormalise: running\naggregate: { every: 2d, table: a }`,
      'pipelines.p.aggregate.every: expected at most 24h, got "2d"',
    ],
    [
      'a function that there is not',
      `${SOURCE}\nnormalise: running\naggregate: { every: 5m, table: a, functions: [median] }`,
      'pipelines.p.aggregate.functions.0: expected a list of different functions out of mean, min, max, count',
    ],
    [
      'a function twice',
      `${SOURCE}\nnormalise: running\naggregate: { every: 5m, table: a, functions: [mean, mean] }`,
      'pipelines.p.aggregate.functions: expected a list of different functions out of mean, min, max, count',
    ],
    [
      'a table that would be a comment',
      `${SOURCE}\nnormalise: running\naggregate: { every: 5m, table: "#a" }`,
      'pipelines.p.aggregate.table: expected a table name that does not begin with #',
    ],
    [
      'an id called like an aggregate',
      'source: { table: t, id: [x_mean], values: [x] }\nnormalise: running\naggregate: { every: 5m, table: a }',
      "pipelines.p.source.id.0: `x_mean` is a column of the aggregates' table; rename it in a `query`",
    ],
    [
      'a column with a line break',
      'source: { table: t, id: ["a\\nb"], values: [x] }\nnormalise: running',
      'pipelines.p.source.id.0: expected a column name without control characters and without a backslash at its end, got "a\\nb"',
    ],
    [
      'a schedule faster than a second',
      `${SOURCE}\nnormalise: running\nschedule: "@every 1ms"`,
      'pipelines.p.schedule: expected @every with whole seconds, from 1s to 365d',
    ],
    [
      'an expectation of no kind',
      `${SOURCE}\nnormalise: running\nexpectations: { after_load: [{ min_row: 3 }] }`,
      'pipelines.p.expectations.after_load.0: expected one of min_rows, fresh_within',
    ],
    [
      'an expectation with a wrong value',
      `${SOURCE}\nnormalise: running\nexpectations: { after_load: [{ min_rows: -1 }] }`,
      'pipelines.p.expectations.after_load.0.min_rows: expected an integer from 0',
    ],
    [
      'a word that is no normaliser',
      `${SOURCE}\nnormalise: minmax`,
      'pipelines.p.normalise: expected running, robust, batch, or limits a feature such as { power: [0, 500] }, got "minmax"',
    ],
    [
      'no normaliser at all',
      SOURCE,
      'halfspace.yaml:3:3 pipelines.p.normalise: missing; expected running, robust, batch, or limits',
    ],
  ];
  test.each(refused)('%s', (_name, lines, message) => {
    expect(pipelineFailure(lines)).toContain(message);
  });

  test('an unknown channel suggests the one that exists', () => {
    const rest = 'channels: { ops: { kind: slack } }\n';
    expect(pipelineFailure(`${SOURCE}\nnormalise: running\nalerts: [opps]`, rest)).toContain(
      'unknown channel `opps`; did you mean `ops`?',
    );
  });
});
