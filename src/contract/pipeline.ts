/** A length of time in milliseconds (`24h` in halfspace.yaml). */
export type DurationMs = number;

/**
 * One pipeline of `halfspace.yaml` with every default filled in. Plain JSON: it is frozen into the run's plan.
 * Keys are the file's own (snake_case; a detector's parameters have River's names); durations are milliseconds.
 */
export interface PipelineSettings {
  /** `incremental` learns each row once, window after window; `replay` learns a new model from the whole source each run. */
  readonly mode: 'incremental' | 'replay';
  readonly source: SourceSettings;
  readonly window: WindowSettings;
  /** Null in replay mode, which reads everything anew. */
  readonly late: LateSettings | null;
  /**
   * When settings that a model depends on change (`detector`, `model`, `normalise`, `features`, `resample`, `order`,
   * `source.values`): `relearn` learns the new models from `window.history` again, as a first start does; `fresh` begins them
   * with the rows that come next.
   */
  readonly on_settings_change: 'relearn' | 'fresh';
  /** Rows on a grid of time in place of the source's own; null: the source's own. */
  readonly resample: ResampleSettings | null;
  /** What the detector sees, at least one of a value column; names (see `featureName`) are different. */
  readonly features: readonly FeatureSettings[];
  readonly normalise: NormaliseSettings;
  readonly detector: DetectorSettings;
  /** One model over all features, or one a value column over the features made of it and the calendar's. */
  readonly model: 'joint' | 'per_column';
  readonly order: 'score_then_learn' | 'learn_then_score';
  readonly verdict: VerdictSettings;
  readonly expectations: ExpectationSettings;
  /** What a run waits for before it begins; null: for nothing. */
  readonly wait_for: WaitSettings | null;
  /** Where scores are written; null writes none. */
  readonly output: OutputSettings | null;
  /** What is written of the source itself, downsampled; null writes nothing. Incremental pipelines only. */
  readonly aggregate: AggregateSettings | null;
  /** Channel names; must exist under `channels`. */
  readonly alerts: readonly string[];
  /** Cron expression in UTC; null runs only when triggered. */
  readonly schedule: string | null;
}

export interface SourceSettings {
  /** Exactly one of `table` and `query` is set; the other is null. */
  readonly table: string | null;
  /** `$from` and `$to` are bound where it names them. */
  readonly query: string | null;
  /** Of `query`; a table is always read in SQL. */
  readonly language: QueryLanguage;
  /** Id columns, at least one; see `uniqueId` in shape/. */
  readonly id: readonly string[];
  /** Value columns, at least one. */
  readonly values: readonly string[];
  /** Name of the time column. */
  readonly time: string;
  /** `hashed` appends a short hash of the exact id tuple to every unique_id. */
  readonly unique_id: 'readable' | 'hashed';
}

export type QueryLanguage = 'sql' | 'influxql';

export interface WindowSettings {
  /** How far back the first run looks. */
  readonly history: DurationMs;
  /** A window ends this long before now, so that rows still on their way are not missed. */
  readonly settle: DurationMs;
  /** After downtime at most this much is caught up. */
  readonly catch_up: DurationMs;
  /** Longest window one pass loads; what is longer is done in several, one after the other. Null: as long as its rows allow. */
  readonly chunk: DurationMs | null;
}

export interface LateSettings {
  /** How late a row may come after its window was read and still be found; 0: late rows are not looked for. */
  readonly within: DurationMs;
  /**
   * `then` in the file. `report` says how many came; `rescore` goes back to the model before them, learns forward and writes
   * the scores again.
   */
  readonly action: 'report' | 'rescore';
}

export interface ResampleSettings {
  /** Length of a bucket; they begin at multiples of it since the epoch. */
  readonly every: DurationMs;
  /** What a bucket has of each column: the mean of its values, or the last of them. */
  readonly how: 'mean' | 'last';
  /** What becomes of buckets without any value between two with one. */
  readonly fill: 'none' | 'previous' | 'linear';
  /** A longer stretch without any value is not filled at all. */
  readonly limit: DurationMs;
}

/** `column` is a value column; `rows` counts the values that the column had. */
export type FeatureSettings =
  | { readonly kind: 'value' | 'difference'; readonly column: string }
  | { readonly kind: 'rolling_mean' | 'rolling_deviation' | 'lag'; readonly column: string; readonly rows: number }
  | { readonly kind: 'hour' | 'weekday'; readonly zone: string };

