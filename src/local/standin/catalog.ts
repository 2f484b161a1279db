import type { DuckDBConnection } from '@duckdb/node-api';
import { encodeName, quoteName, quoteText } from './identifiers.js';
import { type Column, type ColumnKind, DatabaseSchema, KINDS, LatestTimes, TableSchema } from './schema.js';

/*
 * How it lies in DuckDB. `^_meta` lists databases, tables and columns. Database 1 has the schema `^_db1`: its tables are
 * `^_t<id>`, seen through a view of the measurement's name, which sorts the columns as InfluxDB 3 does for `SELECT *`.
 * `^_info1` holds that database's information_schema.
 */
const META = quoteName('^_meta');

export function schemaOf(databaseId: number): string {
  return `^_db${databaseId}`;
}

export function infoSchemaOf(databaseId: number): string {
  return `^_info${databaseId}`;
}

export function storedTableOf(tableId: number): string {
  return `^_t${tableId}`;
}

/** Databases by name, as stored; an empty store is prepared. */
export async function loadCatalog(connection: DuckDBConnection): Promise<Map<string, DatabaseSchema>> {
  await connection.run(`
    CREATE SCHEMA IF NOT EXISTS ${META};
    CREATE TABLE IF NOT EXISTS ${META}.databases (id INTEGER NOT NULL, name VARCHAR NOT NULL);
    CREATE TABLE IF NOT EXISTS ${META}.tables (id INTEGER NOT NULL, database_id INTEGER NOT NULL, name VARCHAR NOT NULL);
    CREATE TABLE IF NOT EXISTS ${META}.columns (
      table_id INTEGER NOT NULL, position INTEGER NOT NULL, name VARCHAR NOT NULL, kind VARCHAR NOT NULL, data_type VARCHAR NOT NULL);
    ${MACROS}`);
  const byId = new Map<number, DatabaseSchema>();
  for (const [id, name] of await rowsOf(connection, `SELECT id, name FROM ${META}.databases ORDER BY id`)) {
    byId.set(Number(id), new DatabaseSchema(Number(id), String(name)));
  }
  const tables = new Map<number, TableSchema>();
  for (const [id, databaseId, name] of await rowsOf(connection, `SELECT id, database_id, name FROM ${META}.tables`)) {
    const table = new TableSchema(Number(id), String(name));
    tables.set(table.id, table);
    byId.get(Number(databaseId))?.tables.set(table.name, table);
  }
  const columns = `SELECT table_id, name, kind FROM ${META}.columns ORDER BY table_id, position`;
  for (const [tableId, name, kind] of await rowsOf(connection, columns)) {
    if (isColumnKind(kind)) tables.get(Number(tableId))?.add({ name: String(name), kind });
  }
  for (const database of byId.values()) {
    for (const table of database.tables.values()) await loadHints(connection, database, table);
  }
  return new Map([...byId.values()].map((database) => [database.name, database]));
}

/** Statements that make a database. */
export function createDatabaseSql({ id, name }: DatabaseSchema): string {
  const info = quoteName(infoSchemaOf(id));
  return `
    CREATE SCHEMA ${quoteName(schemaOf(id))};
    CREATE SCHEMA ${info};
    INSERT INTO ${META}.databases VALUES (${id}, ${quoteText(name)});
    CREATE VIEW ${info}.tables AS
      SELECT 'public' AS table_catalog, 'iox' AS table_schema, name AS table_name, 'BASE TABLE' AS table_type
      FROM ${META}.tables WHERE database_id = ${id}
      UNION ALL SELECT 'public', 'information_schema', unnest(['tables', 'columns']), 'VIEW'
      ORDER BY 2, 3;
    CREATE VIEW ${info}.columns AS
      SELECT 'public' AS table_catalog, 'iox' AS table_schema, t.name AS table_name, c.name AS column_name,
        (row_number() OVER (PARTITION BY t.id ORDER BY c.name) - 1)::UBIGINT AS ordinal_position, NULL::VARCHAR AS column_default,
        CASE WHEN c.kind = 'time' THEN 'NO' ELSE 'YES' END AS is_nullable, c.data_type AS data_type
      FROM ${META}.columns c JOIN ${META}.tables t ON c.table_id = t.id WHERE t.database_id = ${id}
      ORDER BY t.name, c.name;`;
}

