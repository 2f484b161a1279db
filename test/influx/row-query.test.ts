import { InfluxDBClient } from '@influxdata/influxdb3-client';
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
import { MISSING_TIME } from '../../src/contract/table.js';
import { createInflux } from '../../src/influx/connect.js';
import { tableFromRows } from '../../src/influx/table-from-rows.js';
import { type FlightCall, startFlightServer } from './flight-server.js';

// A client without its private call cannot be had otherwise; everything behind this answer is real.
vi.mock('../../src/influx/record-batches.js', () => ({ columnarQueryOf: () => null }));

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function connect(answer: (call: FlightCall) => Promise<void>) {
  const warnings: string[] = [];
  const server = await startFlightServer(answer);
  const influx = createInflux({ host: server.url, token: null, database: 'db', warn: (text) => warnings.push(text) });
  cleanups.push(server.close, () => influx.close());
  return { influx, warnings };
}

function rows(count: number): ArrowTable {
  const times = BigInt64Array.from({ length: count }, (_, row) => BigInt(row) * 1_000_000n + 1n);
  return new ArrowTable({
    id: vectorFromArray(
      Array.from({ length: count }, (_, row) => (row === 1 ? null : `m${row % 3}`)),
      new Utf8(),
    ),
    power: vectorFromArray(
      Array.from({ length: count }, (_, row) => (row === 2 ? null : row / 3)),
      new Float64(),
    ),
    time: makeVector(makeData({ type: new TimestampNanosecond(), data: times })),
  });
}

test('reads through the public call where the private one is missing, and warns of it once', async () => {
  const { influx, warnings } = await connect(async ({ send }) => send(rows(10_000)));
  const tables: Table[] = [];
  for await (const table of influx.query('SELECT 1')) tables.push(table);
  expect(influx.isColumnar).toBe(false);
  expect(warnings).toEqual([expect.stringContaining('rounded to milliseconds')]);
  expect(tables.map((table) => table.rows)).toEqual([8192, 1808]);
  const [first] = tables;
  const id = first?.columns.get('id');
  const power = first?.columns.get('power');
  const time = first?.columns.get('time');
  expect(id?.kind === 'string' && [...id.codes.subarray(0, 4)].map((code) => id.dictionary[code])).toEqual([
    'm0',
    undefined,
    'm2',
    'm0',
  ]);
  expect(power?.kind === 'number' && [...power.values.subarray(0, 4)]).toEqual([0, 1 / 3, Number.NaN, 1]);
  expect(time?.kind === 'time' && [...time.values.subarray(0, 3)]).toEqual([0n, 1_000_000n, 2_000_000n]);
});

test('stops when cancelled there too', async () => {
  const { influx } = await connect(async ({ cancelled, send }) => {
    send(rows(8192));
    await cancelled;
  });
  const controller = new AbortController();
  const read = async () => {
    for await (const _ of influx.query('SELECT 1', {}, { signal: controller.signal })) {
      setImmediate(() => controller.abort(new Error('stopped by a test')));
    }
  };
  await expect(read()).rejects.toThrow('stopped by a test');
});

test('keeps numbers, texts, booleans and missing cells of rows apart', () => {
  const cells = [
    { time: 5, id: 7, flag: true, note: null, mixed: 'x' },
    { time: null, id: null, flag: null, note: null, mixed: 1 },
  ];
  const { columns } = tableFromRows(cells, { timeColumns: new Set(['time']), textColumns: new Set(['id']) });
  expect(Object.fromEntries(columns)).toEqual({
    time: { kind: 'time', values: BigInt64Array.of(5_000_000n, MISSING_TIME) },
    id: { kind: 'string', dictionary: ['7'], codes: Int32Array.of(0, -1) },
    flag: { kind: 'number', values: Float64Array.of(1, Number.NaN) },
    note: { kind: 'number', values: Float64Array.of(Number.NaN, Number.NaN) },
    mixed: { kind: 'string', dictionary: ['x', '1'], codes: Int32Array.of(0, 1) },
  });
});

test('finds the private call of the client in use, and finds none where it is gone', async () => {
  const { columnarQueryOf } = await vi.importActual<typeof import('../../src/influx/record-batches.js')>(
    '../../src/influx/record-batches.js',
  );
  const client = new InfluxDBClient({ host: 'http://127.0.0.1:1', token: '' });
  cleanups.push(() => client.close());
  expect(columnarQueryOf(client)).toBeTypeOf('function');
  expect(columnarQueryOf(Object.create(client, { _queryApi: { value: {} } }))).toBeNull();
});
