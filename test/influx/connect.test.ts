import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { createServer, type Socket } from 'node:net';
import { status } from '@grpc/grpc-js';
import {
  Table as ArrowTable,
  Float64,
  makeData,
  makeVector,
  TimestampNanosecond,
  Utf8,
  vectorFromArray,
} from 'apache-arrow';
import { afterEach, expect, test, vi } from 'vitest';
import type { Table } from '../../src/contract/table.js';
import { createInflux } from '../../src/influx/connect.js';
import { type FlightCall, FlightError, startFlightServer } from './flight-server.js';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function connect(
  answer: (call: FlightCall) => Promise<void>,
  options: { queryTimeoutMs?: number; token?: string } = {},
) {
  const server = await startFlightServer(answer);
  const influx = createInflux({ host: server.url, token: options.token ?? null, database: 'db', ...options });
  cleanups.push(server.close, () => influx.close());
  return { influx, server };
}

function rows(count: number, first = 0): ArrowTable {
  const times = BigInt64Array.from({ length: count }, (_, row) => BigInt(first + row));
  return new ArrowTable({
    id: vectorFromArray(
      Array.from({ length: count }, () => 'a'),
      new Utf8(),
    ),
    power: vectorFromArray(
      Array.from({ length: count }, (_, row) => first + row),
      new Float64(),
    ),
    time: makeVector(makeData({ type: new TimestampNanosecond(), data: times })),
  });
}

async function collect(tables: AsyncIterable<Table>): Promise<Table[]> {
  const all: Table[] = [];
  for await (const table of tables) all.push(table);
  return all;
}

test('hands over one table a batch and reports the rows so far', async () => {
  const { influx } = await connect(async ({ send }) => {
    send(rows(3));
    send(rows(0));
    send(rows(2, 3));
  });
  const seen: number[] = [];
  const tables = await collect(influx.query('SELECT 1', {}, { onRows: (count) => seen.push(count) }));
  expect(influx.isColumnar).toBe(true);
  expect(tables.map((table) => table.rows)).toEqual([3, 2]);
  expect(seen).toEqual([3, 5]);
  expect(tables[1]?.columns.get('time')).toEqual({ kind: 'time', values: BigInt64Array.of(3n, 4n) });
});

test('binds parameters as they are, falsy ones and awkward texts included', async () => {
  const params = { zero: 0, empty: '', no: false, yes: true, text: "x' OR 1=1 --", number: 1.5 };
  let received: unknown;
  const { influx } = await connect(async ({ ticket }) => {
    received = ticket;
  });
  const sql = 'SELECT $zero, $empty, $no, $yes, $text, $number';
  await collect(influx.query(sql, params));
  expect(received).toEqual({ database: 'db', sql_query: sql, query_type: 'sql', params });
});

test('refuses a parameter that is no finite number', async () => {
  const { influx } = await connect(async () => {});
  await expect(collect(influx.query('SELECT $x', { x: Number.NaN }))).rejects.toMatchObject({ kind: 'BadQuery' });
});

test('sends the token, and no token where there is none', async () => {
  const seen: unknown[] = [];
  const answer = async ({ metadata }: FlightCall) => {
    seen.push(metadata.get('authorization'));
  };
  for (const options of [{ token: 'secret' }, {}])
    await collect((await connect(answer, options)).influx.query('SELECT 1'));
  expect(seen).toEqual([['Bearer secret'], []]);
});

test('stops between batches when cancelled, and cancels the call on the server', async () => {
  const calls: FlightCall[] = [];
  const { influx } = await connect(async (call) => {
    calls.push(call);
    call.send(rows(2));
    await call.cancelled;
  });
  const controller = new AbortController();
  const reason = new Error('stopped by a test');
  const read = async () => {
    for await (const _ of influx.query('SELECT 1', {}, { signal: controller.signal })) {
      setImmediate(() => controller.abort(reason));
    }
  };
  const started = performance.now();
  await expect(read()).rejects.toBe(reason);
  expect(calls).toHaveLength(1);
  await calls[0]?.cancelled;
  expect(performance.now() - started).toBeLessThan(1000);
});

test('cancels the call on the server when the reader stops early', async () => {
  const calls: FlightCall[] = [];
  const { influx } = await connect(async (call) => {
    calls.push(call);
    call.send(rows(2));
    await call.cancelled;
  });
  for await (const table of influx.query('SELECT 1')) {
    expect(table.rows).toBe(2);
    break;
  }
  expect(calls).toHaveLength(1);
  await calls[0]?.cancelled;
});

test('asks nothing of the server when it is cancelled before it begins', async () => {
  let calls = 0;
  const { influx } = await connect(async () => {
    calls++;
  });
  const query = influx.query('SELECT 1', {}, { signal: AbortSignal.abort(new Error('early')) });
  await expect(collect(query)).rejects.toThrow('early');
  await expect(influx.write(['m v=1 1'], { signal: AbortSignal.abort(new Error('early')) })).rejects.toThrow('early');
  expect(calls).toBe(0);
});

test('gives up a query that takes longer than its deadline', async () => {
  const { influx } = await connect(
    ({ cancelled, send }) => {
      send(rows(1));
      return cancelled;
    },
    { queryTimeoutMs: 300 },
  );
  await expect(collect(influx.query('SELECT 1'))).rejects.toMatchObject({ kind: 'TimedOut' });
});

test('says so when the server dies in the middle of a read', async () => {
  const { influx, server } = await connect(({ cancelled, send }) => {
    send(rows(1));
    return cancelled;
  });
  const read = async () => {
    for await (const _ of influx.query('SELECT 1')) server.close();
  };
  await expect(read()).rejects.toMatchObject({ kind: 'Unreachable' });
});

