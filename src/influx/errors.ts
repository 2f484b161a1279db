/**
 * Every error the client or the network can raise, sorted once into the project's failure kinds.
 * gRPC codes and texts: InfluxDB 3 Core 3.6 (https://docs.influxdata.com/influxdb3/core/); HTTP codes: its write API.
 */
import { HttpError, RequestTimedOutError } from '@influxdata/influxdb3-client';
import { HalfspaceError } from '../contract/failures.js';

/** Where the call went; both appear in messages, so neither may carry credentials. */
export interface InfluxAddress {
  readonly host: string;
  readonly database: string;
}

/** The same, and what is known of the way there. */
export interface InfluxPlace extends InfluxAddress {
  /** Whether this connection's address and protocol have been seen to be right: what fails then is the server's being away. */
  readonly hasAnswered?: boolean;
}

const FILE_LIMIT = /file limit/i;
const MISSING_DATABASE = /(database|bucket|namespace)\b.*\b(not found|does not exist)/i;
const MISSING_TABLE = /\btable\b.*\b(not found|does not exist)/i;
const BAD_SCHEMA = /schema error|no field named|valid fields are|column .*(not found|does not exist)/i;
const TOO_LARGE_MESSAGE = /received message larger than max/i;
const LOST_CONNECTION = /RST_STREAM|ECONNRESET|socket hang up|connection (dropped|closed|reset)/i;
const TLS = /certificate|self.signed|\btls\b|\bssl\b|EPROTO|wrong version number/i;
/** A connection that was made, on which the other side did not speak HTTP/2 or hung up: http to an https port, another program. */
const OTHER_SERVER =
  /Last error: (Failed to connect|Protocol error)|^(Failed to connect|Protocol error)|socket hang up/;
const LONGEST_SERVER_TEXT = 500; // a planner error may quote the whole query

/**
 * The failure that says what a caller of InfluxDB can do about `error`; a HalfspaceError passes through unchanged.
 * Anything unknown becomes `ServerFault`, which is tried again.
 */
export function failureFromInflux(error: unknown, where: InfluxPlace): HalfspaceError {
  if (error instanceof HalfspaceError) return error;
  if (error instanceof HttpError) return failureFromHttp(error, where);
  if (error instanceof RequestTimedOutError) return timedOut(error, where);
  if (!(error instanceof Error)) {
    return new HalfspaceError('ServerFault', `${at(where)} failed: ${shorten(String(error))}`, { cause: error });
  }
  if (error.name === 'RpcError') return failureFromRpc(error, where);
  return failureFromNetwork(error, where);
}

/** True when InfluxDB refused because the time range touches more Parquet files than it allows (432 by default). */
export function isFileLimit(error: unknown): boolean {
  return error instanceof HalfspaceError && error.kind === 'BadQuery' && FILE_LIMIT.test(error.message);
}

function failureFromRpc(error: Error, where: InfluxPlace): HalfspaceError {
  const text = rpcText(error);
  const options = { cause: error };
  // The texts come first: InfluxDB sends some of them under a code that alone would mean something else.
  if (FILE_LIMIT.test(text)) {
    const remedy = 'read a shorter range of time, or raise --query-file-limit on the server';
    return new HalfspaceError('BadQuery', `${at(where)} refused the query: ${text}. To do: ${remedy}.`, options);
  }
  if (TOO_LARGE_MESSAGE.test(text)) {
    const remedy = 'select fewer or shorter columns';
    return new HalfspaceError(
      'BadQuery',
      `${at(where)} sent more than one message may hold: ${text}; ${remedy}.`,
      options,
    );
  }
  switch (stringProperty(error, 'code')) {
    case 'UNAUTHENTICATED':
    case 'PERMISSION_DENIED':
      return badCredentials(where, 'read', error);
    case 'INVALID_ARGUMENT':
    case 'UNIMPLEMENTED':
    case 'OUT_OF_RANGE':
    case 'FAILED_PRECONDITION':
      return refusedQuery(text, where, error);
    case 'NOT_FOUND':
      return MISSING_TABLE.test(text) ? refusedQuery(text, where, error) : missingDatabase(where, error);
    case 'DEADLINE_EXCEEDED':
      return timedOut(error, where);
    case 'RESOURCE_EXHAUSTED':
      return new HalfspaceError('RateLimited', `${at(where)} is over its limit: ${text}. It is tried again later.`, {
        ...options,
        ...retryAfter(property(error, 'meta')),
      });
    case 'UNAVAILABLE':
    case 'CANCELLED': // not by us: the connection went away under the call
      return unreachable(text, where, error);
    case 'INTERNAL':
    case 'UNKNOWN':
      if (MISSING_DATABASE.test(text)) return missingDatabase(where, error);
      if (LOST_CONNECTION.test(text)) return unreachable(text, where, error);
  }
  return new HalfspaceError('ServerFault', `${at(where)} failed inside: ${text}. It is tried again.`, options);
}

