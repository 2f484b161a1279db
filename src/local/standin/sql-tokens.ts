import { planningError } from './query-error.js';

export type TokenKind = 'space' | 'word' | 'quoted' | 'text' | 'number' | 'parameter' | 'symbol';

export interface Token {
  readonly kind: TokenKind;
  /** As written; comments are one space. */
  readonly raw: string;
  /** Characters it took in the statement. */
  readonly length: number;
  /** What it means: a quoted name without its quotes, a bare word in lower case (as DataFusion reads it), a parameter without `$`. */
  readonly value: string;
}

const PATTERNS: readonly (readonly [TokenKind, RegExp])[] = [
  ['space', /(?:\s+|--[^\n]*|\/\*[\s\S]*?\*\/)+/y],
  ['text', /'(?:[^']|'')*'/y],
  ['quoted', /"(?:[^"]|"")*"/y],
  ['parameter', /\$[A-Za-z_]\w*/y],
  ['word', /[\p{L}_][\p{L}\p{N}_]*/uy],
  ['number', /(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?/y],
  ['symbol', /::|<=|>=|<>|!=|\|\||[-+*/%(),.;:<>=~!?&|^[\]{}@#]/y],
];

/** The tokens of a statement. @throws QueryError on what neither DataFusion nor the stand-in reads. */
export function tokensFromSql(sql: string): Token[] {
  const tokens: Token[] = [];
  for (let at = 0; at < sql.length; ) {
    const token = tokenAt(sql, at);
    const previous = tokens.at(-1);
    // E'…' and the like would have escapes of their own.
    if (token.kind === 'text' && previous?.kind === 'word' && /^[ebxnu]$/.test(previous.value)) {
      throw planningError(
        `SQL error: ParserError("string literals with a prefix are not understood: ${previous.raw}'…'")`,
      );
    }
    tokens.push(token);
    at += token.length;
  }
  return tokens;
}

function tokenAt(sql: string, at: number): Token {
  for (const [kind, pattern] of PATTERNS) {
    pattern.lastIndex = at;
    const raw = pattern.exec(sql)?.[0];
    if (raw === undefined) continue;
    const { length } = raw;
    if (kind === 'space') return { kind, raw: ' ', length, value: ' ' };
    return { kind, raw, length, value: meaningOf(kind, raw) };
  }
  throw planningError(
    `SQL error: ParserError("unexpected character ${JSON.stringify(sql.slice(at, at + 1))} at ${at}")`,
  );
}

function meaningOf(kind: TokenKind, raw: string): string {
  if (kind === 'quoted') return raw.slice(1, -1).replaceAll('""', '"');
  if (kind === 'text') return raw.slice(1, -1).replaceAll("''", "'");
  if (kind === 'parameter') return raw.slice(1);
  return kind === 'word' ? raw.replace(/[A-Z]/g, (letter) => letter.toLowerCase()) : raw;
}
