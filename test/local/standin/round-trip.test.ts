import { InfluxDBClient, Point } from '@influxdata/influxdb3-client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type StandIn, startStandIn } from '../../../src/local/standin/server.js';

let standIn: StandIn;
let client: InfluxDBClient;

beforeAll(async () => {
  standIn = await startStandIn({ port: 0, dataDir: null, token: 'secret' });
  client = new InfluxDBClient({ host: standIn.url, token: 'secret', database: 'shop' });
});

afterAll(async () => {
  await client.close();
  await standIn.close();
});

async function rowsOf(sql: string, options?: object): Promise<Record<string, unknown>[]> {
  const rows: Record<string, unknown>[] = [];
  for await (const row of client.query(sql, undefined, options)) rows.push(row);
  return rows;
}

test('what the client writes as text comes back from query()', async () => {
  await client.write(
    'machine_data,machineID=machine1,provider=Acme\\ Co power=1.5,n=3i,u=4u,ok=t,note="a \\"b\\"" 1700000000123456789',
  );
  expect(await rowsOf('SELECT * FROM machine_data')).toEqual([
    {
      machineID: 'machine1',
      n: 3,
      note: 'a "b"',
      ok: true,
      power: 1.5,
      provider: 'Acme Co',
      time: 1700000000123.4568,
      u: 4n,
    },
  ]);
});

test('points come back from queryPoints() as they were', async () => {
  const point = Point.measurement('points')
    .setTag('t', 'a')
    .setFloatField('f', 2)
    .setIntegerField('i', 7)
    .setTimestamp(new Date(1000));
  await client.write(point);
  const found: Point[] = [];
  for await (const each of client.queryPoints(`SELECT *, 'points' AS measurement FROM points`))
    found.push(each.asPoint('points'));
  expect(found).toHaveLength(1);
  // The client hands the time over in milliseconds and takes it back as nanoseconds.
  expect(found[0]?.toLineProtocol()).toBe('points,t=a f=2,i=7i 1000');
});