test('sorts what the server refuses', async () => {
  const { influx } = await connect(async () => {
    throw new FlightError(status.INTERNAL, 'database not found: db');
  });
  await expect(collect(influx.query('SELECT 1'))).rejects.toMatchObject({
    kind: 'MissingDatabase',
    message: expect.stringContaining('There is no database "db"'),
  });
});

test('calls a server that accepts and never answers timed out, for queries and writes', async () => {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => sockets.add(socket.on('error', () => {}))).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : 0;
  const influx = createInflux({
    host: `http://127.0.0.1:${port}`,
    token: null,
    database: 'db',
    queryTimeoutMs: 300,
    writeTimeoutMs: 300,
  });
  cleanups.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
    return influx.close();
  });
  await expect(collect(influx.query('SELECT 1'))).rejects.toMatchObject({ kind: 'TimedOut' });
  await expect(influx.write(['m v=1 1'])).rejects.toMatchObject({ kind: 'TimedOut' });
});

test('calls a port where nobody listens unreachable, for queries and writes, without the token', async () => {
  const influx = createInflux({ host: 'http://127.0.0.1:1', token: 'top-secret', database: 'db' });
  cleanups.push(() => influx.close());
  for (const call of [() => collect(influx.query('SELECT 1')), () => influx.write(['m v=1 1'])]) {
    const error: unknown = await call().catch((failure: unknown) => failure);
    expect(error).toMatchObject({ kind: 'Unreachable', message: expect.stringContaining('http://127.0.0.1:1') });
    expect(String(error)).not.toContain('top-secret');
  }
});

test.each([
  ['no address', 'localhost', /http:\/\/localhost:8181/],
  ['credentials', 'http://me:hidden@localhost:8181', /INFLUX_TOKEN/],
  ['a path', 'http://localhost:8181/api/v2', /nothing more/],
  ['another protocol', 'ftp://localhost', /http\(s\)/],
  [
    'a token in the query',
    'http://localhost:8181/?token=hidden',
    /nothing more, got "http:\/\/localhost:8181\/\?…"\.$/,
  ],
  ['credentials without a protocol', 'me:hidden@localhost:8181', /nothing more, got "me:…"\.$/],
])('refuses %s as host', (_, host, message) => {
  const create = () => createInflux({ host, token: null, database: 'db' });
  expect(create).toThrow(expect.objectContaining({ kind: 'BadSettings', message: expect.stringMatching(message) }));
  expect(create).not.toThrow(/hidden/);
});

test.each([
  [429, { 'retry-after': '3' }, { kind: 'RateLimited', retryAfterMs: 3000 }],
  [503, { 'retry-after': '2' }, { kind: 'ServerFault', retryAfterMs: 2000 }],
  [500, {}, { kind: 'ServerFault', retryAfterMs: undefined }],
  [403, {}, { kind: 'BadCredentials' }],
  [404, {}, { kind: 'MissingDatabase' }],
  [400, {}, { kind: 'RejectedWrite' }],
])('sorts a write that the server answers with %d, and prints nothing by itself', async (code, headers, expected) => {
  const server = createHttpServer((request, response) => {
    request.resume();
    response.writeHead(code, headers).end('{"error":"as the test wants it"}');
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : 0;
  const influx = createInflux({ host: `http://127.0.0.1:${port}`, token: null, database: 'db' });
  const stderr = vi.spyOn(console, 'error');
  cleanups.push(() => {
    stderr.mockRestore();
    server.closeAllConnections();
    server.close();
    return influx.close();
  });
  await expect(influx.write(['m v=1 1'])).rejects.toMatchObject(expected);
  expect(stderr).not.toHaveBeenCalled();
});

test('asks for protocol and port only as long as the server has never answered', async () => {
  let isHungUp = true;
  const server = createHttpServer((request, response) => {
    request.resume();
    if (isHungUp) request.socket.destroy();
    else response.writeHead(204).end();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : 0;
  const influx = createInflux({ host: `http://127.0.0.1:${port}`, token: null, database: 'db' });
  cleanups.push(() => {
    server.closeAllConnections();
    server.close();
    return influx.close();
  });
  await expect(influx.write(['m v=1 1'])).rejects.toThrow(/socket hang up\. Check http or https and the port/);
  isHungUp = false;
  await influx.write(['m v=1 1']);
  isHungUp = true;
  await expect(influx.write(['m v=1 1'])).rejects.toThrow(/ECONNRESET.*Check influx\.host and that the server runs/);
});

test('stops waiting for a write when cancelled', async () => {
  const server = createServer((socket) => socket.on('error', () => {})).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : 0;
  const influx = createInflux({ host: `http://127.0.0.1:${port}`, token: null, database: 'db' });
  const sockets: Socket[] = [];
  const controller = new AbortController();
  const reason = new Error('stopped by a test');
  server.on('connection', (socket) => {
    sockets.push(socket);
    controller.abort(reason);
  });
  cleanups.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
    return influx.close();
  });
  await expect(influx.write(['m v=1 1'], { signal: controller.signal })).rejects.toBe(reason);
});

test.each([
  ['secret\n', 'a line break at place 7 of 7'],
  ['secrét', 'a character that no HTTP header can hold at place 5 of 6'],
  ['\0secret', 'a character that no HTTP header can hold at place 1 of 7'],
])('refuses the token %j before anything is sent, without showing it', (token, said) => {
  const make = () => createInflux({ host: 'http://127.0.0.1:1', token, database: 'd' });
  expect(make).toThrow(said);
  expect(make).not.toThrow(/secr/);
});
