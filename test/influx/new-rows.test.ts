import { status } from '@grpc/grpc-js';
import { Table as ArrowTable, Int64, vectorFromArray } from 'apache-arrow';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { nanosFromIso } from '../../src/contract/time.js';
import { createInflux, type Influx } from '../../src/influx/connect.js';
import { countNewRows } from '../../src/influx/new-rows.js';
import { type StandIn, startStandIn } from '../../src/local/standin/server.js';
import { sourceOf } from '../pipeline.js';
import { FlightError, startFlightServer } from './flight-server.js';

const HOUR = 3_600_000_000_000n;
const START = nanosFromIso('2026-01-01T00:00:00Z') ?? 0n;
const TABLE = sourceOf({ table: 't' });

let server: StandIn;
let influx: Influx;

beforeAll(async () => {
  server = await startStandIn({ port: 0, dataDir: null, token: null });
  influx = createInflux({ host: server.url, token: null, database: 'db' });
  await influx.write(Array.from({ length: 10 }, (_, i) => `t,m=a x=${i} ${START + BigInt(i)}`));
});

afterAll(async () => {
  await influx.close();
  await server.close();
});

test('counts the rows of a range, its end not included, up to as many as are asked for', async () => {
  const count = (from: bigint, to: bigint, most: number) =>
    countNewRows(influx, TABLE, { from: START + from, to: START + to }, most);
  expect(await count(0n, 10n, 100)).toBe(10);
  expect(await count(3n, 9n, 100)).toBe(6);
  expect(await count(0n, 10n, 4)).toBe(4);
  expect(await count(10n, 100n, 4)).toBe(0);
  expect(await count(5n, 5n, 4)).toBe(0);
});

test.each([
  ['SELECT * FROM t WHERE x >= 5', 5],
  ['SELECT time, m, x FROM t WHERE time >= $from AND time < $to ORDER BY time; ', 9],
  ['SELECT max(time) AS time, m FROM t GROUP BY m -- the newest', 1],
])('counts what a query gives: %s', async (query, expected) => {
  const source = { ...TABLE, table: null, query };
  expect(await countNewRows(influx, source, { from: START + 1n, to: START + HOUR }, 100)).toBe(expected);
});

test('says that there is no such table, or no such database, before the first write', async () => {
  const range = { from: START, to: START + HOUR };
  const other = createInflux({ host: server.url, token: null, database: 'other' });
  onTestFinished(() => other.close());
  await expect(countNewRows(influx, { ...TABLE, table: 'u' }, range, 1)).rejects.toMatchObject({
    kind: 'MissingTable',
  });
  await expect(countNewRows(other, TABLE, range, 1)).rejects.toMatchObject({ kind: 'MissingDatabase' });
});

/** A database that looks at one hour at most, with a row a minute in the first five hours. */
async function limited() {
  const asked: [bigint, bigint][] = [];
  const flight = await startFlightServer(async ({ ticket, send }) => {
    const [from = 0n, to = 0n] = [ticket.params?.from, ticket.params?.to].map(
      (text) => nanosFromIso(String(text)) ?? 0n,
    );
    if (to - from > HOUR)
      throw new FlightError(status.INVALID_ARGUMENT, 'Query would exceed file limit of 432 parquet files');
    asked.push([from - START, to - START]);
    const end = to < START + 5n * HOUR ? to : START + 5n * HOUR;
    const rows = from < end ? (end - from) / (HOUR / 60n) : 0n;
    const most = BigInt(/LIMIT (\d+)/.exec(ticket.sql_query)?.[1] ?? 0);
    send(new ArrowTable({ rows: vectorFromArray([rows < most ? rows : most], new Int64()) }));
  });
  const connection = createInflux({ host: flight.url, token: null, database: 'db' });
  onTestFinished(async () => {
    await connection.close();
    flight.close();
  });
  return { connection, asked };
}

test('halves a range over too many files, the newer half first, and asks no more than it needs', async () => {
  const { connection, asked } = await limited();
  const range = { from: START, to: START + 8n * HOUR };
  expect(await countNewRows(connection, TABLE, range, 1000)).toBe(300);
  expect(asked).toEqual(Array.from({ length: 8 }, (_, i) => [BigInt(7 - i) * HOUR, BigInt(8 - i) * HOUR]));
  asked.length = 0;
  expect(await countNewRows(connection, TABLE, range, 70)).toBe(70);
  expect(asked).toHaveLength(5);
});

test('does not cut a query whose rows depend on the range it is asked for', async () => {
  const { connection } = await limited();
  const source = { ...TABLE, table: null, query: 'SELECT max(time) AS time, m FROM t GROUP BY m' };
  const asking = countNewRows(connection, source, { from: START, to: START + 8n * HOUR }, 1);
  await expect(asking).rejects.toMatchObject({ message: expect.stringContaining('--query-file-limit') });
});
