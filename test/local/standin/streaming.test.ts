import { InfluxDBClient } from '@influxdata/influxdb3-client';
import { expect, test } from 'vitest';
import { openStandIn } from './with-stand-in.js';

const ENDLESS = 'SELECT count(*) AS n FROM m a, m b, m c'; // 8,000 billion pairs: hours

async function fill(client: InfluxDBClient, rows: number, from = 0): Promise<void> {
  for (let start = from; start < from + rows; start += 10_000) {
    const count = Math.min(10_000, from + rows - start);
    await client.write(
      Array.from(
        { length: count },
        (_, i) => `m,machine=machine-number-${(start + i) % 50} f=${start + i} ${start + i}`,
      ),
    );
  }
}

test('many batches arrive whole and in the order asked for', async () => {
  const { client } = await openStandIn();
  await fill(client, 100_000);
  let next = 0;
  for await (const row of client.query('SELECT machine, f FROM m ORDER BY time')) {
    if (row.f !== next || row.machine !== `machine-number-${next % 50}`) expect(row, `row ${next}`).toBe(null);
    next++;
  }
  expect(next).toBe(100_000);
});

test('texts that would not fit one gRPC message are split over several', async () => {
  const { client, rows } = await openStandIn();
  const long = 'ü'.repeat(150_000);
  for (let i = 0; i < 5; i++) {
    await client.write(
      Array.from({ length: 10 }, (_, j) => `big i=${i * 10 + j},s="${i * 10 + j}${long}" ${i * 10 + j}`),
    );
  }
  const found = await rows('SELECT i, s FROM big ORDER BY time');
  expect(found.map(({ i, s }) => s === `${i}${long}`)).toEqual(Array(50).fill(true));
});

test('more tag values than a dictionary is worth are read right', async () => {
  const { client, rows } = await openStandIn();
  for (let start = 0; start < 22_000; start += 5500) {
    await client.write(
      Array.from({ length: 5500 }, (_, i) => `many,id=a-rather-long-name-${start + i} f=${start + i} ${i}`),
    );
  }
  const found = await rows('SELECT id, f FROM many');
  expect(found).toHaveLength(22_000);
  expect(found.every(({ id, f }) => id === `a-rather-long-name-${f}`)).toBe(true);
});

test('a reader sees whole batches while a writer goes on', async () => {
  const { client, rows } = await openStandIn();
  await fill(client, 10_000);
  let isWriting = true;
  const writing = fill(client, 60_000, 10_000).finally(() => {
    isWriting = false;
  });
  const seen: number[] = [];
  while (isWriting) {
    const [row] = await rows('SELECT count(*) AS n, max(f) AS last FROM m');
    const n = Number(row?.n);
    expect(row?.last).toBe(n - 1);
    expect(n % 10_000).toBe(0);
    seen.push(n);
  }
  await writing;
  expect(seen).toEqual([...seen].sort((a, b) => a - b));
  expect(await rows('SELECT count(*) AS n FROM m')).toEqual([{ n: 70_000n }]);
});

test('an answer under way is not disturbed by a column that is added', async () => {
  const { client, rows } = await openStandIn();
  await fill(client, 100_000);
  let read = 0;
  for await (const row of client.query('SELECT * FROM m')) {
    if (read++ === 0) await client.write('m,machine=new,colour=red f=1,g=2 100000');
    if (Object.hasOwn(row, 'colour')) expect(row).toBe(null);
  }
  expect(read).toBe(100_000);
  expect(await rows("SELECT colour, g FROM m WHERE machine = 'new'")).toEqual([{ colour: 'red', g: 2 }]);
});

test('a client’s deadline stops the query', async () => {
  const { standIn, client, rows } = await openStandIn();
  await fill(client, 20_000);
  const hasty = new InfluxDBClient({ host: standIn.url, token: 'none', database: 'shop', queryTimeout: 300 });
  const read = async () => {
    for await (const _ of hasty.query(ENDLESS));
  };
  await expect(read()).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED' });
  await hasty.close();
  expect(await rows('SELECT count(*) AS n FROM m')).toEqual([{ n: 20_000n }]);
});

test('a client that stops reading half-way leaves the server fit to close', async () => {
  const { standIn, client } = await openStandIn();
  await fill(client, 100_000);
  for await (const _ of client.query('SELECT a.f FROM m a, m b LIMIT 50000000')) break;
  await standIn.close();
  await expect(fetch(`${standIn.url}/ping`)).rejects.toThrow();
});

test('close stops a query under way', async () => {
  const { standIn, client } = await openStandIn();
  await fill(client, 20_000);
  const read = async () => {
    for await (const _ of client.query(ENDLESS));
  };
  const reading = expect(read()).rejects.toThrow();
  await client.getServerVersion(); // a round trip, so that the query has been sent
  await standIn.close();
  await reading;
});
