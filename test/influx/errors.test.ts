import { HttpError, RequestTimedOutError } from '@influxdata/influxdb3-client';
import { RpcError } from '@protobuf-ts/runtime-rpc';
import { expect, test } from 'vitest';
import { HalfspaceError } from '../../src/contract/failures.js';
import { failureFromInflux, isFileLimit } from '../../src/influx/errors.js';

const where = { host: 'http://influx.example:8181', database: 'plant' };

test.each([
  [
    'INVALID_ARGUMENT',
    "Error while planning query: Error during planning: table 'public.iox.nope' not found",
    'MissingTable',
  ],
  ['INVALID_ARGUMENT', 'Error while planning query: SQL error: ParserError("Expected: an SQL statement")', 'BadQuery'],
  ['INVALID_ARGUMENT', 'Schema error: No field named machineid. Valid fields are "m"."machineID".', 'BadSchema'],
  ['INTERNAL', 'database not found: plant', 'MissingDatabase'],
  ['INTERNAL', 'Received RST_STREAM with code 2', 'Unreachable'],
  ['INTERNAL', 'panic in the planner', 'ServerFault'],
  ['UNAUTHENTICATED', 'Unauthenticated', 'BadCredentials'],
  ['PERMISSION_DENIED', 'Permission denied', 'BadCredentials'],
  ['UNAVAILABLE', 'No connection established. Last error: connect ECONNREFUSED 127.0.0.1:1', 'Unreachable'],
  ['DEADLINE_EXCEEDED', 'Deadline exceeded after 1s', 'TimedOut'],
  ['RESOURCE_EXHAUSTED', 'query limit reached', 'RateLimited'],
  ['RESOURCE_EXHAUSTED', 'Received message larger than max (9 vs 4)', 'BadQuery'],
  ['INTERNAL', 'External error: Query would exceed file limit of 432 parquet files.', 'BadQuery'],
  ['CANCELLED', 'Call cancelled', 'Unreachable'],
])('sorts a query that ended with %s "%s" as %s', (code, message, kind) => {
  expect(failureFromInflux(new RpcError(message, code), where)).toMatchObject({ kind });
});

test.each([
  [400, 'BadRequest', 'RejectedWrite'],
  [401, '', 'BadCredentials'],
  [403, '', 'BadCredentials'],
  [404, '', 'MissingDatabase'],
  [408, '', 'TimedOut'],
  [413, '', 'RejectedWrite'],
  [422, '', 'RejectedWrite'],
  [429, '', 'RateLimited'],
  [500, '', 'ServerFault'],
  [503, '', 'ServerFault'],
])('sorts a write that was answered %d as %3$s', (status, text, kind) => {
  expect(failureFromInflux(new HttpError(status, text, ''), where)).toMatchObject({ kind });
});

