import { gzipSync } from 'node:zlib';
import { InfluxDBClient } from '@influxdata/influxdb3-client';
import { expect, test } from 'vitest';
import { openStandIn } from './with-stand-in.js';

const V2 = '/api/v2/write?bucket=shop&org=any&precision=ns';
const V3 = '/api/v3/write_lp?db=shop&precision=nanosecond';

test('takes what Telegraf sends: gzip, Token, no fixed schema', async () => {
  const { post, rows } = await openStandIn({ token: 'secret' });
  const body = gzipSync('cpu,host=a usage=1.5,n=2i 1000\nmem,host=a free=7u 1000\n');
  const headers = { authorization: 'Token secret', 'content-encoding': 'gzip' };
  expect((await post(V2, body, headers)).status).toBe(204);
  expect(await rows('SELECT host, usage, n FROM cpu')).toEqual([{ host: 'a', usage: 1.5, n: 2 }]);
  expect((await post(V2, 'cpu,host=b,room=x usage=2,temp=3 2000', { authorization: 'Bearer secret' })).status).toBe(
    204,
  );
  expect(await rows('SELECT host, room, temp FROM cpu ORDER BY time')).toEqual([
    { host: 'a', room: null, temp: null },
    { host: 'b', room: 'x', temp: 3 },
  ]);
});

test.each([
  ['wrong', 'Token nope'],
  ['missing', ''],
  ['without a scheme', 'secret'],
])('answers 401 without a body when the token is %s', async (_, authorization) => {
  const { post, rows } = await openStandIn({ token: 'secret' });
  for (const path of [V2, V3]) {
    const response = await post(path, 'm f=1 1', { authorization });
    expect([response.status, await response.text()]).toEqual([401, '']);
  }
  await expect(rows('SELECT * FROM m')).rejects.toThrow('database not found');
});

test.each(['m f=NaN 1', 'm,t= f=1 1', 'm f="text" 1', 'm t=1'])(
  'v2 refuses a whole batch for the line %j',
  async (line) => {
    const { post, rows } = await openStandIn();
    await post(V2, 'm,t=a f=1 1');
    const response = await post(V2, `m,t=b f=2 2\n${line}\nm,t=c f=3 3`);
    expect(response.status).toBe(400);
    expect(await response.json()).toEqual({
      code: 'invalid',
      message: 'write buffer error: parsing for line protocol failed',
    });
    expect(await rows('SELECT t, f FROM m')).toEqual([{ t: 'a', f: 1 }]);
  },
);

test('v3 keeps the good lines and names the bad ones', async () => {
  const { post, rows } = await openStandIn();
  const response = await post(`${V3}&accept_partial=true`, 'm f=1 1\nm f=oops 2\nm f=3 3\nm f="text" 4');
  expect(response.status).toBe(400);
  expect(await response.json()).toEqual({
    error: 'partial write of line protocol occurred',
    data: [
      { line_number: 2, original_line: 'm f=oops 2', error_message: expect.stringContaining("'oops'") },
      { line_number: 4, original_line: 'm f="text" 4', error_message: expect.stringContaining("column 'f'") },
    ],
  });
  expect(await rows('SELECT f FROM m ORDER BY time')).toEqual([{ f: 1 }, { f: 3 }]);
});

test('v3 with accept_partial=false keeps nothing', async () => {
  const { post, rows } = await openStandIn();
  await post(V3, 'm f=1 1');
  const response = await post(`${V3}&accept_partial=false`, 'm f=2 2\nm f=oops 3');
  expect(response.status).toBe(400);
  expect(await response.json()).toMatchObject({ data: { line_number: 2 } });
  expect(await rows('SELECT f FROM m')).toEqual([{ f: 1 }]);
});

