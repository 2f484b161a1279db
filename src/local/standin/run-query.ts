import {
  BIGINT,
  BOOLEAN,
  DOUBLE,
  type DuckDBConnection,
  type DuckDBPreparedStatement,
  type DuckDBResult,
  DuckDBTypeId,
  StatementType,
  VARCHAR,
} from '@duckdb/node-api';
import { status } from '@grpc/grpc-js';
import { createArrowColumn } from './arrow-columns.js';
import { ArrowStream, type ColumnHead, type FlightMessage } from './arrow-stream.js';
import { schemaOf } from './catalog.js';
import { decodeName, quoteName, quoteText } from './identifiers.js';
import { sqlFromInfluxQl } from './influxql.js';
import { planningError, QueryError, queryErrorFrom } from './query-error.js';
import { type ColumnKind, type DatabaseSchema, KINDS } from './schema.js';
import { rewriteSql } from './sql-rewrite.js';
import type { Store } from './store.js';

export type ParameterValue = string | number | boolean;

export interface QueryRequest {
  readonly database: string;
  readonly language: 'sql' | 'influxql';
  readonly text: string;
  readonly parameters: Readonly<Record<string, ParameterValue>>;
}

const INTERRUPT_EVERY_MS = 50;
const NANOS_PER_MS = 1_000_000n;
const DICTIONARY_BYTES = 1024 * 1024; // a statement with more text than this takes longer to plan than it saves

/**
 * Runs one SELECT, of either language, and yields its schema and then its rows as Flight messages, as fast as they are taken.
 * `signal`, or closing the store, stops DuckDB in the middle of its work. @throws QueryError
 */
export async function* runQuery(
  store: Store,
  request: QueryRequest,
  signal: AbortSignal,
): AsyncGenerator<FlightMessage> {
  const database = store.databases.get(request.database);
  if (database === undefined) throw new QueryError(status.INTERNAL, `database not found: ${request.database}`);
  const now = BigInt(Date.now()) * NANOS_PER_MS;
  const { text, language, parameters: given } = request;
  const sql = language === 'sql' ? text : sqlFromInfluxQl({ text, database, given: Object.keys(given), nowNanos: now });
  const rewritten = rewriteSql(sql, database, now);
  const { names, parameters } = rewritten;
  const { connection, end } = await store.connect();
  const interrupting = interruptWhenAborted(connection, [signal, store.closing]);
  const throwIfCancelled = () => {
    if (signal.aborted || store.closing.aborted) throw new QueryError(status.CANCELLED, 'the query was cancelled');
  };
  let rest: DuckDBResult | null = null;
  try {
    await connection.run(`SET search_path = '${quoteName(schemaOf(database.id))},main'`);
    const kinds = kindsOf(database, names);
    const dictionaries = dictionariesOf(database, names);
    const plan =
      (await planQuery(connection, rewritten.sql, kinds, dictionaries)) ??
      (await planQuery(connection, rewritten.typedSql(sqlTypesOf(request.parameters)), kinds, dictionaries));
    if (plan === null)
      throw planningError('Error during planning: the types of its parameters are not clear; cast them');
    bindParameters(plan.statement, parameters, request.parameters);
    throwIfCancelled();
    const result = await plan.statement.stream();
    rest = result;
    const columns = plan.columns.map(({ index, rest }) => createArrowColumn(result.columnType(index), index, rest));
    const stream = new ArrowStream(plan.heads, columns);
    yield stream.schemaMessage();
    for (;;) {
      throwIfCancelled();
      const chunk = await result.fetchChunk();
      if (chunk === null || chunk.rowCount === 0) break;
      yield* stream.add(chunk);
    }
    rest = null;
    yield* stream.finish();
  } catch (error) {
    throw queryErrorFrom(error);
  } finally {
    // A result that is not read to its end would keep the database open until it is collected as garbage.
    if (rest !== null) await abandon(connection, rest);
    interrupting.end();
    end();
  }
}