test.each([
  [
    Object.assign(new Error('connect ECONNREFUSED 127.0.0.1:1'), { code: 'ECONNREFUSED' }),
    'Unreachable',
    /Check influx.host/,
  ],
  [Object.assign(new AggregateError([], ''), { code: 'ECONNREFUSED' }), 'Unreachable', /ECONNREFUSED/],
  [Object.assign(new Error('getaddrinfo ENOTFOUND nowhere'), { code: 'ENOTFOUND' }), 'Unreachable', /ENOTFOUND/],
  [
    Object.assign(new Error('self-signed certificate'), { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' }),
    'Unreachable',
    /certificate/,
  ],
  [Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' }), 'Unreachable', /ECONNRESET/],
  [new RequestTimedOutError(), 'TimedOut', /did not answer in time/],
  [new Error('No parameter matching $x provided in the query params map'), 'BadQuery', /\$x/],
  [new TypeError('unexpected end of stream'), 'ServerFault', /unexpected end/],
  ['odd', 'ServerFault', /odd/],
])('sorts %s as %s', (error, kind, message) => {
  const failure = failureFromInflux(error, where);
  expect(failure).toMatchObject({ kind, cause: error });
  expect(failure.message).toMatch(message);
});

test.each([
  ['connect ECONNREFUSED 127.0.0.1:1', 'ECONNREFUSED', 'connect ECONNREFUSED 127.0.0.1:1. Check influx.host and that'],
  [
    '800C:error:0A00010B:SSL routines:ssl3_get_record:wrong version number:../record/ssl3_record.c:350:\n',
    'EPROTO',
    'TLS: wrong version number. Check http or https in influx.host',
  ],
  ['self-signed certificate', 'DEPTH_ZERO_SELF_SIGNED_CERT', 'self-signed certificate. Check http or https'],
  ['getaddrinfo ENOTFOUND nowhere', 'ENOTFOUND', 'getaddrinfo ENOTFOUND nowhere. Check influx.host and that'],
  ['socket hang up', 'ECONNRESET', 'ECONNRESET: socket hang up. Check http or https and the port'],
])('says of a connection why there is none, for writes and queries alike: %s', (text, code, said) => {
  const write = failureFromInflux(Object.assign(new Error(text), { code }), where);
  expect(write.message).toContain(said);
  const query = failureFromInflux(
    new RpcError(`No connection established. Last error: Error: ${text}. Resolution note: `, 'UNAVAILABLE'),
    where,
  );
  expect(query.message).toContain(said.replace('ECONNRESET: ', ''));
});

test('doubts neither protocol nor port of a server that has answered before', () => {
  const hungUp = Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' });
  const { kind, message } = failureFromInflux(hungUp, { ...where, hasAnswered: true });
  expect(kind).toBe('Unreachable');
  expect(message).toMatch(/ECONNRESET: socket hang up\. Check influx\.host and that the server runs\.$/);
});

test.each([
  ['No connection established. Last error: Failed to connect (2026-11-23T12:07:07.198Z)', 'listens there and hung up'],
  ['No connection established. Last error: Protocol error (2026-11-23T12:07:07.198Z)', 'does not speak HTTP/2'],
  ['Name resolution failed for target dns:nowhere:8181', 'no address is known for nowhere:8181 (ENOTFOUND)'],
])('puts what gRPC says into words: %s', (text, said) => {
  expect(failureFromInflux(new RpcError(text, 'UNAVAILABLE'), where).message).toContain(said);
});

test('a web server in place of InfluxDB is not taken for a missing database or a wrong row', () => {
  for (const [status, body] of [
    [404, '<html>not here</html>'],
    [301, ''],
  ] as const) {
    const failure = failureFromInflux(new HttpError(status, '', body), where);
    expect(failure).toMatchObject({ kind: 'BadSettings' });
    expect(failure.message).toContain(`not InfluxDB 3: it answered a write with HTTP ${status}`);
  }
  expect(failureFromInflux(new HttpError(404, '', '{"error":"none"}'), where).kind).toBe('MissingDatabase');
});

test('passes on how long to wait, given in seconds or as a date', () => {
  const answer = (after: string) =>
    failureFromInflux(new HttpError(429, 'slow down', '', null, { 'retry-after': after }), where).retryAfterMs;
  expect(answer('7')).toBe(7000);
  const wait = answer(new Date(Date.now() + 60_000).toUTCString());
  expect(wait).toBeGreaterThan(50_000);
  expect(wait).toBeLessThanOrEqual(60_000);
  expect(answer('soon')).toBeUndefined();
});

test('leaves a failure that is sorted already as it is', () => {
  const failure = new HalfspaceError('BadSchema', 'as it was');
  expect(failureFromInflux(failure, where)).toBe(failure);
});

test('knows the file limit, and nothing else, as one', () => {
  const limit = new RpcError('Query would exceed file limit of 432 parquet files', 'INVALID_ARGUMENT');
  expect(isFileLimit(failureFromInflux(limit, where))).toBe(true);
  expect(isFileLimit(failureFromInflux(new RpcError('bad SQL', 'INVALID_ARGUMENT'), where))).toBe(false);
});

test('says host, database and remedy in a message', () => {
  const { message } = failureFromInflux(new RpcError('x', 'UNAUTHENTICATED'), where);
  expect(message).toBe(
    'InfluxDB at http://influx.example:8181 (database "plant") refused the token. Set INFLUX_TOKEN to a token with the right to read this database.',
  );
});
