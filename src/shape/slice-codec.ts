import { z } from 'zod';
import type { Slice } from '../contract/slice.js';
import type { Column, StringColumn, Table } from '../contract/table.js';
import { ColumnReader, type NumberBlock, writeColumns } from './column-bytes.js';

const SLICE_MAGIC = 0x4c535348; // 'HSSL' read as bytes
const SLICE_VERSION = 1;
const TABLE_MAGIC = 0x42545348; // 'HSTB' read as bytes
const TABLE_VERSION = 1;

const count = z.int().min(0);
const sliceHead = z.strictObject({
  uniqueId: z.string(),
  ids: z.array(z.string()),
  rows: count,
  /** Values a row; a slice without rows has none. */
  features: count,
});
const tableHead = z.strictObject({
  rows: count,
  columns: z.array(
    z.discriminatedUnion('kind', [
      z.strictObject({ name: z.string(), kind: z.literal('time') }),
      z.strictObject({ name: z.string(), kind: z.literal('number') }),
      z.strictObject({ name: z.string(), kind: z.literal('string'), dictionary: z.array(z.string()) }),
    ]),
  ),
});

/** A slice as bytes, the same for the same slice: the frame of column-bytes.ts, then times, then values. */
export function encodeSlice({ uniqueId, ids, rows, times, values }: Slice): Uint8Array {
  const head: z.infer<typeof sliceHead> = { uniqueId, ids: [...ids], rows, features: rows && values.length / rows };
  return writeColumns(SLICE_MAGIC, SLICE_VERSION, head, [times, values]);
}

/**
 * The slice {@link encodeSlice} wrote; it may share memory with `bytes`.
 * @throws HalfspaceError `CorruptSnapshot` for anything else, cut or longer bytes included.
 */
export function decodeSlice(bytes: Uint8Array): Slice {
  const reader = new ColumnReader(bytes, SLICE_MAGIC, SLICE_VERSION, 'a slice');
  const { data: head } = sliceHead.safeParse(reader.head);
  if (head === undefined) return reader.fail('a unique_id, ids, rows and features', 'another head');
  const { uniqueId, ids, rows } = head;
  const times = reader.times(rows);
  const values = reader.doubles(rows * head.features);
  reader.end();
  return { uniqueId, ids, rows, times, values };
}

/**
 * A table as bytes, the same for the same rows: the frame of column-bytes.ts, then each column's numbers in their order.
 * Of a dictionary, which tables may share, only the strings in use are kept, in the order of their first row.
 */
export function encodeTable({ rows, columns }: Table): Uint8Array {
  const head: z.infer<typeof tableHead> = { rows, columns: [] };
  const blocks: NumberBlock[] = [];
  for (const [name, column] of columns) {
    if (column.kind === 'string') {
      const { dictionary, codes } = usedStrings(column);
      head.columns.push({ name, kind: 'string', dictionary });
      blocks.push(codes);
    } else {
      head.columns.push({ name, kind: column.kind });
      blocks.push(column.values);
    }
  }
  return writeColumns(TABLE_MAGIC, TABLE_VERSION, head, blocks);
}

function usedStrings(column: StringColumn): { dictionary: string[]; codes: Int32Array } {
  const dictionary: string[] = [];
  const newCodes = new Int32Array(column.dictionary.length).fill(-1);
  const codes = column.codes.map((code) => {
    if (code === -1) return -1;
    if (newCodes[code] === -1) newCodes[code] = dictionary.push(column.dictionary[code] ?? '') - 1;
    return newCodes[code] ?? -1;
  });
  return { dictionary, codes };
}

/**
 * The table {@link encodeTable} wrote; it may share memory with `bytes`.
 * @throws HalfspaceError `CorruptSnapshot` for anything else, cut or longer bytes and codes outside a dictionary included.
 */
export function decodeTable(bytes: Uint8Array): Table {
  const reader = new ColumnReader(bytes, TABLE_MAGIC, TABLE_VERSION, 'a table');
  const { data: head } = tableHead.safeParse(reader.head);
  if (head === undefined) return reader.fail('rows and columns', 'another head');
  const columns = new Map<string, Column>();
  for (const column of head.columns) {
    if (column.kind === 'time') columns.set(column.name, { kind: 'time', values: reader.times(head.rows) });
    else if (column.kind === 'number') columns.set(column.name, { kind: 'number', values: reader.doubles(head.rows) });
    else {
      const { dictionary } = column;
      const codes = reader.codes(head.rows);
      const outside = codes.find((code) => code < -1 || code >= dictionary.length);
      if (outside !== undefined) reader.fail(`codes below ${dictionary.length} in ${column.name}`, outside);
      columns.set(column.name, { kind: 'string', dictionary, codes });
    }
  }
  if (columns.size !== head.columns.length) reader.fail('columns with different names', 'one name twice');
  reader.end();
  return { rows: head.rows, columns };
}