function failureFromHttp(error: HttpError, where: InfluxAddress): HalfspaceError {
  const text = shorten(error.message);
  const { statusCode } = error;
  const options = { cause: error, ...retryAfter(error.headers) };
  if (statusCode === 401 || statusCode === 403) return badCredentials(where, 'write', error);
  if (statusCode === 404 && isFromInflux(error)) return missingDatabase(where, error);
  if (statusCode === 404 || statusCode < 400) return notInflux(statusCode, where, error);
  if (statusCode === 408) return timedOut(error, where);
  if (statusCode === 429) {
    return new HalfspaceError('RateLimited', `${at(where)} asks to write more slowly: ${text}.`, options);
  }
  if (statusCode >= 500) {
    return new HalfspaceError(
      'ServerFault',
      `${at(where)} failed (HTTP ${statusCode}): ${text}. It is tried again.`,
      options,
    );
  }
  return new HalfspaceError(
    'RejectedWrite',
    `${at(where)} rejected a batch of rows (HTTP ${statusCode}) and kept none of it: ${text}. ` +
      'A field that changed its type is the usual cause; write to another table or correct the rows.',
    options,
  );
}

function failureFromNetwork(error: Error, where: InfluxPlace): HalfspaceError {
  const code = stringProperty(error, 'code') ?? '';
  // An Error with a code came from a socket or from name resolution; AbortError is the client's word for a cut response.
  if (code !== '' || error.name === 'AbortError' || LOST_CONNECTION.test(error.message)) {
    const text = [code, error.message].filter((part) => part !== '').join(': ');
    return unreachable(text, where, error);
  }
  if (/^No parameter matching/.test(error.message)) {
    const remedy = 'only $from and $to are bound; write other dollar signs without a name after them';
    return new HalfspaceError('BadQuery', `The query names a parameter without a value: ${error.message}; ${remedy}.`, {
      cause: error,
    });
  }
  return new HalfspaceError(
    'ServerFault',
    `${at(where)} gave an answer that cannot be read: ${shorten(error.message)}.`,
    {
      cause: error,
    },
  );
}

function refusedQuery(text: string, where: InfluxAddress, cause: Error): HalfspaceError {
  if (MISSING_TABLE.test(text)) {
    return new HalfspaceError(
      'MissingTable',
      `${at(where)} has no such table: ${text}. Correct the name, or write to it first.`,
      {
        cause,
      },
    );
  }
  if (BAD_SCHEMA.test(text)) {
    const remedy = 'Correct the column name; names with capitals need double quotes in SQL';
    return new HalfspaceError('BadSchema', `${at(where)} has no such column: ${text}. ${remedy}.`, { cause });
  }
  return new HalfspaceError('BadQuery', `${at(where)} refused the query: ${text}. Correct it.`, { cause });
}

function missingDatabase(where: InfluxAddress, cause: Error): HalfspaceError {
  const remedy = 'Correct influx.database, or write to it once: the first write makes it';
  return new HalfspaceError(
    'MissingDatabase',
    `There is no database "${where.database}" at ${where.host}. ${remedy}.`,
    { cause },
  );
}

