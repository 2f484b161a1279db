import type { Table } from '../contract/table.js';

/** A number column of one of our own tables. */
export function numbersOf(table: Table, name: string): Float64Array {
  const column = table.columns.get(name);
  if (column?.kind !== 'number') throw new Error(`Expected a number column ${name} in the artifact`);
  return column.values;
}

/** A time column of one of our own tables. */
export function timesOf(table: Table, name: string): BigInt64Array {
  const column = table.columns.get(name);
  if (column?.kind !== 'time') throw new Error(`Expected a time column ${name} in the artifact`);
  return column.values;
}
