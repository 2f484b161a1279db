import { HttpError, InfluxDBClient, type QParamType, setLogger } from '@influxdata/influxdb3-client';
import { HalfspaceError } from '../contract/failures.js';
import type { QueryLanguage } from '../contract/pipeline.js';
import type { Table } from '../contract/table.js';
import { failureFromInflux, type InfluxAddress, type InfluxPlace } from './errors.js';
import { columnarQueryOf } from './record-batches.js';
import { findRejectedLine } from './rejected-line.js';
import { readRows } from './row-query.js';
import { createTableDecoder } from './table-from-batch.js';

export interface InfluxOptions {
  /** `http://host:port` or `https://…`, without path or credentials. */
  readonly host: string;
  /** Null where the server asks for none. */
  readonly token: string | null;
  readonly database: string;
  /** Deadline of one query, its rows included. */
  readonly queryTimeoutMs?: number;
  /** Longest silence of one write. */
  readonly writeTimeoutMs?: number;
  /** Called once when reads must take the client's slow public call. */
  readonly warn?: (message: string) => void;
}

export interface QueryOptions {
  /** Default `sql`. */
  readonly language?: QueryLanguage;
  readonly signal?: AbortSignal | undefined;
  /** Called with the rows so far after each batch. */
  readonly onRows?: ((rows: number) => void) | undefined;
  /** Columns to hand over as strings even where the database holds numbers or booleans. */
  readonly textColumns?: readonly string[];
  /** Columns known to be times; only the slow public call needs the hint. */
  readonly timeColumns?: readonly string[];
}

export interface WriteOptions {
  readonly signal?: AbortSignal | undefined;
}

export type QueryParams = Readonly<Record<string, QParamType>>;

/** One InfluxDB 3 database. */
export interface Influx extends InfluxAddress {
  /** False when reads fall back to the client's public call. */
  readonly isColumnar: boolean;
  /**
   * Rows of a query as tables, one for each batch the server sends, none when there are no rows; a string column's
   * dictionary is shared by the tables and only grows, a missing time is `MISSING_TIME`. `$name` in the text is
   * bound, never spliced. The column with the table's name that InfluxQL adds to each result is left out.
   * @throws HalfspaceError as sorted in errors.ts; the signal's reason when it is aborted, at the next batch at the latest.
   */
  query(text: string, params?: QueryParams, options?: QueryOptions): AsyncGenerator<Table, void, void>;
  /**
   * Writes one batch of line protocol with nanosecond times: all of it or nothing. The same lines may be written again:
   * rows with the same tags and time are replaced.
   * @throws HalfspaceError `RejectedWrite` naming the line where the server tells it; the signal's reason when aborted,
   * in which case the batch under way may still arrive.
   */
  write(lines: readonly string[], options?: WriteOptions): Promise<void>;
  close(): Promise<void>;
}

const QUERY_TIMEOUT_MS = 60_000; // the client's own default
const WRITE_TIMEOUT_MS = 10_000; // the client's own default
const LARGEST_MESSAGE_BYTES = 64 * 1024 * 1024; // gRPC's default of 4 MB is less than one batch of wide rows

/**
 * A connection to one database; nothing is sent before the first call.
 * @throws HalfspaceError `BadSettings` when the host is no plain http(s) address, or a header cannot hold the token.
 */
