import { lineFormatter } from '../influx/line-protocol.js';
import { MEASUREMENTS } from './fault.js';
import type { Machine } from './machine.js';
import { historyRows, type Range } from './rows.js';

/** The table of the original demo. */
export const DEFAULT_TABLE = 'machine_data';

/** Line protocol of the machines' rows in a range, machine by machine: tags machineID and provider, the readings as floats. */
export function* lines(
  machines: readonly Machine[],
  range: Range,
  table = DEFAULT_TABLE,
): Generator<string, void, void> {
  for (const machine of machines) {
    const formatRow = lineFormatter(table, { machineID: machine.machineID, provider: machine.provider });
    for (const row of historyRows(machine, range)) {
      const fields: Record<string, number> = {};
      for (const name of MEASUREMENTS) {
        const value = row[name];
        if (value !== null) fields[name] = value;
      }
      const line = formatRow(fields, row.time);
      if (line !== null) yield line;
    }
  }
}
