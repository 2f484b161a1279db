import { type ClientOptions, InfluxDBClient, setLogger } from '@influxdata/influxdb3-client';
import { onTestFinished } from 'vitest';
import { type StandIn, type StandInOptions, startStandIn } from '../../../src/local/standin/server.js';

// The client prints every failed write by itself.
setLogger({ error: () => undefined, warn: () => undefined });

export type Row = Record<string, unknown>;

export interface Opened {
  readonly standIn: StandIn;
  readonly client: InfluxDBClient;
  rows(sql: string, params?: Record<string, string | number | boolean>): Promise<Row[]>;
  /** Posts as Telegraf or curl would. */
  post(path: string, body: string | Uint8Array<ArrayBuffer>, headers?: Record<string, string>): Promise<Response>;
}

/** A stand-in and a client of it, both closed at the end of the test. */
export async function openStandIn(
  options: Partial<StandInOptions> = {},
  clientOptions: Partial<ClientOptions> = {},
): Promise<Opened> {
  const standIn = await startStandIn({ port: 0, dataDir: null, token: null, ...options });
  const token = options.token ?? 'none';
  const client = new InfluxDBClient({ host: standIn.url, token, database: 'shop', ...clientOptions });
  onTestFinished(async () => {
    await client.close();
    await standIn.close();
  });
  return {
    standIn,
    client,
    rows: async (sql, params = {}) => {
      const rows: Row[] = [];
      for await (const row of client.query(sql, undefined, { params })) rows.push(row);
      return rows;
    },
    post: (path, body, headers = {}) => fetch(`${standIn.url}${path}`, { method: 'POST', body, headers }),
  };
}
