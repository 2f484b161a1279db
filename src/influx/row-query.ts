import type { Table } from '../contract/table.js';
import { type RowColumns, tableFromRows } from './table-from-rows.js';

const ROWS_PER_TABLE = 8192; // InfluxDB's own batch size

/** Tables of rows from the client's public `query()`: the fallback where its columnar call is missing. */
export async function* readRows(
  rows: AsyncIterable<Record<string, unknown>>,
  kinds: RowColumns,
): AsyncGenerator<Table, void, void> {
  let pending: Record<string, unknown>[] = [];
  for await (const row of rows) {
    pending.push(row);
    if (pending.length < ROWS_PER_TABLE) continue;
    yield tableFromRows(pending, kinds);
    pending = [];
  }
  if (pending.length > 0) yield tableFromRows(pending, kinds);
}