test('reads every precision of v2', async () => {
  const path = '/api/v2/write?bucket=shop&precision=';
  const { post, rows } = await openStandIn();
  for (const [unit, time] of [
    ['s', 2],
    ['ms', 3000],
    ['us', 4_000_000],
    ['u', 5_000_000],
    ['ns', 6_000_000_000],
    ['n', 7_000_000_000],
  ]) {
    expect((await post(`${path}${unit}`, `m f=1 ${time}`)).status, String(unit)).toBe(204);
  }
  const times = (await rows('SELECT time FROM m ORDER BY time')).map(({ time }) => time);
  expect(times).toEqual([2000, 3000, 4000, 5000, 6000, 7000]);
});

test('reads every precision of v3 and guesses when told nothing', async () => {
  const { post, rows } = await openStandIn();
  const path = '/api/v3/write_lp?db=shop';
  for (const [unit, time] of [
    ['second', 2],
    ['millisecond', 3000],
    ['microsecond', 4_000_000],
    ['nanosecond', 5_000_000_000],
  ]) {
    expect((await post(`${path}&precision=${unit}`, `m f=1 ${time}`)).status, String(unit)).toBe(204);
  }
  await post(path, 'm f=1 1700000000');
  await post(`${path}&precision=auto&no_sync=true`, 'm f=1 1700000001000');
  const times = (await rows('SELECT time FROM m ORDER BY time')).map(({ time }) => time);
  expect(times).toEqual([2000, 3000, 4000, 5000, 1_700_000_000_000, 1_700_000_001_000]);
});

test('a line without a time gets the server’s', async () => {
  const { post, rows } = await openStandIn();
  const before = Date.now();
  await post(V2, 'm f=1');
  const [row] = await rows('SELECT time FROM m');
  expect(row?.time).toBeGreaterThanOrEqual(before);
  expect(row?.time).toBeLessThanOrEqual(Date.now());
});

test('says what is wrong with a request it cannot serve', async () => {
  const { post, standIn } = await openStandIn();
  expect((await post('/api/v2/write?org=x', 'm f=1 1')).status).toBe(400);
  expect((await post('/api/v3/write_lp', 'm f=1 1')).status).toBe(400);
  expect((await post('/api/v2/write?bucket=b&precision=h', 'm f=1 1')).status).toBe(400);
  expect((await post(V2, 'not gzip', { 'content-encoding': 'gzip' })).status).toBe(400);
  const unknown = await fetch(`${standIn.url}/api/v2/query`);
  expect(unknown.status).toBe(404);
  expect(await unknown.json()).toMatchObject({ error: expect.stringContaining('GET /api/v2/query') });
});

test('answers 413 to a body above the limit, packed or not, and goes on serving', async () => {
  const { post } = await openStandIn();
  const large = 'm f=1 1\n'.repeat(1_400_000);
  const plain = await post(V2, large);
  expect([plain.status, await plain.json()]).toEqual([413, expect.objectContaining({ code: 'invalid' })]);
  expect((await post(V2, gzipSync(large), { 'content-encoding': 'gzip' })).status).toBe(413);
  expect((await post(V2, 'm f=1 1')).status).toBe(204);
});

test('answers ping and health and says that it is a stand-in', async () => {
  const { standIn, client } = await openStandIn({ token: 'secret' });
  const ping = await fetch(`${standIn.url}/ping`);
  expect(await ping.json()).toMatchObject({ version: expect.stringContaining('standin') });
  expect(ping.headers.get('x-influxdb-version')).toContain('standin');
  const health = await fetch(`${standIn.url}/health`);
  expect([health.status, await health.text()]).toEqual([200, 'OK']);
  expect(await client.getServerVersion()).toContain('standin');
});

test('the client learns from a refused write what was wrong', async () => {
  const { standIn, client } = await openStandIn({ token: 'secret' });
  await expect(client.write('m f=NaN 1')).rejects.toThrow('parsing for line protocol failed');
  const stranger = new InfluxDBClient({ host: standIn.url, token: 'wrong', database: 'shop' });
  await expect(stranger.write('m f=1 1')).rejects.toMatchObject({ statusCode: 401 });
  await stranger.close();
});

