import { planningError } from './query-error.js';

export type InfluxQlTokenKind = 'word' | 'name' | 'text' | 'duration' | 'number' | 'parameter' | 'symbol';

export interface InfluxQlToken {
  readonly kind: InfluxQlTokenKind;
  /** As written. */
  readonly raw: string;
  /** What it means: a name or text without its quotes and escapes, a parameter without `$`. */
  readonly value: string;
}

const SKIPPED = /(?:\s+|--[^\n]*|\/\*[\s\S]*?\*\/)+/y;
/** As InfluxDB 3 reads them: https://docs.influxdata.com/influxdb3/core/reference/influxql/ */
const PATTERNS: readonly (readonly [InfluxQlTokenKind, RegExp])[] = [
  ['text', /'(?:[^'\\\n]|\\[\\'n])*'/y],
  ['name', /"(?:[^"\\\n]|\\[\\"n])*"/y],
  ['parameter', /\$[A-Za-z0-9_]+/y],
  ['word', /[A-Za-z_][A-Za-z0-9_]*/y],
  ['duration', /(?:\d+(?:ns|u|µ|ms|s|m|h|d|w))+(?![A-Za-z0-9_.])/y],
  ['number', /(?:\d*\.\d+|\d+)(?![A-Za-z0-9_.])/y],
  ['symbol', /=~|!~|<=|>=|<>|!=|::|[-+*/%(),.;:<>=&|^]/y],
];

/** The tokens of a statement. @throws QueryError on what InfluxQL does not read. */
export function tokensFromInfluxQl(statement: string): InfluxQlToken[] {
  const tokens: InfluxQlToken[] = [];
  for (let at = skipped(statement, 0); at < statement.length; ) {
    const token = tokenAt(statement, at);
    tokens.push(token);
    at = skipped(statement, at + token.raw.length);
  }
  return tokens;
}

function skipped(statement: string, at: number): number {
  SKIPPED.lastIndex = at;
  return at + (SKIPPED.exec(statement)?.[0].length ?? 0);
}

function tokenAt(statement: string, at: number): InfluxQlToken {
  for (const [kind, pattern] of PATTERNS) {
    pattern.lastIndex = at;
    const raw = pattern.exec(statement)?.[0];
    if (raw !== undefined) return { kind, raw, value: meaningOf(kind, raw) };
  }
  const shown = JSON.stringify(statement.slice(at, at + 1));
  throw planningError(`Error during planning: InfluxQL: unexpected ${shown} at pos ${at}`);
}

function meaningOf(kind: InfluxQlTokenKind, raw: string): string {
  if (kind === 'parameter') return raw.slice(1);
  if (kind !== 'text' && kind !== 'name') return raw;
  return raw.slice(1, -1).replace(/\\(.)/g, (_, escaped: string) => (escaped === 'n' ? '\n' : escaped));
}
