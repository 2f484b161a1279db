import { fillsGaps } from '../contract/features.js';
import type { PipelineSettings, VerdictRules } from '../contract/pipeline.js';
import type { Table } from '../contract/table.js';
import { CAUSES } from '../verdict/judge.js';
import { missingColumns, type ReasonedRow, reasonText } from '../verdict/reason.js';
import { SCORE_COLUMNS, valueColumn } from './detect-anomalies.js';
import { numbersOf, textsOf, timesOf } from './table-columns.js';

/** The columns of a scores artifact, n rows each. */
export interface ScoredRows {
  readonly rows: number;
  readonly times: BigInt64Array;
  readonly scores: Float64Array;
  /** Index into `CAUSES`; 0: ordinary. */
  readonly causes: Float64Array;
  /** Index into `names`; -1: unknown. */
  readonly features: Float64Array;
  /** What of the column explains the row, by name; null: its value, or unknown. */
  readonly viewAt: (row: number) => string | null;
  readonly expected: Float64Array;
  readonly lower: Float64Array;
  readonly upper: Float64Array;
  /** 1 where the row fills a gap; null where none are filled. */
  readonly filled: Float64Array | null;
  /** The value columns' names, and their values in this order. */
  readonly names: readonly string[];
  readonly values: readonly Float64Array[];
}

export function scoredRows(table: Table, settings: PipelineSettings): ScoredRows {
  const { source } = settings;
  return {
    rows: table.rows,
    times: timesOf(table, SCORE_COLUMNS.time),
    scores: numbersOf(table, SCORE_COLUMNS.score),
    causes: numbersOf(table, SCORE_COLUMNS.cause),
    features: numbersOf(table, SCORE_COLUMNS.feature),
    viewAt: textsOf(table, SCORE_COLUMNS.view),
    expected: numbersOf(table, SCORE_COLUMNS.expected),
    lower: numbersOf(table, SCORE_COLUMNS.lower),
    upper: numbersOf(table, SCORE_COLUMNS.upper),
    filled: fillsGaps(settings) ? numbersOf(table, SCORE_COLUMNS.filled) : null,
    names: source.values,
    values: source.values.map((name) => numbersOf(table, valueColumn(name))),
  };
}

/** Why a row is anomalous, in words; empty for an ordinary one. */
export function reasonAt(scored: ScoredRows, row: number, rules: VerdictRules): string {
  const cause = CAUSES[scored.causes[row] ?? 0] ?? null;
  if (cause === null) return '';
  const feature = scored.features[row] ?? -1;
  const found: ReasonedRow = {
    cause,
    score: scored.scores[row] ?? Number.NaN,
    column: scored.names[feature] ?? null,
    view: scored.viewAt(row),
    value: scored.values[feature]?.[row] ?? Number.NaN,
    expected: scored.expected[row] ?? Number.NaN,
    lower: scored.lower[row] ?? Number.NaN,
    upper: scored.upper[row] ?? Number.NaN,
    missing: missingColumns(
      scored.names,
      scored.values.map((values) => values[row] ?? null),
    ),
  };
  return reasonText(found, rules);
}

/** The worst row of each cause there is. */
export function worstRows(scored: Pick<ScoredRows, 'rows' | 'causes' | 'scores'>): number[] {
  const worst = new Map<number, number>();
  for (let row = 0; row < scored.rows; row++) {
    const cause = scored.causes[row] ?? 0;
    const known = worst.get(cause);
    if (cause === 0) continue;
    if (known === undefined || Number(scored.scores[row]) > Number(scored.scores[known])) worst.set(cause, row);
  }
  return [...worst.values()];
}