/**
 * `none`: values as they are, what every detector but Half-Space Trees looks at; `batch`: min-max over the machine's whole
 * slice (replay only); `running`: min-max so far; `robust`: by median and spread of the last values; or declared limits a
 * feature.
 */
export type NormaliseSettings =
  | 'none'
  | 'batch'
  | 'running'
  | 'robust'
  | { readonly [feature: string]: readonly [number, number] };

export interface HalfSpaceTreesSettings {
  readonly kind: 'half_space_trees';
  readonly n_trees: number;
  readonly height: number;
  readonly window_size: number;
  readonly seed: number;
}

export interface DriftGateSettings {
  readonly kind: 'drift_gate';
  /** Rows that are learned before the first is judged. */
  readonly warm_up: number;
  /** Rows of one alarm after which what is seen is taken for the new level; 0: never. */
  readonly hold: number;
}

/** One feature a model; a verdict threshold of 0.5 is meant. */
export interface NoveltySettings {
  readonly kind: 'novelty';
  /** Also look at shapes of eight blocks of rows. */
  readonly pattern: boolean;
  /** Share of a series' range within which two values count as one, 0.0001..0.1. */
  readonly eps: number;
  /** Rows learned before scores appear. */
  readonly hide_first: number;
}

/** A limit for every column, or limits by column. */
export type ColumnBound = number | { readonly [column: string]: number };

/** Values outside `low`..`high`. */
export interface ThresholdSettings {
  readonly kind: 'threshold';
  readonly low: ColumnBound | null;
  readonly high: ColumnBound | null;
}

/** Values beyond quantiles of the last `memory` values. */
export interface QuantileSettings {
  readonly kind: 'quantile';
  /** Share of values below the lower bound, 0..0.5; null: none on that side. */
  readonly low: number | null;
  /** Share of values below the upper bound, 0.5..1; null: none on that side. */
  readonly high: number | null;
  readonly memory: number;
}

/** How large a difference may be: Q3 + c * (Q3 - Q1) of the sizes of the last `memory` differences. */
export interface DifferenceSettings {
  readonly c: number;
  /** Which differences count: all, those upwards, or those downwards. */
  readonly side: 'both' | 'positive' | 'negative';
  /** Differences that the bound comes from. */
  readonly memory: number;
}

/** A value against the median or mean of the `window` values before it. */
export interface PersistSettings extends DifferenceSettings {
  readonly kind: 'persist';
  readonly window: number;
  readonly agg: 'median' | 'mean';
}

/** The median of the last `window` values against that of the `window` values before those. */
export interface LevelShiftSettings extends DifferenceSettings {
  readonly kind: 'level_shift';
  readonly window: number;
}

/** The spread of the last `window` values against that of the `window` values before those. */
export interface VolatilityShiftSettings extends DifferenceSettings {
  readonly kind: 'volatility_shift';
  readonly window: number;
  /** Standard deviation, interquartile range or interdecile range. */
  readonly agg: 'std' | 'iqr' | 'idr';
}

/** A value against those of the same time in earlier periods. */
export interface SeasonalSettings extends DifferenceSettings {
  readonly kind: 'seasonal';
  readonly period: DurationMs;
  /** Equal parts of the period, each with a mean of its own. */
  readonly cells: number;
  /** The newest period weighs at least 1/`periods` in a cell's mean. */
  readonly periods: number;
}

/** A value against the median and the median absolute deviation of the last `window` values. */
export interface RobustZscoreSettings {
  readonly kind: 'robust_zscore';
  readonly window: number;
  /** Standard deviations from the median at which the score is 0.5. */
  readonly limit: number;
}

/** Detectors that look at one column at a time. */
export type ColumnDetectorSettings =
  | ThresholdSettings
  | QuantileSettings
  | PersistSettings
  | LevelShiftSettings
  | VolatilityShiftSettings
  | SeasonalSettings
  | RobustZscoreSettings;

/** A detector of the user's own. */
export interface ModuleSettings {
  readonly kind: 'module';
  /** Of a file, from the settings file on; absolute once it is loaded. */
  readonly path: string;
  /** Of the file's content, hex; there once it is loaded. The same content learns the same model. */
  readonly sha256?: string;
  /** Handed to the module as they are; plain JSON. */
  readonly options: { readonly [name: string]: unknown };
}