/** Stops what `connection` runs once one of the signals is aborted. */
function interruptWhenAborted(connection: DuckDBConnection, signals: readonly AbortSignal[]): { end(): void } {
  let timer: NodeJS.Timeout | undefined;
  const interrupt = () => {
    connection.interrupt();
    // Again and again: DuckDB forgets an interruption when the next statement begins, which may be just now.
    timer ??= setInterval(() => connection.interrupt(), INTERRUPT_EVERY_MS);
  };
  for (const signal of signals) {
    signal.addEventListener('abort', interrupt);
    if (signal.aborted) interrupt();
  }
  return {
    end: () => {
      clearInterval(timer);
      for (const signal of signals) signal.removeEventListener('abort', interrupt);
    },
  };
}

/** Ends a result that nobody reads any more: behind what is ready, DuckDB lets go of it at the fetch that finds the interruption. */
async function abandon(connection: DuckDBConnection, result: DuckDBResult): Promise<void> {
  connection.interrupt();
  let chunk = await result.fetchChunk().catch(() => null);
  while (chunk !== null && chunk.rowCount > 0) chunk = await result.fetchChunk().catch(() => null);
}

interface Plan {
  readonly statement: DuckDBPreparedStatement;
  readonly heads: readonly ColumnHead[];
  /** Where each column of the answer lies in the statement's result. */
  readonly columns: readonly { readonly index: number; readonly rest: number | null }[];
}

/**
 * Wraps the statement so that its result has only types the wire has, and texts with few values come as codes;
 * null when DuckDB cannot tell its columns before it knows the parameters' types.
 */
async function planQuery(
  connection: DuckDBConnection,
  sql: string,
  kinds: ReadonlyMap<string, ColumnKind>,
  dictionaries: ReadonlyMap<string, readonly string[]>,
): Promise<Plan | null> {
  const inner = await connection.prepare(sql);
  if (inner.statementType !== StatementType.SELECT) {
    throw planningError('Error during planning: statement not supported; only SELECT and SHOW TABLES are');
  }
  if (inner.columnCount === 1 && inner.columnName(0) === 'unknown' && inner.parameterCount > 0) return null;
  const heads: ColumnHead[] = [];
  const columns: { index: number; rest: number | null }[] = [];
  const select: string[] = [];
  const aliases: string[] = [];
  for (let i = 0; i < inner.columnCount; i++) {
    const name = shownName(inner.columnName(i));
    const kind = kinds.get(name);
    const typeId = inner.columnTypeId(i);
    const alias = `c${i}`;
    aliases.push(alias);
    const isOfKind = kind !== undefined && KINDS[kind].duckType.typeId === typeId;
    heads.push({ name, iox: isOfKind ? KINDS[kind].iox : null });
    const dictionary = typeId === DuckDBTypeId.VARCHAR ? dictionaries.get(name) : undefined;
    const index = select.length;
    if (dictionary !== undefined) {
      const code = `TRY_CAST(${alias} AS ENUM(${dictionary.map(quoteText).join(',')}))`;
      select.push(code, `CASE WHEN ${code} IS NULL THEN ${alias} END`);
      columns.push({ index, rest: index + 1 });
    } else {
      select.push(castFor(typeId, alias));
      columns.push({ index, rest: null });
    }
  }
  const wrapped = `SELECT ${select.join(', ')} FROM (${sql}) AS q(${aliases.join(', ')})`;
  return { statement: await connection.prepare(wrapped), heads, columns };
}

