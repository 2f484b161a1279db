import { HalfspaceError } from '../contract/failures.js';
import type { SourceSettings } from '../contract/pipeline.js';
import type { Table } from '../contract/table.js';
import { isoFromNanos } from '../contract/time.js';
import type { Influx, QueryOptions, QueryParams } from './connect.js';
import { isCutByTime, namesWindow } from './custom-query.js';
import { isFileLimit } from './errors.js';
import { quoteIdentifier } from './identifiers.js';
import { describeTable, listTables } from './schema.js';

const NANOS_PER_MINUTE = 60_000_000_000n;
const FIRST_CHUNK = 6n * 60n * NANOS_PER_MINUTE; // 36 of InfluxDB Core's files of ten minutes; it refuses above 432
const LARGEST_CHUNK = 24n * 60n * NANOS_PER_MINUTE; // 144 files
const SMALLEST_CHUNK = 10n * NANOS_PER_MINUTE; // one file
const FEW_ROWS = 100_000; // below it the next chunk may be twice as long
const MANY_ROWS = 1_000_000; // above it the next chunk is half as long, for memory's sake

export type WindowOptions = Pick<QueryOptions, 'signal' | 'onRows'>;

/**
 * The source's rows with from <= time < to (nanoseconds since the epoch), in time order where the source is a table.
 * Each table holds at least the id columns (strings), the value columns and the time column.
 *
 * Tables, and custom queries plainly limited by `$from` and `$to`, are read in chunks of time, because InfluxDB Core
 * refuses a query over too many files. Any other custom query runs once; one that names neither `$from` nor `$to` is
 * not limited to the window at all.
 * @throws HalfspaceError `MissingTable` and `BadSchema` naming what there is instead; others as `Influx.query` does.
 */
export async function* queryWindow(
  influx: Influx,
  source: SourceSettings,
  fromNs: bigint,
  toNs: bigint,
  { signal, onRows }: WindowOptions = {},
): AsyncGenerator<Table, void, void> {
  let rows = 0;
  try {
    for await (const table of readChunks(influx, source, fromNs, toNs, signal)) {
      if (rows === 0) checkColumns(source, table);
      rows += table.rows;
      onRows?.(rows);
      yield table;
    }
  } catch (error) {
    throw await explain(influx, source, error, signal);
  }
}

async function* readChunks(
  influx: Influx,
  source: SourceSettings,
  fromNs: bigint,
  toNs: bigint,
  signal: AbortSignal | undefined,
): AsyncGenerator<Table, void, void> {
  const sql = source.query ?? tableQuery(source);
  const options: QueryOptions = { signal, textColumns: source.id, timeColumns: [source.time] };
  if (source.query !== null && !namesWindow(sql)) {
    yield* influx.query(sql, {}, options);
    return;
  }
  if (fromNs >= toNs) return;
  if (source.query !== null && !isCutByTime(sql, source.time)) {
    yield* influx.query(sql, windowParams(fromNs, toNs, sql), options);
    return;
  }
  let chunk = FIRST_CHUNK;
  let largest = LARGEST_CHUNK;
  for (let start = fromNs; start < toNs; ) {
    const end = start + chunk < toNs ? start + chunk : toNs;
    let chunkRows = 0;
    try {
      for await (const table of influx.query(sql, windowParams(start, end, sql), options)) {
        chunkRows += table.rows;
        yield table;
      }
    } catch (error) {
      // It is refused before the first row, so nothing is read twice.
      if (!isFileLimit(error) || chunkRows > 0 || chunk <= SMALLEST_CHUNK) throw error;
      chunk = halfOf(chunk);
      largest = chunk;
      continue;
    }
    start = end;
    if (chunkRows > MANY_ROWS) chunk = halfOf(chunk);
    else if (chunkRows < FEW_ROWS) chunk = chunk * 2n < largest ? chunk * 2n : largest;
  }
}

function tableQuery({ id, values, time, table }: SourceSettings): string {
  const columns = [...new Set([...id, ...values, time])].map(quoteIdentifier).join(', ');
  const timeName = quoteIdentifier(time);
  return (
    `SELECT ${columns} FROM ${quoteIdentifier(table ?? '')} ` +
    `WHERE ${timeName} >= $from::timestamp AND ${timeName} < $to::timestamp ORDER BY ${timeName}`
  );
}

/** The client refuses a text with a parameter that is not given; the server may refuse one that is not named. */
function windowParams(fromNs: bigint, toNs: bigint, sql: string): QueryParams {
  const params = { from: isoFromNanos(fromNs), to: isoFromNanos(toNs) };
  return Object.fromEntries(Object.entries(params).filter(([name]) => new RegExp(`\\$${name}\\b`).test(sql)));
}

function halfOf(chunk: bigint): bigint {
  return chunk / 2n > SMALLEST_CHUNK ? chunk / 2n : SMALLEST_CHUNK;
}

function checkColumns(source: SourceSettings, { columns }: Table): void {
  const missing = missingFrom(source, new Set(columns.keys()));
  const origin = source.query === null ? `Table "${source.table}"` : 'The result of source.query';
  if (missing.length > 0) throw badSchema(origin, missing, [...columns.keys()]);
  if (columns.get(source.time)?.kind !== 'time') {
    throw new HalfspaceError(
      'BadSchema',
      `${origin} has a column "${source.time}" that holds no timestamps. Name another one in source.time, or CAST it in the query.`,
    );
  }
}

/** The same failure, or a better one when the table or a column turns out not to exist. */
async function explain(
  influx: Influx,
  source: SourceSettings,
  error: unknown,
  signal: AbortSignal | undefined,
): Promise<unknown> {
  if (!(error instanceof HalfspaceError) || isFileLimit(error)) return error;
  if (!['BadQuery', 'BadSchema', 'MissingTable'].includes(error.kind)) return error;
  try {
    if (source.table !== null) {
      const columns = (await describeTable(influx, source.table, { signal })).map(({ name }) => name);
      if (columns.length === 0)
        return missingTable(`"${source.table}"`, influx, await listTables(influx, { signal }), error);
      const missing = missingFrom(source, new Set(columns));
      return missing.length === 0 ? error : badSchema(`Table "${source.table}"`, missing, columns, error);
    }
    if (error.kind === 'MissingTable') {
      return missingTable('that source.query names', influx, await listTables(influx, { signal }), error);
    }
  } catch {
    // The look-up only improves the message; the first failure is the one to report.
  }
  return error;
}

function missingFrom(source: SourceSettings, existing: ReadonlySet<string>): string[] {
  return [...new Set([...source.id, ...source.values, source.time])].filter((name) => !existing.has(name));
}

function badSchema(
  origin: string,
  missing: readonly string[],
  existing: readonly string[],
  cause?: unknown,
): HalfspaceError {
  const columns = missing.length === 1 ? 'column' : 'columns';
  return new HalfspaceError(
    'BadSchema',
    `${origin} has no ${columns} ${quotedList(missing)}; it has ${quotedList(existing)}. ` +
      'Correct source.id, source.values or source.time.',
    { cause },
  );
}

function missingTable(name: string, influx: Influx, existing: readonly string[], cause: unknown): HalfspaceError {
  const there = existing.length === 0 ? 'The database has no tables yet' : `It has ${quotedList(existing)}`;
  return new HalfspaceError(
    'MissingTable',
    `Database "${influx.database}" at ${influx.host} has no table ${name}. ${there}. ` +
      'Correct source.table or source.query, or write rows to it first.',
    { cause },
  );
}

function quotedList(names: readonly string[]): string {
  return names.map((name) => `"${name}"`).join(', ');
}
