import { isoFromNanos } from '../../contract/time.js';
import { infoSchemaOf } from './catalog.js';
import { encodeName, quoteName, quoteText } from './identifiers.js';
import { planningError } from './query-error.js';
import type { DatabaseSchema } from './schema.js';
import { type Token, tokensFromSql } from './sql-tokens.js';

/** Functions and tables of DuckDB that reach beyond the data of one database. */
const FORBIDDEN =
  /^(?:duckdb_|pg_|sqlite_|pragma_|read_|parquet_|sniff_|arrow_scan|json_execute|test_)|^(?:glob|query|query_table|getenv|which_secret|sql_auto_complete|nextval|currval|seq_scan|dbgen|dsdgen|repeat_row|summary|checkpoint|force_checkpoint|write_log|set_config)$/;

export interface RewrittenSql {
  readonly sql: string;
  /** The same with each parameter cast to the type given for its name. */
  typedSql(types: ReadonlyMap<string, string>): string;
  /** Names in the statement, which may be tables, columns or aliases. */
  readonly names: ReadonlySet<string>;
  readonly parameters: ReadonlySet<string>;
}

/**
 * DataFusion's SQL, as far as the stand-in understands it, in DuckDB's words: stored names, nanosecond timestamps,
 * information_schema of `database` alone. `nowNanos` is what `now()` means throughout.
 * @throws QueryError (INVALID_ARGUMENT) for anything that is not one SELECT.
 */
export function rewriteSql(sql: string, database: DatabaseSchema, nowNanos: bigint): RewrittenSql {
  const tokens = withoutTrailing(tokensFromSql(sql));
  const words = tokens.filter((token) => token.kind !== 'space');
  const info = quoteName(infoSchemaOf(database.id));
  const shown = showStatement(words, info);
  if (shown !== null) return shown;
  checkStatement(words);
  const names = new Set<string>();
  const parameters = new Set<string>();
  const out: string[] = [];
  let at = 0; // index in `words` of the token at hand
  let skip = 0;
  for (const token of tokens) {
    if (token.kind === 'space') {
      out.push(' ');
      continue;
    }
    const [before2, before, next, next2] = [words[at - 2], words[at - 1], words[at + 1], words[at + 2]];
    at++;
    if (skip > 0) {
      skip--;
      continue;
    }
    if (token.kind === 'parameter') parameters.add(token.value);
    if (token.kind !== 'word' && token.kind !== 'quoted') {
      out.push(token.raw);
      continue;
    }
    names.add(token.value);
    const isQualifier = next?.raw === '.' && before?.raw !== '.';
    if (isQualifier && token.value === 'public' && (next2?.value === 'iox' || next2?.value === 'information_schema'))
      skip = 1;
    else if (next?.raw === '.' && token.value === 'iox' && (isQualifier || before2?.value === 'public')) skip = 1;
    else if (next?.raw === '.' && token.value === 'information_schema') out.push(info);
    else out.push(nameOrKeyword(token, { before, next, next2 }, database, nowNanos));
    if (token.kind === 'word' && token.value === 'now' && next?.raw === '(' && next2?.raw === ')') skip = 2;
  }
  const typedSql = (types: ReadonlyMap<string, string>) =>
    out
      .map((part) => (part.startsWith('$') ? `CAST(${part} AS ${types.get(part.slice(1)) ?? 'VARCHAR'})` : part))
      .join('');
  return { sql: out.join(''), typedSql, names, parameters };
}

interface Neighbours {
  readonly before: Token | undefined;
  readonly next: Token | undefined;
  readonly next2: Token | undefined;
}

function nameOrKeyword(token: Token, near: Neighbours, database: DatabaseSchema, nowNanos: bigint): string {
  const { value } = token;
  const { before, next, next2 } = near;
  if (FORBIDDEN.test(value.toLowerCase()) && (next?.raw === '(' || !isKnown(value, database))) {
    if (next?.raw === '(') throw planningError(`Error during planning: Invalid function '${value}'.`);
    if (isTablePosition(before)) throw planningError(`Error during planning: table 'public.iox.${value}' not found`);
    throw planningError(`Schema error: No field named ${value}.`);
  }
  if (token.kind === 'quoted') return quoteName(encodeName(value));
  if (value === 'now' && next?.raw === '(' && next2?.raw === ')') return `TIMESTAMP_NS '${isoFromNanos(nowNanos)}'`;
  const isType = before?.raw === '::' || next?.kind === 'text' || (before?.value === 'as' && next?.raw === ')');
  if (value === 'timestamp' && isType) return 'TIMESTAMP_NS';
  return value; // in lower case: that is the name an answer or an error has for it
}

function isTablePosition(before: Token | undefined): boolean {
  return before !== undefined && ['from', 'join', ',', '.'].includes(before.value);
}

function isKnown(name: string, database: DatabaseSchema): boolean {
  if (database.tables.has(name)) return true;
  return [...database.tables.values()].some((table) => table.byName.has(name));
}

function withoutTrailing(tokens: readonly Token[]): Token[] {
  const kept = [...tokens];
  while (kept.length > 0 && (kept.at(-1)?.kind === 'space' || kept.at(-1)?.raw === ';')) kept.pop();
  return kept;
}

function checkStatement(words: readonly Token[]): void {
  const first = words.find((token) => token.raw !== '(');
  if (first === undefined)
    throw planningError('SQL error: ParserError("No SQL statements were provided in the query string")');
  if (first.kind !== 'word' || !['select', 'with', 'values'].includes(first.value)) {
    const known =
      /^(?:create|drop|alter|insert|update|delete|copy|attach|detach|pragma|set|use|load|install|explain|call|export|import|begin|commit|truncate|merge|vacuum|checkpoint)$/;
    const reason = known.test(first.value)
      ? `Error during planning: statement not supported: ${first.raw.toUpperCase()}; only SELECT and SHOW TABLES are`
      : `SQL error: ParserError("Expected: an SQL statement, found: ${first.raw}")`;
    throw planningError(reason);
  }
  if (words.some((token) => token.raw === ';')) {
    throw planningError('Error during planning: The context currently only supports a single SQL statement');
  }
}

/** `SHOW TABLES` and `SHOW COLUMNS FROM t`, which DataFusion reads from information_schema; null for all else. */
function showStatement(words: readonly Token[], info: string): RewrittenSql | null {
  const [show, what, from, table, ...rest] = words;
  if (show?.value !== 'show') return null;
  const none = { names: new Set<string>(), parameters: new Set<string>() };
  if (what?.value === 'tables' && from === undefined) {
    const sql = `SELECT table_catalog, table_schema, table_name, table_type FROM ${info}.tables`;
    return { ...none, sql, typedSql: () => sql };
  }
  if (what?.value === 'columns' && (from?.value === 'from' || from?.value === 'in') && table && rest.length === 0) {
    const columns = 'table_catalog, table_schema, table_name, column_name, data_type, is_nullable';
    const sql = `SELECT ${columns} FROM ${info}.columns WHERE table_name = ${quoteText(table.value)}`;
    return { ...none, sql, typedSql: () => sql };
  }
  throw planningError(
    `Error during planning: SHOW ${what?.raw ?? ''} is not supported; SHOW TABLES and SHOW COLUMNS FROM t are`,
  );
}
