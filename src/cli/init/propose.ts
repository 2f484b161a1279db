import type { Table } from '../../contract/table.js';
import type { Influx } from '../../influx/connect.js';
import { quoteIdentifier } from '../../influx/identifiers.js';
import { findTimeRange, type TableColumn } from '../../influx/schema.js';
import { looksLikeNumber } from '../csv/number-tally.js';

/** What a table looks like: enough to propose a pipeline for it. */
export interface TableProfile {
  readonly table: string;
  /** Rows of the last day that has any. */
  readonly rows: number;
  /** Time of its last row; null without any. */
  readonly last: bigint | null;
  readonly time: string;
  /** Tags and strings with how many different values they take in that day. */
  readonly texts: readonly TextProfile[];
  /** Numbers with their range in that day; null where there is none. */
  readonly numbers: readonly { readonly name: string; readonly range: readonly [number, number] | null }[];
}

export interface TextProfile {
  readonly name: string;
  readonly kind: 'tag' | 'string';
  readonly distinct: number;
  /** One of the texts of a string column, where they look like numbers. */
  readonly numeral?: string;
}

/** What of a table is looked at, up to its last row. */
export const PROFILE_SPAN_NS = 24n * 3_600_000_000_000n; // far below the 72 h that one query of InfluxDB 3 Core may touch
const NANOS_PER_MS = 1_000_000n;

/** Reads the last day of a table that has rows. @throws HalfspaceError as the database's reads do. */
export async function profileTable(
  influx: Influx,
  table: string,
  columns: readonly TableColumn[],
): Promise<TableProfile> {
  const time = columns.find(({ kind }) => kind === 'time')?.name ?? 'time';
  const texts = columns.flatMap(({ name, kind }) => (kind === 'tag' || kind === 'string' ? [{ name, kind }] : []));
  const numbers = columns.filter(({ kind }) => kind === 'number').map(({ name }) => name);
  const range = await findTimeRange(influx, table, time);
  if (range === null) {
    return {
      table,
      rows: 0,
      last: null,
      time,
      texts: texts.map((text) => ({ ...text, distinct: 0 })),
      numbers: numbers.map((name) => ({ name, range: null })),
    };
  }
  const facts = [
    'count(*) AS n',
    ...texts.map(({ name }, i) => `count(DISTINCT ${quoteIdentifier(name)}) AS t${i}`),
    ...texts.flatMap(({ name, kind }, i) =>
      kind === 'tag' ? [] : [`min(${quoteIdentifier(name)}) AS a${i}`, `max(${quoteIdentifier(name)}) AS z${i}`],
    ),
    ...numbers.flatMap((name, i) => [
      `min(${quoteIdentifier(name)}) AS lo${i}`,
      `max(${quoteIdentifier(name)}) AS hi${i}`,
    ]),
  ];
  const sql = `SELECT ${facts.join(', ')} FROM ${quoteIdentifier(table)} WHERE ${quoteIdentifier(time)} >= $from`;
  const from = new Date(Number((range.last - PROFILE_SPAN_NS) / NANOS_PER_MS)).toISOString();
  for await (const found of influx.query(sql, { from })) {
    const [rows, read] = [numberAt(found, 'n'), (name: string) => numberAt(found, name)];
    return {
      table,
      rows,
      last: range.last,
      time,
      texts: texts.map((text, i) => ({
        ...text,
        distinct: read(`t${i}`),
        ...numeralOf(textAt(found, `a${i}`), textAt(found, `z${i}`)),
      })),
      numbers: numbers.map((name, i) => ({ name, range: rangeOf(read(`lo${i}`), read(`hi${i}`)) })),
    };
  }
  throw new Error(`Expected one row of counts for the table ${table}`);
}

/** Digits come before letters: where the first and the last text look like numbers, hardly one in between does not. */
function numeralOf(first: string | null, last: string | null): { readonly numeral?: string } {
  return first !== null && last !== null && [first, last].every(looksLikeNumber) ? { numeral: last } : {};
}

function textAt(table: Table, name: string): string | null {
  const column = table.columns.get(name);
  return column?.kind === 'string' ? (column.dictionary[column.codes[0] ?? -1] ?? null) : null;
}

function rangeOf(low: number, high: number): readonly [number, number] | null {
  return Number.isFinite(low) && Number.isFinite(high) ? [low, high] : null;
}

function numberAt(table: Table, name: string): number {
  const column = table.columns.get(name);
  return column?.kind === 'number' ? (column.values[0] ?? Number.NaN) : Number.NaN;
}

const MACHINE_NAME = /machine|device|sensor|asset|equipment|unit|serial|host|(?:^|[_\W])id$|ID$|Id$/;
const GROUP_NAME = /provider|vendor|manufacturer|customer|site|plant|factory|line|area|location/i;
const FEW = 100; // a string with more values in a day is more likely a message or a barcode than a name

/**
 * Columns that together could name a machine, the most particular last (it stays as it is in a machine's name). Tags and
 * strings with few values, those with telling names first; empty when none looks like it.
 */
export function proposeId({ texts, rows }: TableProfile): string[] {
  const usable = texts.filter(
    ({ kind, distinct, name }) => kind === 'tag' || distinct <= FEW || (rankOf(name) !== 1 && distinct <= rows / 2),
  );
  const telling = usable.filter(({ name }) => rankOf(name) !== 1);
  const chosen = telling.length > 0 ? telling : usable;
  return chosen.map(({ name }) => name).sort((a, b) => rankOf(a) - rankOf(b) || (a < b ? -1 : 1));
}

function rankOf(name: string): number {
  if (GROUP_NAME.test(name)) return 0;
  return MACHINE_NAME.test(name) || MACHINE_NAME.test(name.toLowerCase()) ? 2 : 1;
}