export interface VoteMemberSettings {
  readonly detector: Exclude<DetectorSettings, VoteSettings>;
  /** The detector votes for an anomaly when its score is above this, 0..1. */
  readonly above: number;
}

/** Several detectors of which some must agree. */
export interface VoteSettings {
  readonly kind: 'vote';
  /** At least two. */
  readonly of: readonly VoteMemberSettings[];
  /** Detectors that must agree. */
  readonly need: 'any' | 'all' | number;
}

export type DetectorSettings =
  | HalfSpaceTreesSettings
  | DriftGateSettings
  | NoveltySettings
  | ColumnDetectorSettings
  | ModuleSettings
  | VoteSettings;

export interface VerdictSettings extends VerdictRules {
  /** Other rules for some machines, by unique_id or a pattern with `*` and `?`. Of several that fit, later ones win. */
  readonly machines?: { readonly [pattern: string]: Partial<VerdictRules> };
}

/** What makes a row anomalous, one machine's. A rule that is left out is off; see `flat_guard` for the one that is not. */
export interface VerdictRules {
  /** A row is anomalous when its score is above this, 0..1. */
  readonly threshold: number;
  /** An event closes this long after its last anomalous row, once an ordinary row has come. */
  readonly clear_after: DurationMs;
  /** Once a row is anomalous, those after it are until a score is at or below this, 0..threshold. Left out: the threshold. */
  readonly clear_level?: number;
  /** Which side of the expected value counts. */
  readonly direction?: 'both' | 'above' | 'below';
  /** Least difference from the expected value, in the column's own unit; for every column, or by column. */
  readonly min_deviation?: number | { readonly [column: string]: number };
  /** The same as a share of the expected value. */
  readonly min_relative_deviation?: number;
  /** The score must call for this many rows one after the other, the last of which is the first anomalous one. */
  readonly hold_rows?: number;
  /** The score must call for this long. With `hold_rows` both must hold. */
  readonly hold_for?: DurationMs;
  /** An event that begins sooner after the last told one ended is not told. */
  readonly repeat_after?: DurationMs;
  /** Lowest and highest possible value by column; a row outside is anomalous whatever its score. */
  readonly valid_range?: { readonly [column: string]: readonly [number, number] };
  /** While a column hardly moves, scores count only for values that differ by this share of its level. Left out: 0.01. */
  readonly flat_guard?: number;
  /** Rows of a new model whose scores count for nothing. */
  readonly warm_up_rows?: number;
  /** A column that holds one value for this long is stuck; for every column, or by column. Null: none is. */
  readonly stuck_after?: DurationMs | { readonly [column: string]: DurationMs } | null;
  /** A machine without rows for this long is told of as silent. Null: never. */
  readonly stale_after?: DurationMs | null;
  /** Nothing is learned while an event is open. */
  readonly pause_learning?: boolean;
}

export interface ExpectationSettings {
  readonly after_load: readonly Expectation[];
  readonly after_transform: readonly Expectation[];
}

export type Expectation = (
  | { readonly min_rows: number }
  | { readonly fresh_within: DurationMs }
  /** Largest share of missing values, 0..1, over `columns` (default: the value columns). */
  | { readonly max_missing: number; readonly columns?: readonly string[] }
  | { readonly required_columns: readonly string[] }
) & { readonly otherwise: 'fail' | 'warn' };

/** At least one of `rows` and `pipeline` is set; with both, both must hold. */
export interface WaitSettings {
  /** Least number of rows that must have come since the last window done. */
  readonly rows: number | null;
  /** Pipeline that must have got past the last window done; the window then ends where that one stands, at the latest. */
  readonly pipeline: string | null;
  /** Longest wait. */
  readonly limit: DurationMs;
  /** Time between two looks. */
  readonly every: DurationMs;
  /** What becomes of the run after the longest wait. */
  readonly otherwise: 'skip' | 'fail' | 'run';
}

export interface OutputSettings {
  readonly table: string;
}

export interface AggregateSettings {
  /** Length of a bucket; they begin at multiples of it since the epoch. */
  readonly every: DurationMs;
  readonly table: string;
  /** Each gives a field `<value>_<function>` a value column. */
  readonly functions: readonly AggregateFunction[];
}

export type AggregateFunction = 'mean' | 'min' | 'max' | 'count';
