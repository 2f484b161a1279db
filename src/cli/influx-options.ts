import { loadSettings } from '../config/load.js';
import type { InfluxOptions } from '../influx/connect.js';

/** How to reach InfluxDB as halfspace.yaml says. @throws SettingsError. */
export function influxOptions(config: string | undefined): InfluxOptions {
  const { influx } = loadSettings({ file: config, sections: ['influx'] });
  const { host, token, database, query_timeout: queryTimeoutMs, write_timeout: writeTimeoutMs } = influx;
  return { host, token, database, queryTimeoutMs, writeTimeoutMs };
}
