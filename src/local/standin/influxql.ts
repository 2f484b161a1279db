import { isoFromNanos, nanosFromIso } from '../../contract/time.js';
import { quoteName, quoteText } from './identifiers.js';
import { type InfluxQlToken, tokensFromInfluxQl } from './influxql-tokens.js';
import { planningError, type QueryError } from './query-error.js';
import type { ColumnKind, DatabaseSchema, TableSchema } from './schema.js';

export interface InfluxQlRequest {
  readonly text: string;
  readonly database: DatabaseSchema;
  /** Names of the parameters that came with it. */
  readonly given: readonly string[];
  /** What `now()` means, nanoseconds since the epoch. */
  readonly nowNanos: bigint;
}

const NANOS = {
  ns: 1n,
  u: 1_000n,
  µ: 1_000n,
  ms: 1_000_000n,
  s: 1_000_000_000n,
  m: 60_000_000_000n,
  h: 3_600_000_000_000n,
  d: 86_400_000_000_000n,
  w: 604_800_000_000_000n,
} as const;

/**
 * InfluxQL, as far as the stand-in understands it, in DataFusion's words: fields and tags, or `*`, of one table; comparisons
 * joined by AND; ORDER BY time; LIMIT and OFFSET. As in InfluxDB 3 names keep their case, a row comes with the name of its
 * table and with its time, and only when it has a value in one of the fields; a table or column that does not exist is empty.
 * @throws QueryError (INVALID_ARGUMENT) for anything else, naming the word it ends at.
 */
export function sqlFromInfluxQl(request: InfluxQlRequest): string {
  const reader = new Reader(tokensFromInfluxQl(request.text));
  reader.expectWord('select');
  const wanted = readSelect(reader);
  reader.expectWord('from');
  const tableName = reader.name('a table');
  const table = request.database.tables.get(tableName);
  const named = new Set<string>();
  const conditions = reader.takeWord('where') ? readConditions(reader, table, request, named) : [];
  const end = readEnd(reader);

  const unnamed = request.given.find((name) => !named.has(name));
  if (unnamed !== undefined) {
    throw refused(`Bind parameter '$${unnamed}' was provided but not found in the InfluxQL statement`);
  }
  const measurement = `${quoteText(tableName)} AS "iox::measurement"`;
  // Nothing is in a table that is not there.
  if (table === undefined) return `SELECT ${measurement}, now() AS "time" WHERE false`;
  const columns = wanted ?? [...table.byName.keys()].filter((name) => name !== 'time').sort();
  const kinds = columns.map((name) => [name, kindOf(table, name)] as const);
  const select = kinds.map(([name, kind]) => (kind === null ? `NULL AS ${quoteName(name)}` : quoteName(name)));
  const fields = kinds.filter(([, kind]) => kind !== null && kind !== 'tag').map(([name]) => quoteName(name));
  const hasField = fields.length === 0 ? 'false' : `(${fields.map((name) => `${name} IS NOT NULL`).join(' OR ')})`;
  const tags = kinds.filter(([, kind]) => kind === 'tag').map(([name]) => quoteName(name));
  const order = [`"time" ${end.direction}`, ...new Set(tags)].join(', ');
  return (
    `SELECT ${[measurement, '"time"', ...select].join(', ')} FROM ${quoteName(tableName)} ` +
    `WHERE ${[...conditions, hasField].join(' AND ')} ORDER BY ${order}${end.bounds}`
  );
}

/** The columns besides `time`; null for all of them. */
function readSelect(reader: Reader): string[] | null {
  if (reader.takeSymbol('*')) return null;
  const columns: string[] = [];
  do {
    const name = reader.name('a column');
    if (reader.isNext('(')) throw reader.notUnderstood(`the function ${name}`);
    if (name !== 'time' && !columns.includes(name)) columns.push(name);
  } while (reader.takeSymbol(','));
  return columns;
}

function readConditions(
  reader: Reader,
  table: TableSchema | undefined,
  { given, nowNanos }: InfluxQlRequest,
  named: Set<string>,
): string[] {
  const conditions: string[] = [];
  do {
    const name = reader.name('a column');
    const operator = reader.operator();
    const literal = reader.next('a value');
    if (literal.kind === 'parameter') {
      if (!given.includes(literal.value)) {
        throw refused(
          `Bind parameter '$${literal.value}' was referenced in the InfluxQL statement but its value is undefined`,
        );
      }
      named.add(literal.value);
    }
    conditions.push(
      name === 'time'
        ? `"time" ${timeOperator(operator)} ${timeSql(reader, literal, nowNanos)}`
        : comparison(reader, name, table === undefined ? null : kindOf(table, name), operator, literal),
    );
  } while (reader.takeWord('and'));
  return conditions;
}

function timeOperator(operator: string): string {
  if (operator === '!=' || operator === '<>') throw refused(`invalid time comparison operator: ${operator}`);
  return operator;
}

/** A time, or what is a while before or after it. */
function timeSql(reader: Reader, literal: InfluxQlToken, nowNanos: bigint): string {
  if (literal.kind === 'parameter') return `$${literal.value}::timestamp`;
  let nanos = timeOf(reader, literal, nowNanos);
  for (;;) {
    const sign = reader.takeSymbol('-') ? -1n : reader.takeSymbol('+') ? 1n : 0n;
    if (sign === 0n) return `timestamp ${quoteText(isoFromNanos(nanos))}`;
    const duration = reader.next('a duration');
    if (duration.kind !== 'duration') throw reader.notUnderstood(duration.raw);
    nanos += sign * nanosOf(duration.raw);
  }
}

