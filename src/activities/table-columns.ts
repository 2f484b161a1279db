import type { Table } from '../contract/table.js';

/** A number column of one of our own tables. */
export function numbersOf(table: Table, name: string): Float64Array {
  const column = table.columns.get(name);
  if (column?.kind !== 'number') throw new Error(`Expected a number column ${name} in the artifact`);
  return column.values;
}

/** A text column of one of our own tables, as a look-up by row; null where there is no text. */
export function textsOf(table: Table, name: string): (row: number) => string | null {
  const column = table.columns.get(name);
  if (column?.kind !== 'string') throw new Error(`Expected a string column ${name} in the artifact`);
  return (row) => column.dictionary[column.codes[row] ?? -1] ?? null;
}

/** A time column of one of our own tables. */
export function timesOf(table: Table, name: string): BigInt64Array {
  const column = table.columns.get(name);
  if (column?.kind !== 'time') throw new Error(`Expected a time column ${name} in the artifact`);
  return column.values;
}
