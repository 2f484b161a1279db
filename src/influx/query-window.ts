import type { SourceSettings } from '../contract/pipeline.js';
import type { Table } from '../contract/table.js';
import { isoFromNanos } from '../contract/time.js';
import type { Influx, QueryOptions, QueryParams } from './connect.js';
import { isCutByTime, namesWindow } from './custom-query.js';
import { isFileLimit } from './errors.js';
import { quoteIdentifier } from './identifiers.js';
import { keepMachine } from './machine-rows.js';
import { checkColumns, explainFailure } from './source-failures.js';

const NANOS_PER_MINUTE = 60_000_000_000n;
const FIRST_CHUNK = 6n * 60n * NANOS_PER_MINUTE; // 36 of InfluxDB Core's files of ten minutes; it refuses above 432
const LARGEST_CHUNK = 24n * 60n * NANOS_PER_MINUTE; // 144 files
const SMALLEST_CHUNK = 10n * NANOS_PER_MINUTE; // one file
const FEW_ROWS = 100_000; // below it the next chunk may be twice as long
const MANY_ROWS = 1_000_000; // above it the next chunk is half as long, for memory's sake

export interface WindowOptions extends Pick<QueryOptions, 'signal' | 'onRows'> {
  /** Only the machine with exactly these values in the id columns, in the order of `source.id`. */
  readonly ids?: readonly string[];
}

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
  { signal, onRows, ids }: WindowOptions = {},
): AsyncGenerator<Table, void, void> {
  let rows = 0;
  try {
    const reading: Reading = { influx, source, signal, ids: ids ?? null };
    let isFirst = true;
    for await (const found of readChunks(reading, fromNs, toNs)) {
      if (isFirst) checkColumns(source, found);
      isFirst = false;
      // A table's query selects the machine itself.
      const table = ids === undefined || source.query === null ? found : keepMachine(found, source.id, ids);
      if (table.rows === 0) continue;
      rows += table.rows;
      onRows?.(rows);
      yield table;
    }
  } catch (error) {
    throw await explainFailure(influx, source, error, signal);
  }
}

interface Reading {
  readonly influx: Influx;
  readonly source: SourceSettings;
  readonly ids: readonly string[] | null;
  readonly signal: AbortSignal | undefined;
}

async function* readChunks(reading: Reading, fromNs: bigint, toNs: bigint): AsyncGenerator<Table, void, void> {
  const { influx, source, ids, signal } = reading;
  const { language = 'sql' } = source; // a plan that an older version has frozen does not say
  const text = source.query ?? tableQuery(source, ids);
  const machine = ids === null ? {} : Object.fromEntries(ids.map((id, index) => [`id${index}`, id]));
  const options: QueryOptions = { language, signal, textColumns: source.id, timeColumns: [source.time] };
  if (source.query !== null && !namesWindow(text, language)) {
    yield* influx.query(text, {}, options);
    return;
  }
  if (fromNs >= toNs) return;
  // The client refuses a parameter the text names and does not get; the server may refuse one it gets and nothing names.
  const paramsFor = (from: bigint, to: bigint): QueryParams =>
    namedIn(text, { from: isoFromNanos(from), to: isoFromNanos(to), ...machine });
  if (source.query !== null && !isCutByTime(text, source.time, language)) {
    yield* influx.query(text, paramsFor(fromNs, toNs), options);
    return;
  }
  let chunk = FIRST_CHUNK;
  let largest = LARGEST_CHUNK;
  for (let start = fromNs; start < toNs; ) {
    const end = start + chunk < toNs ? start + chunk : toNs;
    let chunkRows = 0;
    try {
      for await (const table of influx.query(text, paramsFor(start, end), options)) {
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

function tableQuery({ id, values, time, table }: SourceSettings, ids: readonly string[] | null): string {
  const columns = [...new Set([...id, ...values, time])].map(quoteIdentifier).join(', ');
  const timeName = quoteIdentifier(time);
  const machine = ids === null ? '' : id.map((name, index) => ` AND ${quoteIdentifier(name)} = $id${index}`).join('');
  return (
    `SELECT ${columns} FROM ${quoteIdentifier(table ?? '')} ` +
    `WHERE ${timeName} >= $from::timestamp AND ${timeName} < $to::timestamp${machine} ORDER BY ${timeName}`
  );
}

function namedIn(text: string, params: QueryParams): QueryParams {
  return Object.fromEntries(Object.entries(params).filter(([name]) => new RegExp(`\\$${name}\\b`).test(text)));
}

function halfOf(chunk: bigint): bigint {
  return chunk / 2n > SMALLEST_CHUNK ? chunk / 2n : SMALLEST_CHUNK;
}