/** Statements that make a table or give it more columns; `columns` is the whole list after it, `added` its tail. */
export function addColumnsSql(
  database: DatabaseSchema,
  table: { readonly id: number; readonly name: string; readonly isNew: boolean },
  columns: readonly Column[],
  added: readonly Column[],
): string {
  const schema = quoteName(schemaOf(database.id));
  const stored = `${schema}.${quoteName(storedTableOf(table.id))}`;
  const first = columns.length - added.length;
  const statements: string[] = [];
  if (table.isNew) {
    statements.push(`INSERT INTO ${META}.tables VALUES (${table.id}, ${database.id}, ${quoteText(table.name)})`);
    statements.push(`CREATE TABLE ${stored} (${added.map(columnSql).join(', ')})`);
  } else statements.push(...added.map((column) => `ALTER TABLE ${stored} ADD COLUMN ${columnSql(column)}`));
  const rows = added.map(
    ({ name, kind }, index) =>
      `(${table.id}, ${first + index}, ${quoteText(name)}, '${kind}', ${quoteText(KINDS[kind].dataType)})`,
  );
  statements.push(`INSERT INTO ${META}.columns VALUES ${rows.join(', ')}`);
  const shown = columns.map((column) => column.name).sort();
  const list = shown.map((name) => quoteName(encodeName(name))).join(', ');
  statements.push(
    `CREATE OR REPLACE VIEW ${schema}.${quoteName(encodeName(table.name))} AS SELECT ${list} FROM ${stored}`,
  );
  return statements.join(';\n');
}

function columnSql({ name, kind }: Column): string {
  return `${quoteName(encodeName(name))} ${KINDS[kind].duckType}${kind === 'time' ? ' NOT NULL' : ''}`;
}

async function loadHints(connection: DuckDBConnection, database: DatabaseSchema, table: TableSchema): Promise<void> {
  const stored = `${quoteName(schemaOf(database.id))}.${quoteName(storedTableOf(table.id))}`;
  const [latest] = await rowsOf(connection, `SELECT epoch_ns(max("time")) FROM ${stored}`);
  table.latest = new LatestTimes(typeof latest?.[0] === 'bigint' ? latest[0] : null);
  for (const [name, dictionary] of table.dictionaries) {
    const column = quoteName(encodeName(name));
    const distinct = `SELECT DISTINCT ${column} FROM ${stored} WHERE ${column} IS NOT NULL LIMIT ${dictionary.limit + 1}`;
    for (const [value] of await rowsOf(connection, distinct)) dictionary.add(String(value));
  }
}

async function rowsOf(connection: DuckDBConnection, sql: string): Promise<unknown[][]> {
  return (await connection.runAndReadAll(sql)).getRows();
}

function isColumnKind(kind: unknown): kind is ColumnKind {
  return typeof kind === 'string' && Object.hasOwn(KINDS, kind);
}

// Widths count from the epoch, as in DataFusion; months have no fixed width and fail there as here.
const MACROS = `
  CREATE OR REPLACE MACRO main.date_bin(width, stamp, origin := TIMESTAMP_NS '1970-01-01') AS
    make_timestamp_ns(epoch_ns(stamp::TIMESTAMP_NS)
      - ((epoch_ns(stamp::TIMESTAMP_NS) - epoch_ns(origin::TIMESTAMP_NS)) % epoch_ns(width::INTERVAL)
        + epoch_ns(width::INTERVAL)) % epoch_ns(width::INTERVAL));
  CREATE OR REPLACE MACRO main.to_timestamp(stamp) AS stamp::TIMESTAMP_NS;
  CREATE OR REPLACE MACRO main.to_timestamp_nanos(n) AS make_timestamp_ns(n);`;
