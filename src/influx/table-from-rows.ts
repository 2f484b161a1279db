import { type Column, MISSING_TIME, type Table } from '../contract/table.js';
import { nanosFromMs } from '../contract/time.js';
import { StringCodes } from './string-codes.js';

export interface RowColumns {
  /** Columns that hold times: the client gives them as milliseconds, like any number. */
  readonly timeColumns: ReadonlySet<string>;
  /** Columns to hand over as strings whatever they hold. */
  readonly textColumns: ReadonlySet<string>;
}

/** The table of rows from the client's public `query()`; times are rounded to milliseconds there, before we see them. */
export function tableFromRows(rows: readonly Readonly<Record<string, unknown>>[], kinds: RowColumns): Table {
  const columns = new Map<string, Column>();
  for (const name of Object.keys(rows[0] ?? {})) {
    columns.set(
      name,
      columnFromCells(
        name,
        rows.map((row) => row[name] ?? null),
        kinds,
      ),
    );
  }
  return { rows: rows.length, columns };
}

function columnFromCells(name: string, cells: readonly unknown[], { timeColumns, textColumns }: RowColumns): Column {
  if (timeColumns.has(name) && cells.every((cell) => cell === null || isTime(cell))) {
    return { kind: 'time', values: BigInt64Array.from(cells, nanosFromCell) };
  }
  if (textColumns.has(name) || cells.some((cell) => typeof cell === 'string')) {
    const codes = new StringCodes();
    const values = Int32Array.from(cells, (cell) => (cell === null ? -1 : codes.codeOfText(String(cell))));
    return { kind: 'string', dictionary: codes.dictionary, codes: values };
  }
  return { kind: 'number', values: Float64Array.from(cells, (cell) => (cell === null ? Number.NaN : Number(cell))) };
}

function isTime(cell: unknown): cell is number | bigint | Date {
  return typeof cell === 'number' || typeof cell === 'bigint' || cell instanceof Date;
}

function nanosFromCell(cell: unknown): bigint {
  return isTime(cell) ? nanosFromMs(Number(cell)) : MISSING_TIME;
}
