import type { VerdictCause } from '../contract/anomaly-event.js';
import type { VerdictRules } from '../contract/pipeline.js';

/** What is known of an anomalous row. */
export interface ReasonedRow {
  readonly cause: VerdictCause;
  readonly score: number;
  /** Name of the column that made it anomalous, and its value; null: unknown. */
  readonly column: string | null;
  readonly value: number;
  /** NaN: unknown. */
  readonly expected: number;
  /** NaN or infinite: none on that side. */
  readonly lower: number;
  readonly upper: number;
}

/** Why a row is anomalous, in the words that scores, plots and messages show. */
export function reasonText(row: ReasonedRow, rules: VerdictRules): string {
  const { cause, score, column, value } = row;
  switch (cause) {
    case 'range':
      return `${column ?? 'a value'} ${short(value)} outside the valid range${boundsText(row)}`;
    case 'stuck':
      return `${column ?? 'a column'} stuck at ${short(value)}`;
    case 'silent':
      return 'no rows';
    case 'score': {
      // Between its two levels a row is anomalous because those before it were.
      const level = score > rules.threshold ? rules.threshold : (rules.clear_level ?? rules.threshold);
      const found = `score ${score.toFixed(3)} above ${level}`;
      if (column === null || Number.isNaN(value) || Number.isNaN(row.expected)) return found;
      return `${found}: ${column} ${short(value)}, expected ${short(row.expected)}${boundsText(row)}`;
    }
  }
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