export function createInflux(options: InfluxOptions): Influx {
  const { token, database, queryTimeoutMs = QUERY_TIMEOUT_MS, writeTimeoutMs = WRITE_TIMEOUT_MS, warn } = options;
  const where: InfluxAddress = { host: originOf(options.host), database };
  let hasAnswered = false;
  const place = (): InfluxPlace => ({ ...where, hasAnswered });
  checkToken(token ?? '');
  // The client prints every failed write on stderr by itself; failures are reported by whoever catches them.
  setLogger({ error: () => {}, warn: () => {} });
  const client = new InfluxDBClient({
    host: where.host,
    token: token ?? '', // the client insists on a string and sends no header for an empty one
    database,
    queryTimeout: queryTimeoutMs,
    writeTimeout: writeTimeoutMs,
    grpcOptions: { 'grpc.max_receive_message_length': LARGEST_MESSAGE_BYTES },
  });
  const columnar = columnarQueryOf(client);
  if (columnar === null) {
    warn?.(
      'This version of the InfluxDB client has no columnar read: reading is slow and times are rounded to milliseconds.',
    );
  }

  function openTables(text: string, params: QueryParams, call: AbortSignal, query: QueryOptions): AsyncIterable<Table> {
    const bound = boxed(params);
    const { language = 'sql' } = query;
    const textColumns = new Set(query.textColumns);
    if (columnar === null) {
      const rows = client.query(text, database, { type: language, params: bound, timeout: queryTimeoutMs });
      return readRows(rows, { textColumns, timeColumns: new Set(query.timeColumns ?? ['time']) });
    }
    const tableFromBatch = createTableDecoder({ textColumns });
    const batches = columnar(text, { database, language, params: bound, timeoutMs: queryTimeoutMs, signal: call });
    return mapEach(batches, tableFromBatch);
  }

  async function* query(text: string, params: QueryParams = {}, queryOptions: QueryOptions = {}) {
    const { signal, onRows, language } = queryOptions;
    signal?.throwIfAborted();
    const call = new AbortController();
    const opened = openTables(text, params, call.signal, queryOptions);
    const tables = (language === 'influxql' ? mapEach(opened, withoutMeasurement) : opened)[Symbol.asyncIterator]();
    try {
      for (let rows = 0; ; ) {
        const next = await nextTable(tables, place, signal);
        hasAnswered = true;
        if (next === null) return;
        if (next.rows === 0) continue;
        rows += next.rows;
        onRows?.(rows);
        yield next;
        signal?.throwIfAborted();
      }
    } finally {
      // Ends the call on the server when it was cancelled or the reader stopped early; one that is over does not mind.
      call.abort();
      tables.return?.().catch(() => {}); // only frees what is buffered; its failure is the cancelled call's
    }
  }

  async function write(lines: readonly string[], { signal }: WriteOptions = {}): Promise<void> {
    signal?.throwIfAborted();
    if (lines.length === 0) return;
    try {
      await orAborted(client.write([...lines], database), signal);
      hasAnswered = true;
    } catch (error) {
      signal?.throwIfAborted();
      if (error instanceof HttpError && error.statusCode === 400) {
        const named = await findRejectedLine(error, lines, { ...where, token, timeoutMs: writeTimeoutMs, signal });
        if (named !== null) throw named;
      }
      throw failureFromInflux(error, place());
    }
  }

  return { ...where, isColumnar: columnar !== null, query, write, close: () => client.close() };
}

async function nextTable(
  tables: AsyncIterator<Table>,
  place: () => InfluxPlace,
  signal: AbortSignal | undefined,
): Promise<Table | null> {
  try {
    const next = await orAborted(tables.next(), signal);
    return next.done === true ? null : next.value;
  } catch (error) {
    signal?.throwIfAborted();
    throw failureFromInflux(error, place());
  }
}

/** Settles with the work, or rejects with the signal's reason as soon as it is aborted. */
function orAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work;
  return new Promise<T>((resolve, reject) => {
    const abort = () => reject(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}

/** What InfluxQL calls the column with the name of the table that a row is of. */
const MEASUREMENT_COLUMN = 'iox::measurement';

function withoutMeasurement({ rows, columns }: Table): Table {
  return { rows, columns: new Map([...columns].filter(([name]) => name !== MEASUREMENT_COLUMN)) };
}

async function* mapEach<A, B>(source: AsyncIterable<A>, map: (value: A) => B): AsyncGenerator<B, void, void> {
  for await (const value of source) yield map(value);
}

/**
 * The client drops parameters that are 0, "" or false and then misses them. Their object forms count as true there and
 * are the plain values again in the JSON that is sent.
 */
function boxed(params: QueryParams): Record<string, QParamType> {
  const entries = Object.entries(params).map(([name, value]): [string, QParamType] => {
    if (typeof value === 'number' && !Number.isFinite(value)) {
      throw new HalfspaceError('BadQuery', `Parameter $${name} is ${value}; only finite numbers can be bound.`);
    }
    return [name, Object(value)];
  });
  return Object.fromEntries(entries);
}

/** Scheme, host and port alone, so that no message can carry more. */
function originOf(host: string): string {
  let url: URL;
  try {
    url = new URL(host);
  } catch {
    throw new HalfspaceError('BadSettings', 'influx.host is no address; write it like http://localhost:8181.');
  }
  if (url.username !== '' || url.password !== '') {
    throw new HalfspaceError(
      'BadSettings',
      'influx.host holds credentials; put the token into influx.token (INFLUX_TOKEN).',
    );
  }
  const isHttp = url.protocol === 'http:' || url.protocol === 'https:';
  if (!isHttp || url.pathname !== '/' || url.search !== '') {
    // A query may hold a token, and without http:// what follows the first colon may be a password.
    const shown = isHttp ? `${url.origin}${url.pathname}${url.search === '' ? '' : '?…'}` : `${url.protocol}…`;
    throw new HalfspaceError(
      'BadSettings',
      `influx.host must be http(s)://host:port and nothing more, got "${shown}".`,
    );
  }
  return url.origin;
}

/** Both the client and gRPC would say no by quoting the token. */
function checkToken(token: string): void {
  const at = token.search(/[^\x20-\x7e]/);
  if (at < 0) return;
  const what = /[\r\n]/.test(token[at] ?? '') ? 'a line break' : 'a character that no HTTP header can hold';
  throw new HalfspaceError(
    'BadSettings',
    `influx.token (INFLUX_TOKEN) has ${what} at place ${at + 1} of ${token.length}; copy the token again.`,
  );
}
