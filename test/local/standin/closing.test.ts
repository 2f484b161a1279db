import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { promisify } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';
import { schemaOf, storedTableOf } from '../../../src/local/standin/catalog.js';
import { type QueryRequest, runQuery } from '../../../src/local/standin/run-query.js';
import { Store } from '../../../src/local/standin/store.js';

const ENDLESS = 'SELECT count(*) AS n FROM m a, m b, m c'; // 8,000 billion triples: hours
const LARGE = 'SELECT a.f FROM m a, m b'; // 400 M rows: more than any buffer on the way holds

async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'standin-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

function queryOf(text: string): QueryRequest {
  return { database: 'shop', language: 'sql', text, parameters: {} };
}

function write(store: Store, from: number, rows: number): Promise<unknown> {
  const text = Array.from({ length: rows }, (_, i) => `m f=${i} ${from + i}`).join('\n');
  return store.write({ database: 'shop', text, precision: 'ns', acceptPartial: false });
}

async function read(store: Store, text: string): Promise<void> {
  for await (const _ of runQuery(store, queryOf(text), new AbortController().signal));
}

async function rowsIn(dataDir: string): Promise<number> {
  const store = await Store.open(dataDir);
  const { connection, end } = await store.connect();
  const database = store.databases.get('shop');
  const table = database?.tables.get('m');
  const sql = `SELECT count(*) FROM "${schemaOf(database?.id ?? 0)}"."${storedTableOf(table?.id ?? 0)}"`;
  const [row] = (await connection.runAndReadAll(sql)).getRows();
  end();
  await store.close();
  return Number(row?.[0]);
}

test('closing keeps the writes that were acknowledged, and no others', async () => {
  const dataDir = await temporaryFolder();
  const store = await Store.open(dataDir);
  await write(store, 0, 100);
  const waiting = [1, 2, 3, 4].map((batch) => write(store, batch * 100, 100));
  await waiting[0];
  const closing = store.close();
  const late = write(store, 900, 100);
  await expect(late).rejects.toThrow('the stand-in is ending');
  await closing;
  const settled = await Promise.allSettled(waiting);
  const acknowledged = settled.filter(({ status }) => status === 'fulfilled').length;
  expect(await rowsIn(dataDir)).toBe(100 + acknowledged * 100);
});

test('closing ends queries wherever they are, and refuses the next', async () => {
  for (let turns = 0; turns < 12; turns++) {
    const store = await Store.open(null);
    await write(store, 0, 20_000);
    const reading = expect(read(store, ENDLESS)).rejects.toThrow(/cancelled|ending/);
    for (let turn = 0; turn < turns; turn++) await nextTurn();
    await store.close();
    await reading;
    await expect(read(store, ENDLESS)).rejects.toThrow('ending');
  }
});

test('another process may open the folder once it is closed, though an answer was not read to its end', async () => {
  const dataDir = await temporaryFolder();
  const store = await Store.open(dataDir);
  await write(store, 0, 20_000);
  const query = runQuery(store, queryOf(LARGE), new AbortController().signal);
  await query.next();
  await query.next();
  const closing = store.close();
  await query.return(undefined);
  await closing;
  const file = JSON.stringify(join(dataDir, 'standin.duckdb'));
  const code = `const { DuckDBInstance } = await import('@duckdb/node-api'); await DuckDBInstance.create(${file});`;
  await promisify(execFile)(process.execPath, ['--input-type=module', '-e', code]);
});
