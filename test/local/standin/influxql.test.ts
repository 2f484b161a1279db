import { expect, test } from 'vitest';
import { sqlFromInfluxQl } from '../../../src/local/standin/influxql.js';
import { DatabaseSchema } from '../../../src/local/standin/schema.js';
import { openStandIn, type Row } from './with-stand-in.js';

const LINES = [
  'machine_data,machineID=m1,provider=Acme power=1.5,load=10i,ok=t,note="it\'s" 1700000000123456789',
  'machine_data,machineID=m2,provider=Acme power=2.5,load=20i 1700000600000000000',
  'machine_data,machineID=m1 load=40i 1700001200000000001',
];
const AT = ['2023-11-14T22:13:20.123456789Z', '2023-11-14T22:23:20Z', '2023-11-14T22:33:20.000000001Z'] as const;

async function openWithRows() {
  const opened = await openStandIn();
  await opened.client.write(LINES);
  return opened;
}

function loads(rows: readonly Row[]): number[] {
  return rows.map(({ load }) => Number(load));
}

test('a row comes with its table and its time; names keep their case without quotes', async () => {
  const { influxQl } = await openWithRows();
  const [row, ...others] = await influxQl('SELECT machineID, "power" FROM machine_data WHERE load = 10');
  expect(others).toEqual([]);
  expect(Object.keys(row ?? {})).toEqual(['iox::measurement', 'time', 'machineID', 'power']);
  expect(row).toMatchObject({ 'iox::measurement': 'machine_data', machineID: 'm1', power: 1.5 });
});

test('* is every field and tag by name', async () => {
  const { influxQl } = await openWithRows();
  const [first, , last] = await influxQl('select * from "machine_data" -- all\n;');
  const names = ['iox::measurement', 'time', 'load', 'machineID', 'note', 'ok', 'power', 'provider'];
  expect(Object.keys(first ?? {})).toEqual(names);
  expect(last).toMatchObject({ load: 40, machineID: 'm1' });
});

test('a row without a value in any field is none', async () => {
  const { influxQl } = await openWithRows();
  expect(await influxQl('SELECT machineID, power FROM machine_data')).toHaveLength(2);
  expect(await influxQl('SELECT machineID FROM machine_data')).toEqual([]);
});

test('a table or column that does not exist is empty', async () => {
  const { influxQl } = await openWithRows();
  expect(await influxQl('SELECT * FROM nowhere WHERE time > 0 AND a = 1')).toEqual([]);
  expect(await influxQl('SELECT machineid FROM machine_data')).toEqual([]);
  const rows = await influxQl('SELECT load, other FROM machine_data');
  expect(rows.map(({ other }) => other)).toEqual([null, null, null]);
});

test.each<[string, Record<string, string | number | boolean>, number[]]>([
  ['time >= $from AND time < $to', { from: AT[0], to: AT[2] }, [10, 20]],
  ['time > $from', { from: AT[0] }, [20, 40]],
  [`time >= '${AT[0]}' AND time <= '${AT[2]}'`, {}, [10, 20, 40]],
  [`time < '${AT[2]}'`, {}, [10, 20]],
  ["time >= '2023-11-14 22:23:20' AND time < '2023-11-15'", {}, [20, 40]],
  ['time = 1700000000123456789', {}, [10]],
  ['time >= 1700000600s', {}, [20, 40]],
  ['time >= 1700000600000ms AND time <= 1700000600s + 10m', {}, [20]],
  ['time >= 28333343m20s', {}, [20, 40]],
  ['time > now() - 1h', {}, []],
  ['time < now() - 1d + 2h', {}, [10, 20, 40]],
  ["machineID = 'm1'", {}, [10, 40]],
  ["machineID != 'm1'", {}, [20]],
  ["provider = ''", {}, [40]],
  ['"machineID" = $id', { id: "x' OR 1=1 --" }, []],
  ['"machineID" = $id AND power < $p', { id: 'm2', p: 3 }, [20]],
  [String.raw`note = 'it\'s'`, {}, [10]],
  ['power > -1.5 AND load <> 20', {}, [10]],
  ['ok = true', {}, [10]],
  ["power = 'text'", {}, []],
  ['nothing = 1', {}, []],
])('understands WHERE %s', async (where, params, expected) => {
  const { influxQl } = await openWithRows();
  expect(loads(await influxQl(`SELECT load FROM machine_data WHERE ${where}`, params))).toEqual(expected);
});

test('rows are in the order of time, upwards unless said otherwise', async () => {
  const { influxQl } = await openWithRows();
  const read = async (end: string) => loads(await influxQl(`SELECT load FROM machine_data ${end}`));
  expect(await read('')).toEqual([10, 20, 40]);
  expect(await read('ORDER BY time DESC')).toEqual([40, 20, 10]);
  expect(await read('ORDER BY time ASC LIMIT 2')).toEqual([10, 20]);
  expect(await read('LIMIT 1 OFFSET 1')).toEqual([20]);
});

test.each([
  ['SELECT mean(power) FROM machine_data', 'found the function mean'],
  ['SELECT power FROM machine_data GROUP BY machineID', 'found GROUP'],
  ['SELECT power AS p FROM machine_data', 'found AS'],
  ["SELECT power FROM machine_data WHERE load = 10 OR machineID = 'm2'", 'found OR'],
  ['SELECT power FROM machine_data WHERE machineID =~ /m./', 'expected a comparison, found =~'],
  ['SELECT power FROM machine_data, other', 'found ,'],
  ['SELECT power FROM machine_data ORDER BY power', 'only time is possible'],
  ["SELECT power FROM machine_data WHERE time != '2023-11-14'", 'invalid time comparison operator: !='],
  ["SELECT power FROM machine_data WHERE time > 'yesterday'", 'not a valid timestamp'],
  ['SELECT power FROM machine_data WHERE time >= $from::timestamp', 'found ::'],
  ["SELECT power FROM machine_data WHERE note = 'a''b'", "found 'b'"],
  ['SHOW MEASUREMENTS', 'expected SELECT, found SHOW'],
  ['SELECT 5m FROM machine_data', 'expected a column, found 5m'],
  ['SELECT power FROM machine_data LIMIT -1', 'found -'],
  ['', 'expected SELECT, found the end'],
])('refuses %s', async (text, message) => {
  const { influxQl } = await openWithRows();
  const params: Record<string, string> = text.includes('$from') ? { from: AT[0] } : {};
  await expect(influxQl(text, params)).rejects.toMatchObject({
    code: 'INVALID_ARGUMENT',
    message: expect.stringContaining(message),
  });
});

test('refuses parameters that are named and do not come, and those that come and are not named', () => {
  const database = new DatabaseSchema(1, 'shop');
  const read = (given: readonly string[]) =>
    sqlFromInfluxQl({ text: 'SELECT a FROM t WHERE b = $x', database, given, nowNanos: 0n });
  expect(read(['x'])).toContain('WHERE false');
  expect(() => read([])).toThrow("'$x' was referenced");
  expect(() => read(['x', 'y'])).toThrow("'$y' was provided but not found");
});
