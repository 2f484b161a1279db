import type { BadLine, FieldValue, Line, Series } from './line-protocol.js';
import { parseLines, rejectLine } from './line-protocol.js';
import { nanosFromTimestamp, type Precision } from './precision.js';
import { type Column, type ColumnKind, type DatabaseSchema, KINDS, type TableSchema } from './schema.js';

/** The rows of one request for one table: each tags and time once, the later line's fields on top. */
export interface TableBatch {
  readonly name: string;
  /** null: the table does not exist yet. */
  readonly table: TableSchema | null;
  /** The table's columns followed by `added`. */
  readonly columns: readonly Column[];
  readonly added: readonly Column[];
  readonly times: readonly bigint[];
  /** A value array a column, in the order of `columns`; undefined stands for null; the array of `time` stays empty. */
  readonly values: readonly (readonly (FieldValue | undefined)[])[];
  /** The row of each time of each series. */
  readonly series: ReadonlyMap<string, { readonly byTime: ReadonlyMap<bigint, number> }>;
}

export interface WriteBatch {
  readonly tables: readonly TableBatch[];
  readonly bad: readonly BadLine[];
  /** Rows before lines of the same tags and time were joined. */
  readonly lines: number;
}

/** Lines of a request as columns, checked against what the database holds. `nowNanos` serves lines without a time. */
export function batchFromLines(
  text: string,
  precision: Precision,
  nowNanos: bigint,
  database: DatabaseSchema | null,
): WriteBatch {
  const tables = new Map<string, TableBuilder>();
  const bySeries = new Map<Series, SeriesRows>();
  const bad: BadLine[] = [];
  let lines = 0;
  parseLines(
    text,
    (line) => {
      const { series } = line;
      let rows = bySeries.get(series);
      if (rows === undefined) {
        const { measurement } = series;
        const builder =
          tables.get(measurement) ?? new TableBuilder(measurement, database?.tables.get(measurement) ?? null);
        tables.set(measurement, builder);
        rows = builder.rowsOf(series);
        bySeries.set(series, rows);
      }
      const time = line.timestamp === null ? nowNanos : nanosFromTimestamp(line.timestamp, precision);
      rows.builder.add(line, time, rows.byTime);
      lines++;
    },
    (line) => bad.push(line),
  );
  return { tables: [...tables.values()].filter((table) => table.times.length > 0), bad, lines };
}

interface SeriesRows {
  readonly builder: TableBuilder;
  readonly byTime: Map<bigint, number>;
}

class TableBuilder implements TableBatch {
  readonly name: string;
  readonly table: TableSchema | null;
  readonly columns: Column[];
  readonly added: Column[] = [];
  readonly times: bigint[] = [];
  readonly values: (FieldValue | undefined)[][] = [];
  private readonly byName: Map<string, number>;
  readonly series = new Map<string, SeriesRows>();

  constructor(name: string, table: TableSchema | null) {
    this.name = name;
    this.table = table;
    this.columns = table === null ? [] : [...table.columns];
    this.byName = new Map(table?.byName);
    this.values = this.columns.map(() => []);
    if (table === null) this.create({ name: 'time', kind: 'time' });
  }

  /** The rows of a series, whatever order or escapes its tags were written with. */
  rowsOf(series: Series): SeriesRows {
    const key = JSON.stringify(series.tags);
    const known = this.series.get(key);
    if (known !== undefined) return known;
    const rows = { builder: this, byTime: new Map<bigint, number>() };
    this.series.set(key, rows);
    return rows;
  }

  /** All or nothing: a line that does not fit leaves no trace. */
  add({ series, fields }: Line, time: bigint, byTime: Map<bigint, number>): void {
    for (const [key] of series.tags) this.check(key, 'tag');
    for (const { key, kind } of fields) this.check(key, kind);
    this.checkWithin(series, fields);
    let row = byTime.get(time);
    if (row === undefined) {
      row = this.times.push(time) - 1;
      byTime.set(time, row);
      for (const [key, value] of series.tags) this.set(key, 'tag', row, value);
    }
    for (const { key, kind, value } of fields) this.set(key, kind, row, value);
  }

  private check(name: string, kind: ColumnKind): void {
    const index = this.byName.get(name);
    const known = index === undefined ? undefined : this.columns[index];
    if (known === undefined) {
      if (name.includes('\0')) throw rejectLine('A column name has a zero character');
      return;
    }
    if (known.kind !== kind) throw rejectLine(typeConflict(name, known.kind, kind));
  }

  /** A line may not give one new name two types. */
  private checkWithin(series: Series, fields: Line['fields']): void {
    for (let i = 0; i < fields.length; i++) {
      const field = fields[i];
      if (field === undefined || this.byName.has(field.key)) continue;
      if (series.tags.some(([key]) => key === field.key)) throw rejectLine(typeConflict(field.key, 'tag', field.kind));
      for (let j = 0; j < i; j++) {
        const other = fields[j];
        if (other?.key === field.key && other.kind !== field.kind) {
          throw rejectLine(typeConflict(field.key, other.kind, field.kind));
        }
      }
    }
  }

  private set(name: string, kind: ColumnKind, row: number, value: FieldValue): void {
    const index = this.byName.get(name) ?? this.create({ name, kind });
    const column = this.values[index];
    if (column === undefined) return;
    // Filling the gap keeps the array dense: a hole would turn it into a slow one.
    while (column.length < row) column.push(undefined);
    column[row] = value;
  }

  private create(column: Column): number {
    // The name outlives the request: a copy, so that it does not keep the request's text.
    const own = { name: Buffer.from(column.name).toString(), kind: column.kind };
    const index = this.columns.push(own) - 1;
    this.added.push(own);
    this.byName.set(own.name, index);
    this.values.push([]);
    return index;
  }
}

function typeConflict(name: string, known: ColumnKind, given: ColumnKind): string {
  return `invalid column type for column '${name}', expected ${KINDS[known].iox}, got ${KINDS[given].iox}`;
}
