import { Client, credentials, ServerCredentials } from '@grpc/grpc-js';
import { InfluxDBClient } from '@influxdata/influxdb3-client';
import { expect, onTestFinished, test, vi } from 'vitest';
import { createFlightService } from '../../../src/local/standin/flight-service.js';
import { type QueryRequest, runQuery } from '../../../src/local/standin/run-query.js';
import { Store } from '../../../src/local/standin/store.js';

const ENDLESS = 'SELECT count(*) AS n FROM m a, m b, m c'; // 8,000 billion triples: hours
const ENDLESS_QUERY: QueryRequest = { database: 'shop', language: 'sql', text: ENDLESS, parameters: {} };
const LARGE = 'SELECT a.f FROM m a, m b'; // 400 M rows: more than any buffer on the way holds

async function openStore(): Promise<Store> {
  const store = await Store.open(null);
  onTestFinished(() => store.close());
  const text = Array.from({ length: 20_000 }, (_, i) => `m f=${i} ${i}`).join('\n');
  await store.write({ database: 'shop', text, precision: 'ns', acceptPartial: false });
  return store;
}

async function serve(store: Store): Promise<string> {
  const service = createFlightService(store, null, () => undefined);
  onTestFinished(() => service.forceShutdown());
  return new Promise((resolve, reject) => {
    service.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) =>
      error === null ? resolve(`127.0.0.1:${port}`) : reject(error),
    );
  });
}

test('an aborted query ends as cancelled and gives its connection back', async () => {
  const store = await openStore();
  const abort = new AbortController();
  const read = async () => {
    for await (const _ of runQuery(store, ENDLESS_QUERY, abort.signal));
  };
  const reading = expect(read()).rejects.toThrow('cancelled');
  await vi.waitUntil(() => store.running === 1);
  abort.abort();
  await reading;
  expect(store.running).toBe(0);
});

test('a query whose client was gone before it began does not run', async () => {
  const store = await openStore();
  const query = runQuery(store, ENDLESS_QUERY, AbortSignal.abort());
  await expect(query.next()).rejects.toThrow('cancelled');
});

test('a client’s deadline ends the query on the server', async () => {
  const store = await openStore();
  const host = `http://${await serve(store)}`;
  const client = new InfluxDBClient({ host, token: 'none', database: 'shop', queryTimeout: 500 });
  const read = async () => {
    for await (const _ of client.query(ENDLESS));
  };
  await expect(read()).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED' });
  await vi.waitUntil(() => store.running === 0, { timeout: 5000 });
  await client.close();
});

test('a client that cancels half-way ends the query on the server', async () => {
  const store = await openStore();
  const client = new Client(await serve(store), credentials.createInsecure());
  onTestFinished(() => client.close());
  const ticket = Buffer.from(JSON.stringify({ database: 'shop', sql_query: LARGE, query_type: 'sql' }));
  const same = (bytes: Buffer) => bytes;
  const path = '/arrow.flight.protocol.FlightService/DoGet';
  // Ticket's only field, number 1, as bytes; the length fits one byte.
  const call = client.makeServerStreamRequest(path, same, same, Buffer.concat([Buffer.of(10, ticket.length), ticket]));
  call.on('error', () => undefined); // it ends as cancelled
  await new Promise((resolve) => call.once('data', resolve));
  call.pause();
  expect(store.running).toBe(1);
  call.cancel();
  await vi.waitUntil(() => store.running === 0, { timeout: 5000 });
});