/** DataFusion's type for what DuckDB computes: whole numbers are 64 bits wide, fractions doubles, times nanoseconds. */
function castFor(typeId: DuckDBTypeId, alias: string): string {
  switch (typeId) {
    case DuckDBTypeId.BOOLEAN:
    case DuckDBTypeId.BIGINT:
    case DuckDBTypeId.UBIGINT:
    case DuckDBTypeId.DOUBLE:
    case DuckDBTypeId.VARCHAR:
    case DuckDBTypeId.TIMESTAMP_NS:
      return alias;
    case DuckDBTypeId.TINYINT:
    case DuckDBTypeId.SMALLINT:
    case DuckDBTypeId.INTEGER:
    case DuckDBTypeId.UTINYINT:
    case DuckDBTypeId.USMALLINT:
    case DuckDBTypeId.UINTEGER:
    case DuckDBTypeId.HUGEINT:
      return `${alias}::BIGINT`;
    case DuckDBTypeId.UHUGEINT:
      return `${alias}::UBIGINT`;
    case DuckDBTypeId.FLOAT:
    case DuckDBTypeId.DECIMAL:
      return `${alias}::DOUBLE`;
    case DuckDBTypeId.DATE:
    case DuckDBTypeId.TIMESTAMP:
    case DuckDBTypeId.TIMESTAMP_S:
    case DuckDBTypeId.TIMESTAMP_MS:
    case DuckDBTypeId.TIMESTAMP_TZ:
      return `${alias}::TIMESTAMP_NS`;
    default:
      return `${alias}::VARCHAR`;
  }
}

function shownName(stored: string): string {
  return stored === 'count_star()' ? 'count(*)' : decodeName(stored);
}

function bindParameters(
  statement: DuckDBPreparedStatement,
  named: ReadonlySet<string>,
  given: Readonly<Record<string, ParameterValue>>,
): void {
  for (const name of named) {
    const value = Object.hasOwn(given, name) ? given[name] : undefined;
    if (value === undefined) {
      throw planningError(`Error during planning: No value found for placeholder with name $${name}`);
    }
    const index = statement.parameterIndex(name);
    if (typeof value === 'string') statement.bindValue(index, value, VARCHAR);
    else if (typeof value === 'boolean') statement.bindValue(index, value, BOOLEAN);
    else if (Number.isSafeInteger(value)) statement.bindValue(index, BigInt(value), BIGINT);
    else statement.bindValue(index, value, DOUBLE);
  }
}

function sqlTypesOf(parameters: Readonly<Record<string, ParameterValue>>): Map<string, string> {
  return new Map(
    Object.entries(parameters).map(([name, value]) => {
      if (typeof value === 'string') return [name, 'VARCHAR'];
      if (typeof value === 'boolean') return [name, 'BOOLEAN'];
      return [name, Number.isSafeInteger(value) ? 'BIGINT' : 'DOUBLE'];
    }),
  );
}

/** Kind by column name over the tables the statement may read; a name with two kinds has none. */
function kindsOf(database: DatabaseSchema, names: ReadonlySet<string>): Map<string, ColumnKind> {
  const kinds = new Map<string, ColumnKind>();
  const unclear = new Set<string>();
  for (const table of tablesNamed(database, names)) {
    for (const { name, kind } of table.columns) {
      if (kinds.has(name) && kinds.get(name) !== kind) unclear.add(name);
      kinds.set(name, kind);
    }
  }
  for (const name of unclear) kinds.delete(name);
  return kinds;
}

/** Known texts by column name, where they are few enough to be sent as codes. */
function dictionariesOf(database: DatabaseSchema, names: ReadonlySet<string>): Map<string, readonly string[]> {
  const found = new Map<string, readonly string[]>();
  let bytes = 0;
  for (const table of tablesNamed(database, names)) {
    for (const [name, { values, isOverfull }] of table.dictionaries) {
      if (isOverfull || values.size === 0 || found.has(name)) continue;
      const usable = [...values].filter((value) => value !== '' && !value.includes('\0'));
      bytes += usable.reduce((sum, { length }) => sum + length + 3, 0);
      if (usable.length > 0 && bytes <= DICTIONARY_BYTES) found.set(name, usable);
    }
  }
  return found;
}

function tablesNamed(database: DatabaseSchema, names: ReadonlySet<string>) {
  return [...names].flatMap((name) => database.tables.get(name) ?? []);
}
