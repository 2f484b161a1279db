import type { Column, Table } from '../contract/table.js';

/** The rows whose id columns hold exactly `ids`, in their order. */
export function keepMachine(table: Table, idColumns: readonly string[], ids: readonly string[]): Table {
  const wanted = idColumns.map((name, index) => {
    const column = table.columns.get(name);
    if (column?.kind !== 'string') return { codes: new Int32Array(0), code: -2 };
    // A code that no row has, where the dictionary lacks the value.
    const code = column.dictionary.indexOf(ids[index] ?? '');
    return { codes: column.codes, code: code === -1 ? -2 : code };
  });
  const kept: number[] = [];
  for (let row = 0; row < table.rows; row++) {
    if (wanted.every(({ codes, code }) => codes[row] === code)) kept.push(row);
  }
  if (kept.length === table.rows) return table;
  const columns = new Map(Array.from(table.columns, ([name, column]) => [name, pick(column, kept)]));
  return { rows: kept.length, columns };
}

function pick(column: Column, rows: readonly number[]): Column {
  switch (column.kind) {
    case 'time':
      return { kind: 'time', values: BigInt64Array.from(rows, (row) => column.values[row] ?? 0n) };
    case 'number':
      return { kind: 'number', values: Float64Array.from(rows, (row) => column.values[row] ?? Number.NaN) };
    case 'string':
      return { ...column, codes: Int32Array.from(rows, (row) => column.codes[row] ?? -1) };
  }
}
