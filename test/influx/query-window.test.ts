import { status } from '@grpc/grpc-js';
import {
  Table as ArrowTable,
  Float64,
  Int64,
  makeData,
  makeVector,
  TimestampNanosecond,
  Utf8,
  vectorFromArray,
} from 'apache-arrow';
import { afterEach, expect, test } from 'vitest';
import type { SourceSettings } from '../../src/contract/pipeline.js';
import type { Table } from '../../src/contract/table.js';
import { nanosFromIso } from '../../src/contract/time.js';
import { createInflux } from '../../src/influx/connect.js';
import { queryWindow, type WindowOptions } from '../../src/influx/query-window.js';
import { type FlightCall, FlightError, startFlightServer, type Ticket } from './flight-server.js';

const HOUR = 3_600_000_000_000n;
const DAY = 24n * HOUR;
const START = nanos('2026-01-01T00:00:00.000000001Z');
const source: SourceSettings = {
  table: 'machine_data',
  query: null,
  language: 'sql',
  id: ['provider', 'machineID'],
  values: ['power'],
  time: 'time',
  unique_id: 'readable',
};

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** A server for one window after the other; `answer` gets each window and may refuse it. */
async function connect(answer: (window: Window, call: FlightCall) => void | Promise<void>) {
  const tickets: Ticket[] = [];
  const server = await startFlightServer(async (call) => {
    tickets.push(call.ticket);
    const { from, to } = call.ticket.params ?? {};
    await answer({ from: nanos(String(from ?? START.toString())), to: nanos(String(to)) }, call);
  });
  const influx = createInflux({ host: server.url, token: null, database: 'db' });
  cleanups.push(server.close, () => influx.close());
  const read = async (window: Window, settings: Partial<SourceSettings> = {}, options: WindowOptions = {}) => {
    const all: Table[] = [];
    for await (const table of queryWindow(influx, { ...source, ...settings }, window.from, window.to, options))
      all.push(table);
    return all;
  };
  return { influx, tickets, read };
}

interface Window {
  readonly from: bigint;
  readonly to: bigint;
}

function nanos(text: string): bigint {
  return nanosFromIso(text) ?? 0n;
}

/** One row a given time. */
function rowsAt(times: readonly bigint[]): ArrowTable {
  const same = (value: string) =>
    vectorFromArray(
      times.map(() => value),
      new Utf8(),
    );
  return new ArrowTable({
    provider: same('acme'),
    machineID: vectorFromArray(
      times.map((_, row) => `m${row % 2}`),
      new Utf8(),
    ),
    power: vectorFromArray(times.map(Number), new Float64()),
    time: makeVector(makeData({ type: new TimestampNanosecond(), data: BigInt64Array.from(times) })),
  });
}

function windowsOf(tickets: readonly Ticket[]): Window[] {
  return tickets.map(({ params }) => ({ from: nanos(String(params?.from)), to: nanos(String(params?.to)) }));
}

function timesOf(tables: readonly Table[]): bigint[] {
  return tables.flatMap((table) => {
    const column = table.columns.get('time');
    return column?.kind === 'time' ? [...column.values] : [];
  });
}

test('selects only the columns it needs, by their exact names, with the window bound to the nanosecond', async () => {
  const { read, tickets } = await connect(() => {});
  await read({ from: START, to: START + 5n }, { table: 'my "table"', values: ['power', 'provider'] });
  expect(tickets).toEqual([
    {
      database: 'db',
      query_type: 'sql',
      sql_query:
        'SELECT "provider", "machineID", "power", "time" FROM "my ""table""" ' +
        'WHERE "time" >= $from::timestamp AND "time" < $to::timestamp ORDER BY "time"',
      params: { from: '2026-01-01T00:00:00.000000001Z', to: '2026-01-01T00:00:00.000000006Z' },
    },
  ]);
});

test('reads a long window in chunks without gap or overlap, longer ones while rows are few', async () => {
  const { read, tickets } = await connect(({ from }, { send }) => send(rowsAt([from])));
  const to = START + 3n * DAY + 7n;
  const tables = await read({ from: START, to });
  const windows = windowsOf(tickets);
  expect(windows[0]?.from).toBe(START);
  expect(windows.at(-1)?.to).toBe(to);
  expect(windows.slice(1).map(({ from }) => from)).toEqual(windows.slice(0, -1).map((window) => window.to));
  expect(windows.map((window) => window.to - window.from)).toEqual([6n * HOUR, 12n * HOUR, DAY, DAY, 6n * HOUR + 7n]);
  expect(timesOf(tables)).toEqual(windows.map(({ from }) => from));
});

test('halves the chunk when the server refuses too many files, and loses no row by it', async () => {
  const limit = 2n * HOUR;
  const { read, tickets } = await connect(({ from, to }, { send }) => {
    if (to - from > limit) {
      throw new FlightError(
        status.INVALID_ARGUMENT,
        'External error: Query would exceed file limit of 432 parquet files.',
      );
    }
    send(rowsAt([from, to - 1n]));
  });
  const to = START + 7n * HOUR;
  const times = timesOf(await read({ from: START, to }));
  const accepted = windowsOf(tickets).filter((window) => window.to - window.from <= limit);
  expect(times).toEqual(accepted.flatMap((window) => [window.from, window.to - 1n]));
  expect(accepted[0]?.from).toBe(START);
  expect(accepted.at(-1)?.to).toBe(to);
  expect(accepted.slice(1).map(({ from }) => from)).toEqual(accepted.slice(0, -1).map((window) => window.to));
});

