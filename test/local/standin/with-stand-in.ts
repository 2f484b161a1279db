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
  influxQl(text: string, params?: Record<string, string | number | boolean>): Promise<Row[]>;
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
  const read = async (text: string, params: Record<string, string | number | boolean>, type: 'sql' | 'influxql') => {
    const rows: Row[] = [];
    for await (const row of client.query(text, undefined, { params, type })) rows.push(row);
    return rows;
  };
  return {
    standIn,
    client,
    rows: (sql, params = {}) => read(sql, params, 'sql'),
    influxQl: (text, params = {}) => read(text, params, 'influxql'),
    post: (path, body, headers = {}) => fetch(`${standIn.url}${path}`, { method: 'POST', body, headers }),
  };
}
