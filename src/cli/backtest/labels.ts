import type { Span } from '../../backtest/time-grid.js';
import { HalfspaceError } from '../../contract/failures.js';
import { type Column, MISSING_TIME, type Table } from '../../contract/table.js';
import type { Stretch } from '../../evaluation/eventwise.js';
import type { Influx } from '../../influx/connect.js';
import { quoteIdentifier } from '../../influx/identifiers.js';
import { isMissingText } from '../csv/number-text.js';
import { placeOf } from '../csv/read-table.js';
import { brokenLine, readRecords } from '../csv/records.js';
import { nanosFromText, timeFormatOf } from '../csv/time-text.js';

/** A stretch of one machine that is known to be anomalous. */
export interface Label extends Stretch {
  readonly uniqueId: string;
}

const COLUMNS = ['unique_id', 'from', 'to'] as const;

/**
 * The labels of a CSV file with the columns unique_id, from, to: first and last time of a stretch; without a `to` it is one
 * moment.
 * @throws HalfspaceError `BadSchema` naming the missing column, or the line of a time that is none.
 */
export async function readLabelFile(file: string, signal: AbortSignal): Promise<Label[]> {
  const labels: Label[] = [];
  for await (const { header, records, lines } of readRecords(file, signal)) {
    const [id = 0, from = 0, to = 0] = COLUMNS.map((name) => placeOf(header, name, file));
    for (const [i, record] of records.entries()) {
      const label = labelOf(record[id] ?? '', record[from] ?? '', record[to] ?? '');
      if (typeof label === 'string') throw brokenLine(file, lines[i] ?? 0, label);
      labels.push(label);
    }
  }
  return labels;
}

/**
 * The labels of a table with the columns unique_id, time (where the stretch begins) and to.
 * @throws HalfspaceError `BadSchema` naming the row of a time that is none; as the database's reads do.
 */
export async function readLabelTable(influx: Influx, table: string, signal: AbortSignal): Promise<Label[]> {
  const sql = `SELECT "unique_id", "time", "to" FROM ${quoteIdentifier(table)} ORDER BY "time"`;
  const labels: Label[] = [];
  for await (const part of influx.query(sql, {}, { signal, textColumns: ['unique_id'], timeColumns: ['time'] })) {
    for (let row = 0; row < part.rows; row++) {
      const [id, from, to] = ['unique_id', 'time', 'to'].map((name) => textAt(part, name, row));
      const label = labelOf(id ?? '', from ?? '', to ?? '');
      if (typeof label === 'string')
        throw new HalfspaceError('BadSchema', `${table}, label ${labels.length + 1}: ${label}`);
      labels.push(label);
    }
  }
  return labels;
}

/** What is wrong, where it is no label. */
function labelOf(uniqueId: string, from: string, to: string): Label | string {
  if (uniqueId === '') return 'expected a unique_id, found nothing';
  const first = nanosOf(from);
  const last = isMissingText(to) ? first : nanosOf(to);
  if (first === null) return `expected a time such as 2026-01-31T12:00:00Z in "from", found ${shown(from)}`;
  if (last === null) return `expected a time such as 2026-01-31T12:00:00Z in "to", found ${shown(to)}`;
  if (last < first) return `expected "to" at or after "from", found ${shown(from)} to ${shown(to)}`;
  return { uniqueId, first, last };
}

function nanosOf(text: string): bigint | null {
  const format = timeFormatOf(text, null);
  return format === null ? null : nanosFromText(text, format.unit);
}

function shown(text: string): string {
  return JSON.stringify(text.slice(0, 80));
}

function textAt({ columns }: Table, name: string, row: number): string {
  const column: Column | undefined = columns.get(name);
  if (column?.kind === 'string') return column.dictionary[column.codes[row] ?? -1] ?? '';
  if (column?.kind === 'number') return Number.isNaN(column.values[row]) ? '' : String(column.values[row]);
  const time = column?.values[row] ?? MISSING_TIME;
  return time === MISSING_TIME ? '' : String(time); // nanoseconds are told by their size
}

/** Labels by machine, and how many lie outside the history and count for nothing. */
export function labelsWithin(
  labels: readonly Label[],
  { from, to }: Span,
): { byMachine: ReadonlyMap<string, readonly Stretch[]>; outside: number } {
  const byMachine = new Map<string, Stretch[]>();
  let outside = 0;
  for (const { uniqueId, first, last } of labels) {
    if (last < from || first >= to) {
      outside++;
      continue;
    }
    const known = byMachine.get(uniqueId);
    if (known === undefined) byMachine.set(uniqueId, [{ first, last }]);
    else known.push({ first, last });
  }
  return { byMachine, outside };
}
