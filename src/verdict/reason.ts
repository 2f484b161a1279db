import type { VerdictCause } from '../contract/anomaly-event.js';
import { formatDuration } from '../contract/duration.js';
import type { VerdictRules } from '../contract/pipeline.js';
import { ofColumn } from './machine-rules.js';

/** What is known of an anomalous row. */
export interface ReasonedRow {
  readonly cause: VerdictCause;
  readonly score: number;
  /** Name of the column that made it anomalous, and its value; null: unknown. */
  readonly column: string | null;
  readonly value: number;
  /** What of the column it was, by name; null: its value, or unknown. */
  readonly view: string | null;
  /** NaN: unknown. */
  readonly expected: number;
  /** NaN or infinite: none on that side. */
  readonly lower: number;
  readonly upper: number;
  /** Names of the columns without a value: what a score above the threshold may be about, and what is not there to be shown. */
  readonly missing: readonly string[];
}

/** More names than this are counted. */
const MISSING_NAMED = 3;

/** Names of the columns whose value is missing; `values` stand in the order of `names`, null or NaN where there is none. */
export function missingColumns(names: readonly string[], values: readonly (number | null)[]): readonly string[] {
  return names.filter((_, column) => Number.isNaN(values[column] ?? Number.NaN));
}

/** Why a row is anomalous, in the words that scores, plots and messages show. */
export function reasonText(row: ReasonedRow, rules: VerdictRules): string {
  const { cause, score, column, value } = row;
  switch (cause) {
    case 'range':
      return `${column ?? 'a value'} ${short(value)} outside the valid range${boundsText(row)}`;
    case 'stuck':
      return `${column ?? 'a column'} stuck at ${short(value)}${stuckText(rules, column)}`;
    case 'silent':
      return 'no rows';
    case 'score': {
      // Between its two levels a row is anomalous because those before it were.
      const level = score > rules.threshold ? rules.threshold : (rules.clear_level ?? rules.threshold);
      const found = `score ${score.toFixed(3)} above ${level}`;
      const absent = missingText(row.missing);
      if (column === null || Number.isNaN(value) || Number.isNaN(row.expected)) return found + absent;
      const named = row.view === null ? column : `${column} (${row.view})`;
      return `${found}: ${named} ${short(value)}, expected ${expectedText(row)}${absent}`;
    }
  }
}

/** ` for 30m or longer`, or nothing. */
function stuckText({ stuck_after: after = null }: VerdictRules, column: string | null): string {
  const least = after === null || column === null ? undefined : ofColumn(after, column);
  return least === undefined ? '' : ` for ${formatDuration(least)} or longer`;
}

/** `; no value of power, flow`, or nothing. */
function missingText(names: readonly string[]): string {
  if (names.length === 0) return '';
  const more = names.length > MISSING_NAMED ? ` and ${names.length - MISSING_NAMED} more` : '';
  return `; no value of ${names.slice(0, MISSING_NAMED).join(', ')}${more}`;
}

/** Bounds are shown where the value is beyond them, and what lies beyond them itself is not what is expected. */
function expectedText({ value, expected, lower, upper }: ReasonedRow): string {
  if (!(value < lower || value > upper)) return short(expected);
  const bounds = boundsText({ lower, upper });
  return expected < lower || expected > upper ? bounds.slice(2, -1) : `${short(expected)}${bounds}`;
}

/** ` (1 to 5)`, ` (at least 1)`, ` (at most 5)`, or nothing. */
function boundsText({ lower, upper }: Pick<ReasonedRow, 'lower' | 'upper'>): string {
  const [hasLower, hasUpper] = [Number.isFinite(lower), Number.isFinite(upper)];
  if (hasLower && hasUpper) return ` (${short(lower)} to ${short(upper)})`;
  if (hasLower) return ` (at least ${short(lower)})`;
  return hasUpper ? ` (at most ${short(upper)})` : '';
}

/** Six digits. */
function short(value: number): string {
  return String(Number(value.toPrecision(6)));
}
