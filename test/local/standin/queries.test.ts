import { InfluxDBClient } from '@influxdata/influxdb3-client';
import type { RecordBatch } from 'apache-arrow';
import { expect, test } from 'vitest';
import { openStandIn } from './with-stand-in.js';

const LINES = [
  'machine_data,machineID=m1,provider=Acme power=1.5,load=10i,count=1u,ok=t,note="a longer text than twelve" 1700000000123456789',
  'machine_data,machineID=m2,provider=Acme power=2.5,load=20i 1700000600000000000',
  'machine_data,machineID=m1,provider=Böge power=4 1700001200000000001',
];

async function openWithRows(options = {}, clientOptions = {}) {
  const opened = await openStandIn(options, clientOptions);
  await opened.client.write(LINES);
  return opened;
}

async function rawBatches(client: InfluxDBClient, sql: string): Promise<RecordBatch[]> {
  const api = Reflect.get(client, '_queryApi');
  const batches: RecordBatch[] = [];
  for await (const batch of api._queryRawBatches(sql, 'shop', { type: 'sql' })) batches.push(batch);
  return batches;
}

test('record batches have InfluxDB’s types and column metadata', async () => {
  const { client } = await openWithRows();
  const [batch] = await rawBatches(client, 'SELECT *, power * 2 AS twice FROM machine_data ORDER BY time');
  expect(
    batch?.schema.fields.map((field) => [field.name, String(field.type), field.metadata.get('iox::column::type')]),
  ).toEqual([
    ['count', 'Uint64', 'iox::column_type::field::uinteger'],
    ['load', 'Int64', 'iox::column_type::field::integer'],
    ['machineID', 'Utf8', 'iox::column_type::tag'],
    ['note', 'Utf8', 'iox::column_type::field::string'],
    ['ok', 'Bool', 'iox::column_type::field::boolean'],
    ['power', 'Float64', 'iox::column_type::field::float'],
    ['provider', 'Utf8', 'iox::column_type::tag'],
    ['time', 'Timestamp<NANOSECOND>', 'iox::column_type::timestamp'],
    ['twice', 'Float64', undefined],
  ]);
  expect(batch?.getChild('time')?.data[0]?.values).toEqual(
    BigInt64Array.of(1700000000123456789n, 1700000600000000000n, 1700001200000000001n),
  );
  expect([...(batch?.getChild('provider') ?? [])]).toEqual(['Acme', 'Acme', 'Böge']);
  expect([...(batch?.getChild('note') ?? [])]).toEqual(['a longer text than twelve', null, null]);
  expect([...(batch?.getChild('ok') ?? [])]).toEqual([true, null, null]);
});

test('an answer without rows still has its columns', async () => {
  const { client, rows } = await openWithRows();
  expect(await rows('SELECT * FROM machine_data WHERE power > 100')).toEqual([]);
  const batches = await rawBatches(client, 'SELECT power FROM machine_data WHERE power > 100');
  expect(batches.reduce((sum, batch) => sum + batch.numRows, 0)).toBe(0);
});

test.each([
  ['time >= $p', { p: '2023-11-14T22:13:20.123456789Z' }, 3],
  ['time > $p', { p: '2023-11-14T22:13:20.123456789Z' }, 2],
  ['time >= $p::timestamp', { p: '2023-11-14T22:13:20.123456790Z' }, 2],
  ['time <= cast($p as timestamp)', { p: '2023-11-14T22:13:20.123456789Z' }, 1],
  ['"machineID" = $p', { p: 'm1' }, 2],
  ['"machineID" = $p', { p: "x' OR 1=1 --" }, 0],
  ['power > $p', { p: 2 }, 2],
  ['power > $p', { p: 2.5 }, 1],
  ['load = $p', { p: 20 }, 1],
  ['ok = $p', { p: true }, 1],
])('binds a parameter in WHERE %s', async (where, params, found) => {
  const { rows } = await openWithRows();
  expect(await rows(`SELECT count(*) AS n FROM machine_data WHERE ${where}`, params)).toEqual([{ n: BigInt(found) }]);
});