test('the later row with the same tags and time replaces the earlier, field by field', async () => {
  const { post, rows } = await openStandIn();
  await post(V2, 'm,t=a,u=x f=1,g=1 1000\nm,t=b f=1 1000\nm f=1 1000\nm,t=a,u=x f=1 2000');
  await post(V2, 'm,u=x,t=a f=2 1000\nm f=5 1000\nm,t=c f=9 500');
  expect(await rows('SELECT t, u, f, g FROM m ORDER BY time, t')).toEqual([
    { t: 'c', u: null, f: 9, g: null },
    { t: 'a', u: 'x', f: 2, g: 1 },
    { t: 'b', u: null, f: 1, g: null },
    { t: null, u: null, f: 5, g: null },
    { t: 'a', u: 'x', f: 1, g: null },
  ]);
});

test('the latest row of all can be replaced alone', async () => {
  const { post, rows } = await openStandIn();
  await post(V2, 'm,t=a f=1 1000\nm,t=a f=2 2000');
  await post(V2, 'm,t=a f=3 2000');
  expect(await rows('SELECT f FROM m ORDER BY time')).toEqual([{ f: 1 }, { f: 3 }]);
});

test('rows of one request with the same tags and time are joined too', async () => {
  const { post, rows } = await openStandIn();
  await post(V2, 'm,a=1,b=2 f=1,g=1 1000\nm,b=2,a=1 f=2,h=3 1000');
  expect(await rows('SELECT f, g, h FROM m')).toEqual([{ f: 2, g: 1, h: 3 }]);
});

test('writing the same batch again changes nothing', async () => {
  const { post, rows } = await openStandIn();
  const body = Array.from({ length: 5000 }, (_, i) => `m,t=${i % 7} f=${i} ${1000 + i}`).join('\n');
  for (let again = 0; again < 3; again++) await post(V2, body);
  expect(await rows('SELECT count(*) AS n, sum(f) AS s FROM m')).toEqual([{ n: 5000n, s: 12_497_500 }]);
});

test('names that differ only in case, or look like SQL, stay apart', async () => {
  const { post, rows } = await openStandIn();
  await post(V2, 'M,Tag=1,tag=2 F=1,f=2,"x;DROP\\ TABLE\\ m=3 1\nm,Tag=1 F=9 1\nselect from=1 1');
  expect(await rows('SELECT "Tag", tag, "F", f, """x;DROP TABLE m" AS x FROM "M"')).toEqual([
    { Tag: '1', tag: '2', F: 1, f: 2, x: 3 },
  ]);
  expect(await rows('SELECT "F" FROM m')).toEqual([{ F: 9 }]);
  expect(await rows('SELECT "from" FROM "select"')).toEqual([{ from: 1 }]);
});

test('rows of one series that come after later rows of another still replace their own kind', async () => {
  const { client, rows } = await openStandIn();
  await client.write(['m,t=a f=1 1000', 'm,t=a f=2 2000']);
  await client.write(['m,t=b f=3 1000', 'm,t=b f=4 2000']);
  await client.write(['m,t=b f=5 1000', 'm,t=c f=6 1000', 'm f=7 1000']);
  await client.write(['m,t=a f=8 1000', 'm f=9 1000']);
  expect(await rows('SELECT t, f FROM m ORDER BY f')).toEqual([
    { t: 'a', f: 2 },
    { t: 'b', f: 4 },
    { t: 'b', f: 5 },
    { t: 'c', f: 6 },
    { t: 'a', f: 8 },
    { t: null, f: 9 },
  ]);
});

test('keeps an idle connection longer than its clients do', async () => {
  const { post } = await openStandIn();
  const response = await post(V2, 'm f=1 1000');
  expect(response.headers.get('keep-alive')).toBe('timeout=60');
});
