import { type Column, MISSING_TIME, type Table } from '../contract/table.js';
import { isoFromNanos } from '../contract/time.js';
import type { Influx, QueryOptions } from './connect.js';
import { quoteIdentifier } from './identifiers.js';

export interface TableColumn {
  readonly name: string;
  readonly kind: 'tag' | 'string' | 'number' | 'boolean' | 'time' | 'other';
}

type Reader = Pick<Influx, 'query'>;
type ReadOptions = Pick<QueryOptions, 'signal'>;

const USER_SCHEMA = 'iox'; // InfluxDB 3 keeps the tables people write in this schema

/** Names of the database's tables, sorted. */
export async function listTables(influx: Reader, options: ReadOptions = {}): Promise<string[]> {
  const sql =
    'SELECT DISTINCT table_name FROM information_schema.columns WHERE table_schema = $schema ORDER BY table_name';
  const names: string[] = [];
  for await (const table of influx.query(sql, { schema: USER_SCHEMA }, options)) {
    names.push(...textsOf(table, 'table_name'));
  }
  return names.sort();
}

/** Columns of a table in the database's order; empty when there is no such table. */
export async function describeTable(influx: Reader, table: string, options: ReadOptions = {}): Promise<TableColumn[]> {
  const sql =
    'SELECT column_name, data_type FROM information_schema.columns ' +
    'WHERE table_schema = $schema AND table_name = $table ORDER BY ordinal_position';
  const columns: TableColumn[] = [];
  for await (const part of influx.query(sql, { schema: USER_SCHEMA, table }, options)) {
    const types = textsOf(part, 'data_type');
    for (const [index, name] of textsOf(part, 'column_name').entries()) {
      columns.push({ name, kind: kindFromType(types[index] ?? '') });
    }
  }
  return columns;
}

/** First and last time of a table, nanoseconds since the epoch; null when it has no rows. */
export async function findTimeRange(
  influx: Reader,
  table: string,
  timeColumn: string,
  options: ReadOptions = {},
): Promise<{ first: bigint; last: bigint } | null> {
  const time = quoteIdentifier(timeColumn);
  const sql = `SELECT min(${time}) AS "first", max(${time}) AS "last" FROM ${quoteIdentifier(table)}`;
  for await (const part of influx.query(sql, {}, { ...options, timeColumns: ['first', 'last'] })) {
    const first = timeAt(part.columns.get('first'), 0);
    const last = timeAt(part.columns.get('last'), 0);
    if (first !== null && last !== null) return { first, last };
  }
  return null;
}

/** Rows of a table with from <= time < to (nanoseconds since the epoch). */
export async function countRows(
  influx: Reader,
  table: string,
  timeColumn: string,
  { from, to }: { readonly from: bigint; readonly to: bigint },
  options: ReadOptions = {},
): Promise<number> {
  const time = quoteIdentifier(timeColumn);
  const sql =
    `SELECT count(*) AS "rows" FROM ${quoteIdentifier(table)} ` +
    `WHERE ${time} >= $from::timestamp AND ${time} < $to::timestamp`;
  for await (const part of influx.query(sql, { from: isoFromNanos(from), to: isoFromNanos(to) }, options)) {
    const column = part.columns.get('rows');
    if (column?.kind === 'number') return column.values[0] ?? 0;
  }
  return 0;
}

/** Arrow's names of types, as information_schema gives them: tags are dictionaries of strings. */
function kindFromType(type: string): TableColumn['kind'] {
  if (type.startsWith('Dictionary')) return 'tag';
  if (/^(Large)?Utf8(View)?$/.test(type)) return 'string';
  if (type.startsWith('Timestamp')) return 'time';
  if (/^(Float|Int|UInt)\d+$/.test(type)) return 'number';
  if (type === 'Boolean') return 'boolean';
  return 'other';
}

function textsOf(table: Table, name: string): string[] {
  const column = table.columns.get(name);
  if (column?.kind !== 'string') return [];
  return Array.from(column.codes, (code) => column.dictionary[code] ?? '');
}

function timeAt(column: Column | undefined, row: number): bigint | null {
  const value = column?.kind === 'time' ? column.values[row] : undefined;
  return value === undefined || value === MISSING_TIME ? null : value;
}
