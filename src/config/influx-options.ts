import type { InfluxSettings } from './schema.js';

/** How to reach InfluxDB, as its client takes it. */
export interface InfluxConnection {
  readonly host: string;
  readonly token: string | null;
  readonly database: string;
  readonly queryTimeoutMs: number;
  readonly writeTimeoutMs: number;
}

/** The section `influx` as the client's options. */
export function influxOptionsOf(settings: InfluxSettings): InfluxConnection {
  const { host, token, database, query_timeout: queryTimeoutMs, write_timeout: writeTimeoutMs } = settings;
  return { host, token, database, queryTimeoutMs, writeTimeoutMs };
}