function timeOf(reader: Reader, { kind, raw, value }: InfluxQlToken, nowNanos: bigint): bigint {
  if (kind === 'duration') return nanosOf(raw);
  if (kind === 'number' && /^\d+$/.test(raw)) return BigInt(raw);
  if (kind === 'text') {
    const day = /^\d{4}-\d{2}-\d{2}$/.test(value);
    const nanos = nanosFromIso(day ? `${value}T00:00:00Z` : value);
    if (nanos === null) throw refused(`invalid expression "${value}": not a valid timestamp`);
    return nanos;
  }
  if (kind === 'word' && raw.toLowerCase() === 'now' && reader.takeSymbol('(') && reader.takeSymbol(')'))
    return nowNanos;
  throw reader.notUnderstood(raw);
}

function nanosOf(duration: string): bigint {
  const parts = duration.matchAll(/(\d+)(ns|u|µ|ms|s|m|h|d|w)/g);
  return [...parts].reduce((sum, [, amount = '0', unit]) => sum + BigInt(amount) * unitNanos(unit), 0n);
}

function unitNanos(unit: string | undefined): bigint {
  return unit !== undefined && Object.hasOwn(NANOS, unit) ? NANOS[unit as keyof typeof NANOS] : 0n;
}

/** Kinds that do not go together, and columns that do not exist, are never equal, less or greater. */
function comparison(
  reader: Reader,
  name: string,
  kind: ColumnKind | null,
  operator: string,
  { kind: literalKind, raw, value }: InfluxQlToken,
): string {
  const isText = kind === 'tag' || kind === 'string';
  // A tag that a row does not have is an empty one.
  const column = kind === 'tag' ? `COALESCE(${quoteName(name)}, '')` : quoteName(name);
  const isOrder = operator !== '=' && operator !== '!=' && operator !== '<>';
  switch (literalKind) {
    case 'parameter':
      return kind === null ? 'false' : `${column} ${operator} $${value}`;
    case 'text':
      return isText && !isOrder ? `${column} ${operator} ${quoteText(value)}` : 'false';
    case 'number':
      return !isText && kind !== null && kind !== 'boolean' ? `${column} ${operator} ${raw}` : 'false';
    case 'word':
      if (!/^(?:true|false)$/i.test(raw)) throw reader.notUnderstood(raw);
      return kind === 'boolean' && !isOrder ? `${column} ${operator} ${raw}` : 'false';
    case 'symbol':
      if (raw === '-') {
        const number = reader.next('a number');
        if (number.kind === 'number')
          return comparison(reader, name, kind, operator, { ...number, raw: `-${number.raw}` });
      }
  }
  throw reader.notUnderstood(raw);
}

interface End {
  readonly direction: 'ASC' | 'DESC';
  readonly bounds: string;
}

function readEnd(reader: Reader): End {
  let direction: End['direction'] = 'ASC';
  let bounds = '';
  if (reader.takeWord('order')) {
    reader.expectWord('by');
    const column = reader.name('time');
    if (column !== 'time') throw refused(`ORDER BY ${column}: only time is possible`);
    if (reader.takeWord('desc')) direction = 'DESC';
    else reader.takeWord('asc');
  }
  for (const word of ['limit', 'offset']) {
    if (!reader.takeWord(word)) continue;
    const amount = reader.next('a number');
    if (!/^\d+$/.test(amount.raw)) throw reader.notUnderstood(amount.raw);
    bounds += ` ${word.toUpperCase()} ${amount.raw}`;
  }
  reader.takeSymbol(';');
  reader.expectEnd();
  return { direction, bounds };
}

function kindOf(table: TableSchema, name: string): ColumnKind | null {
  const index = table.byName.get(name);
  return index === undefined ? null : (table.columns[index]?.kind ?? null);
}

function refused(reason: string): QueryError {
  return planningError(`Error during planning: ${reason}`);
}

const OPERATORS = ['=', '!=', '<>', '<', '<=', '>', '>='];

/** Takes a statement's tokens one after the other. */
class Reader {
  readonly #tokens: readonly InfluxQlToken[];
  #at = 0;

  constructor(tokens: readonly InfluxQlToken[]) {
    this.#tokens = tokens;
  }

  isNext(symbol: string): boolean {
    const token = this.#tokens[this.#at];
    return token?.kind === 'symbol' && token.raw === symbol;
  }

  takeSymbol(symbol: string): boolean {
    if (!this.isNext(symbol)) return false;
    this.#at++;
    return true;
  }

  takeWord(word: string): boolean {
    const token = this.#tokens[this.#at];
    if (token?.kind !== 'word' || token.raw.toLowerCase() !== word) return false;
    this.#at++;
    return true;
  }

  expectWord(word: string): void {
    if (!this.takeWord(word)) throw this.notUnderstood(this.#tokens[this.#at]?.raw ?? 'the end', word.toUpperCase());
  }

  next(what: string): InfluxQlToken {
    const token = this.#tokens[this.#at++];
    if (token === undefined) throw this.notUnderstood('the end', what);
    return token;
  }

  name(what: string): string {
    const token = this.next(what);
    if (token.kind !== 'name' && token.kind !== 'word') throw this.notUnderstood(token.raw, what);
    return token.value;
  }

  operator(): string {
    const { raw } = this.next('a comparison');
    if (!OPERATORS.includes(raw)) throw this.notUnderstood(raw, 'a comparison');
    return raw;
  }

  expectEnd(): void {
    const left = this.#tokens[this.#at];
    if (left !== undefined) throw this.notUnderstood(left.raw);
  }

  notUnderstood(found: string, expected?: string): QueryError {
    const wish = expected === undefined ? '' : `expected ${expected}, `;
    return refused(
      `InfluxQL: ${wish}found ${found}; the InfluxDB stand-in understands SELECT of columns FROM one table WHERE comparisons joined by AND ORDER BY time LIMIT n`,
    );
  }
}
