import { influxOptionsOf } from '../config/influx-options.js';
import { loadSettings } from '../config/load.js';
import type { InfluxOptions } from '../influx/connect.js';

/** How to reach InfluxDB as halfspace.yaml says. @throws SettingsError. */
export function influxOptions(config: string | undefined): InfluxOptions {
  return influxOptionsOf(loadSettings({ file: config, sections: ['influx'] }).influx);
}
