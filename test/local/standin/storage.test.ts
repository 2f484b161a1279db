import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { startStandIn } from '../../../src/local/standin/server.js';
import { openStandIn } from './with-stand-in.js';

async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'standin-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

test('a restart on the same folder finds all data and goes on overwriting', async () => {
  const dataDir = join(await temporaryFolder(), 'made', 'on', 'demand');
  const first = await openStandIn({ dataDir });
  await first.client.write(['m,t=a f=1,s="x" 1000', 'm,t=b f=2 2000', 'Other,T=1 n=1i 1']);
  await first.standIn.close();
  const second = await openStandIn({ dataDir });
  await second.client.write(['m,t=a f=5 1000', 'm,t=c,new=1 f=3,g=t 3000']);
  expect(await second.rows('SELECT t, new, f, g, s FROM m ORDER BY time')).toEqual([
    { t: 'a', new: null, f: 5, g: null, s: 'x' },
    { t: 'b', new: null, f: 2, g: null, s: null },
    { t: 'c', new: '1', f: 3, g: true, s: null },
  ]);
  expect(await second.rows('SELECT "T" FROM "Other"')).toEqual([{ T: '1' }]);
  await expect(second.client.write('m f="text" 1')).rejects.toThrow('line protocol');
});

test('what was acknowledged is there after the process died without closing', async () => {
  const folder = await temporaryFolder();
  const { client, rows } = await openStandIn({ dataDir: join(folder, 'live') });
  for (let batch = 0; batch < 20; batch++) {
    await client.write(Array.from({ length: 500 }, (_, i) => `m,t=${i % 5} f=${i} ${batch * 500 + i}`));
  }
  // The files as a killed process would leave them: nothing was closed, the log not folded into the data.
  await cp(join(folder, 'live'), join(folder, 'dead'), { recursive: true });
  const revived = await openStandIn({ dataDir: join(folder, 'dead') });
  expect(await revived.rows('SELECT count(*) AS n, sum(f) AS s FROM m')).toEqual(
    await rows('SELECT count(*) AS n, sum(f) AS s FROM m'),
  );
  await revived.client.write('m,t=1 f=1 999999');
  expect(await revived.rows('SELECT count(*) AS n FROM m')).toEqual([{ n: 10_001n }]);
});

test('a folder in use is refused and names itself; after close it is free', async () => {
  const dataDir = await temporaryFolder();
  const { standIn } = await openStandIn({ dataDir });
  const again = () => startStandIn({ port: 0, dataDir, token: null });
  await expect(again()).rejects.toMatchObject({ kind: 'BadSettings', message: expect.stringContaining(dataDir) });
  await expect(again()).rejects.toThrow('another stand-in uses it');
  await standIn.close();
  await (await again()).close();
});

test('a folder with something else in the file’s place is refused', async () => {
  const dataDir = await temporaryFolder();
  await writeFile(join(dataDir, 'standin.duckdb'), 'this is no database'.repeat(1000));
  await expect(startStandIn({ port: 0, dataDir, token: null })).rejects.toMatchObject({
    kind: 'BadSettings',
    message: expect.stringContaining('could not be opened'),
  });
});

test('a port in use is refused, names itself and leaves the folder free', async () => {
  const dataDir = await temporaryFolder();
  const { standIn } = await openStandIn();
  await expect(startStandIn({ port: standIn.port, dataDir, token: null })).rejects.toMatchObject({
    kind: 'BadSettings',
    message: expect.stringContaining(`port ${standIn.port}`),
  });
  await (await startStandIn({ port: 0, dataDir, token: null })).close();
});

test('closing twice is closing once', async () => {
  const standIn = await startStandIn({ port: 0, dataDir: null, token: null });
  await Promise.all([standIn.close(), standIn.close()]);
  await expect(fetch(`${standIn.url}/ping`)).rejects.toThrow();
});