/** InfluxDB explains itself in JSON or plain words; a web server in its place sends a page. */
function isFromInflux({ body }: HttpError): boolean {
  return !/^\s*</.test(body ?? '');
}

function notInflux(statusCode: number, where: InfluxAddress, cause: Error): HalfspaceError {
  const what = `What listens at ${where.host} is not InfluxDB 3: it answered a write with HTTP ${statusCode}`;
  return new HalfspaceError('BadSettings', `${what}. Check http or https and the port in influx.host.`, { cause });
}

function badCredentials(where: InfluxAddress, right: 'read' | 'write', cause: Error): HalfspaceError {
  const remedy = `Set INFLUX_TOKEN to a token with the right to ${right} this database`;
  return new HalfspaceError('BadCredentials', `${at(where)} refused the token. ${remedy}.`, { cause });
}

function timedOut(cause: Error, where: InfluxAddress): HalfspaceError {
  return new HalfspaceError(
    'TimedOut',
    `${at(where)} did not answer in time: ${shorten(cause.message)}. It is tried again.`,
    {
      cause,
    },
  );
}

function unreachable(text: string, where: InfluxPlace, cause: Error): HalfspaceError {
  const reason = networkReason(shorten(text));
  const remedy = TLS.test(text)
    ? 'Check http or https in influx.host and the server’s certificate (NODE_EXTRA_CA_CERTS adds an authority)'
    : OTHER_SERVER.test(text) && where.hasAnswered !== true
      ? 'Check http or https and the port in influx.host, and that it is InfluxDB 3 that runs there'
      : 'Check influx.host and that the server runs';
  return new HalfspaceError('Unreachable', `InfluxDB at ${where.host} cannot be reached: ${reason}. ${remedy}.`, {
    cause,
  });
}

/** What gRPC and OpenSSL say of a connection, without what is around it. */
function networkReason(text: string): string {
  const [, openSsl] = /SSL routines:[^:]*:([^:]+)/.exec(text) ?? [];
  if (openSsl !== undefined) return `TLS: ${openSsl}`;
  const [, name] = /^Name resolution failed for target (?:dns:)?(.+)$/.exec(text) ?? [];
  if (name !== undefined) return `no address is known for ${name} (ENOTFOUND)`;
  const inner = text
    .replace(/^No connection established\. Last error: (?:Error: )?/, '')
    .replace(/ \(\d{4}-\d\d-\d\dT[^)]*\)$/, '')
    .replace(/^(E[A-Z]+): (?=.*\b\1\b)/, '');
  if (inner === 'Failed to connect') return 'something listens there and hung up';
  return inner === 'Protocol error' ? 'what listens there does not speak HTTP/2' : inner;
}

function at(where: InfluxAddress): string {
  return `InfluxDB at ${where.host} (database "${where.database}")`;
}

/** gRPC percent-encodes messages; the client hands some of them on as they came. */
function rpcText(error: Error): string {
  try {
    return shorten(decodeURIComponent(error.message));
  } catch {
    return shorten(error.message);
  }
}

function shorten(text: string): string {
  // gRPC ends some messages with the name of a note it does not have.
  const line = text
    .replace(/\s+/g, ' ')
    .replace(/[:\s]*\.? Resolution note: *$/, '')
    .trim()
    .replace(/\.$/, '');
  return line.length > LONGEST_SERVER_TEXT ? `${line.slice(0, LONGEST_SERVER_TEXT)}…` : line;
}

/** Retry-After as seconds or as an HTTP date (RFC 9110, 10.2.3). */
function retryAfter(headers: unknown): { retryAfterMs?: number } {
  const value = property(headers, 'retry-after');
  const text = Array.isArray(value) ? String(value[0]) : typeof value === 'string' ? value : '';
  if (/^\d+$/.test(text.trim())) return { retryAfterMs: Number(text) * 1000 };
  const date = Date.parse(text);
  return Number.isNaN(date) ? {} : { retryAfterMs: Math.max(0, date - Date.now()) };
}

function property(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}

function stringProperty(value: unknown, name: string): string | undefined {
  const found = property(value, name);
  return typeof found === 'string' ? found : undefined;
}