test('gives up on the file limit when even the shortest chunk is refused', async () => {
  const { read, tickets } = await connect(() => {
    throw new FlightError(status.INVALID_ARGUMENT, 'Query would exceed file limit of 432 parquet files');
  });
  await expect(read({ from: START, to: START + DAY })).rejects.toMatchObject({
    kind: 'BadQuery',
    message: expect.stringContaining('--query-file-limit'),
  });
  expect(tickets.length).toBeLessThan(10);
});

test('asks nothing for an empty window', async () => {
  const { read, tickets } = await connect(() => {});
  expect(await read({ from: START, to: START })).toEqual([]);
  expect(await read({ from: START + 1n, to: START })).toEqual([]);
  expect(tickets).toEqual([]);
});

test('selects one machine by bound ids', async () => {
  const { read, tickets } = await connect(() => {});
  await read({ from: START, to: START + 1n }, {}, { ids: ['', "x' OR 1=1"] });
  expect(tickets[0]?.sql_query).toContain(' AND "provider" = $id0 AND "machineID" = $id1 ORDER BY');
  expect(tickets[0]?.params).toMatchObject({ id0: '', id1: "x' OR 1=1" });
});

test('keeps one machine of a custom query', async () => {
  const { read } = await connect((_, { send }) => send(rowsAt([1n, 2n, 3n])));
  const query = 'SELECT * FROM m';
  expect(timesOf(await read({ from: START, to: START + 1n }, { table: null, query }, { ids: ['acme', 'm0'] }))).toEqual(
    [1n, 3n],
  );
  expect(await read({ from: START, to: START + 1n }, { table: null, query }, { ids: ['acme', 'm7'] })).toEqual([]);
});

test('runs a custom query once, with the parameters it names and no others', async () => {
  const { read, tickets } = await connect(() => {});
  const window = { from: START, to: START + 10n * DAY };
  await read(window, { table: null, query: 'SELECT * FROM m LIMIT 5' });
  await read(window, { table: null, query: 'SELECT avg(x) FROM m WHERE time >= $from' });
  expect(tickets.map(({ params }) => params)).toEqual([undefined, { from: '2026-01-01T00:00:00.000000001Z' }]);
});

test('reads a plain custom query in chunks', async () => {
  const { read, tickets } = await connect(() => {});
  const query = 'SELECT * FROM m WHERE time >= $from AND time < $to';
  await read({ from: START, to: START + DAY }, { table: null, query });
  expect(tickets.length).toBeGreaterThan(1);
});

test('sends InfluxQL as what it is, bounds as timestamps, and leaves out the column with the table’s name', async () => {
  const { read, tickets } = await connect((_, { send }) => {
    const { schema, batches } = rowsAt([1n]);
    const measurement = vectorFromArray(['m'], new Utf8());
    const columns = schema.names.map((name) => [name, new ArrowTable(schema, batches).getChild(name)]);
    send(new ArrowTable({ 'iox::measurement': measurement, ...Object.fromEntries(columns) }));
  });
  const query = 'SELECT * FROM m WHERE time >= $from AND time < $to';
  const [table] = await read({ from: START, to: START + 5n }, { table: null, query, language: 'influxql' });
  expect(tickets).toEqual([
    {
      database: 'db',
      query_type: 'influxql',
      sql_query: query,
      params: { from: '2026-01-01T00:00:00.000000001Z', to: '2026-01-01T00:00:00.000000006Z' },
    },
  ]);
  expect([...(table?.columns.keys() ?? [])]).toEqual(['provider', 'machineID', 'power', 'time']);
});

test('hands over ids as strings where the database holds numbers', async () => {
  const { read } = await connect((_, { send }) =>
    send(
      new ArrowTable({
        unit: vectorFromArray([2n ** 60n + 1n], new Int64()),
        power: vectorFromArray([1], new Float64()),
        time: makeVector(makeData({ type: new TimestampNanosecond(), data: BigInt64Array.of(1n) })),
      }),
    ),
  );
  const [table] = await read({ from: START, to: START + 1n }, { id: ['unit'] });
  expect(table?.columns.get('unit')).toMatchObject({ kind: 'string', dictionary: ['1152921504606846977'] });
});

test('names the columns that a custom query lacks, and those it has', async () => {
  const { read } = await connect((_, { send }) => send(rowsAt([1n])));
  const query = 'SELECT * FROM m';
  const window = { from: START, to: START + 1n };
  await expect(read(window, { table: null, query, id: ['site'], values: ['speed'] })).rejects.toMatchObject({
    kind: 'BadSchema',
    message: expect.stringMatching(/no columns "site", "speed"; it has "provider", "machineID", "power", "time"/),
  });
  await expect(read(window, { table: null, query, time: 'power' })).rejects.toMatchObject({
    kind: 'BadSchema',
    message: expect.stringContaining('"power" that holds no timestamps'),
  });
});

test('reports the rows so far over all chunks', async () => {
  const { read } = await connect(({ from }, { send }) => send(rowsAt([from, from + 1n])));
  const seen: number[] = [];
  await read({ from: START, to: START + DAY }, {}, { onRows: (rows) => seen.push(rows) });
  expect(seen).toEqual([2, 4, 6]);
});