test('binds parameters outside WHERE, too', async () => {
  const { rows } = await openWithRows();
  expect(await rows('SELECT $a AS a, $b AS b, $c AS c', { a: 'text', b: 7, c: 1.5 })).toEqual([
    { a: 'text', b: 7n, c: 1.5 },
  ]);
  expect(await rows('SELECT power FROM machine_data ORDER BY time LIMIT $n', { n: 1 })).toEqual([{ power: 1.5 }]);
  await expect(rows('SELECT $$p$$', { p: 'x' })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
});

test.each<[string, unknown]>([
  ['SELECT count(*) FROM machine_data', [{ 'count(*)': 3n }]],
  [
    'SELECT "machineID", avg(power) AS p FROM machine_data GROUP BY "machineID" ORDER BY 1',
    [
      { machineID: 'm1', p: 2.75 },
      { machineID: 'm2', p: 2.5 },
    ],
  ],
  [
    "SELECT date_bin(interval '10 minutes', time) AS t, count(*) AS n FROM machine_data GROUP BY t ORDER BY t",
    [
      { t: 1699999800000, n: 1n },
      { t: 1700000400000, n: 1n },
      { t: 1700001000000, n: 1n },
    ],
  ],
  ["SELECT count(*) AS n FROM machine_data WHERE time > now() - interval '1 hour'", [{ n: 0n }]],
  ['SELECT sum(load) AS s, 7 / 2 AS half FROM machine_data', [{ s: 30n, half: 3n }]],
  ['SELECT m.power FROM (SELECT * FROM machine_data) AS m WHERE m.load IS NULL', [{ power: 4 }]],
  [
    'WITH q AS (SELECT max(time) AS last FROM machine_data) SELECT power FROM machine_data JOIN q ON time = last;',
    [{ power: 4 }],
  ],
  [
    'SELECT DISTINCT provider FROM iox.machine_data ORDER BY provider DESC',
    [{ provider: 'Böge' }, { provider: 'Acme' }],
  ],
  ['SELECT upper("machineID") AS "machineID" FROM machine_data ORDER BY time LIMIT 1', [{ machineID: 'M1' }]],
  ["SELECT 'It''s -- \"no\" comment; /* */ ;' AS s /* one; */ -- two", [{ s: 'It\'s -- "no" comment; /* */ ;' }]],
  ['SELECT load FROM machine_data ORDER BY load DESC LIMIT 1', [{ load: null }]],
])('understands %s', async (sql, expected) => {
  const { rows } = await openWithRows();
  const widened = JSON.stringify(await rows(sql), (_, value) => (typeof value === 'bigint' ? Number(value) : value));
  expect(JSON.parse(widened)).toEqual(
    JSON.parse(JSON.stringify(expected, (_, value) => (typeof value === 'bigint' ? Number(value) : value))),
  );
});

test('lists tables and columns of its own database only', async () => {
  const { client, rows } = await openWithRows();
  await client.write('other_table,x=1 y=1 1', 'another');
  expect(await rows("SELECT table_name FROM information_schema.tables WHERE table_schema = 'iox'")).toEqual([
    { table_name: 'machine_data' },
  ]);
  const shown = await rows('SHOW TABLES');
  expect(shown.filter((row) => row.table_schema === 'iox')).toEqual([
    { table_catalog: 'public', table_schema: 'iox', table_name: 'machine_data', table_type: 'BASE TABLE' },
  ]);
  const columns = await rows(
    "SELECT column_name, data_type FROM information_schema.columns WHERE table_name = 'machine_data' AND table_schema = 'iox'",
  );
  expect(columns).toEqual([
    { column_name: 'count', data_type: 'UInt64' },
    { column_name: 'load', data_type: 'Int64' },
    { column_name: 'machineID', data_type: 'Dictionary(Int32, Utf8)' },
    { column_name: 'note', data_type: 'Utf8' },
    { column_name: 'ok', data_type: 'Boolean' },
    { column_name: 'power', data_type: 'Float64' },
    { column_name: 'provider', data_type: 'Dictionary(Int32, Utf8)' },
    { column_name: 'time', data_type: 'Timestamp(Nanosecond, None)' },
  ]);
  await expect(rows('SELECT * FROM other_table')).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
});

test.each([
  ['SELECT * FROM nope', "table 'public.iox.nope' not found"],
  ['SELECT machineID FROM machine_data', 'Schema error: No field named machineid'],
  ['SELECT m.nope FROM machine_data m', 'No field named m.nope'],
  ['SELEC 1', 'SQL error: ParserError'],
  ['SELECT FROM WHERE', 'SQL error: ParserError'],
  ['', 'No SQL statements'],
  ['SELECT 1; SELECT 2', 'single SQL statement'],
  ['SELECT nothing_like_it(power) FROM machine_data', "Invalid function 'nothing_like_it'"],
  ['SELECT power FROM machine_data WHERE time > 5', 'Error during planning'],
  ['DROP TABLE machine_data', 'DROP'],
  ['CREATE TABLE t (a int)', 'CREATE'],
  ['INSERT INTO machine_data VALUES (1)', 'INSERT'],
  ['DELETE FROM machine_data', 'DELETE'],
  ['WITH q AS (SELECT 1) INSERT INTO machine_data SELECT * FROM q', 'Error while planning query'],
  ["COPY (SELECT 1) TO '/tmp/standin.csv'", 'COPY'],
  ["ATTACH '/tmp/standin.db'", 'ATTACH'],
  ['PRAGMA database_list', 'PRAGMA'],
  ['SET threads = 1', 'SET'],
  ["SELECT * FROM read_csv('/etc/hosts')", "Invalid function 'read_csv'"],
  ['SELECT * FROM "read_text"(\'/etc/hosts\')', "Invalid function 'read_text'"],
  ["SELECT * FROM '/etc/hosts'", 'Error while planning query'],
  ['SELECT * FROM duckdb_settings()', "Invalid function 'duckdb_settings'"],
  ['SELECT * FROM pg_catalog.pg_class', 'Error while planning query'],
  ["SELECT * FROM query('DROP TABLE machine_data')", "Invalid function 'query'"],
  ['SELECT * FROM "^_meta".columns', 'Error while planning query'],
  ["SELECT E'a\\'b'", 'ParserError'],
])('refuses %s', async (sql, message) => {
  const { rows } = await openWithRows();
  await expect(rows(sql)).rejects.toMatchObject({
    code: 'INVALID_ARGUMENT',
    message: expect.stringContaining(message),
  });
  expect(await rows('SELECT count(*) AS n FROM machine_data')).toEqual([{ n: 3n }]);
});

test('a missing database and a bad token have their own codes', async () => {
  const { standIn, client } = await openWithRows({ token: 'secret' });
  const read = async (from: InfluxDBClient, database?: string) => {
    for await (const _ of from.query('SELECT 1', database));
  };
  await expect(read(client, 'nowhere')).rejects.toMatchObject({
    code: 'INTERNAL',
    message: expect.stringContaining('database not found'),
  });
  const stranger = new InfluxDBClient({ host: standIn.url, token: 'wrong', database: 'shop' });
  await expect(read(stranger)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
  await stranger.close();
});
