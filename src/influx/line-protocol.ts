/**
 * Line protocol as InfluxDB 3 reads it (crate influxdb_line_protocol; https://docs.influxdata.com/influxdb3/core/reference/line-protocol/).
 * Names and tag values: a backslash escapes comma, equals sign, space and itself, and is plain text before anything else.
 * They cannot hold a line break or tab nor end with a backslash. String fields can hold anything; they escape `"` and `\`.
 */
import { HalfspaceError } from '../contract/failures.js';

export type FieldValue = number | string | boolean | { readonly int: number | bigint };
export type Fields = Readonly<Record<string, FieldValue>>;

export interface Row {
  readonly table: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly fields: Fields;
  /** Nanoseconds since the epoch. */
  readonly time: bigint;
}

/**
 * One line, without a line break at its end; null when no field is left. Empty tag values and fields that are NaN or
 * infinite are left out, because InfluxDB refuses them; doubles read back to the same bits.
 * @throws HalfspaceError `RejectedWrite` for a name or tag value that line protocol cannot hold.
 */
export function formatLine({ table, tags, fields, time }: Row): string | null {
  return lineFormatter(table, tags)(fields, time);
}

/** `formatLine` for many rows of one series: table and tags are escaped once, field names once each. */
export function lineFormatter(
  table: string,
  tags: Readonly<Record<string, string>>,
): (fields: Fields, time: bigint) => string | null {
  let series = escapeTable(table);
  for (const [name, value] of Object.entries(tags)) {
    if (value !== '') series += `,${escapeWord(name, 'tag name')}=${escapeWord(value, `value of tag "${name}"`)}`;
  }
  const keys = new Map<string, string>();

  return function formatRow(fields, time) {
    let set = '';
    for (const name in fields) {
      const text = formatField(fields[name]);
      if (text === null) continue;
      let key = keys.get(name);
      if (key === undefined) {
        key = `${escapeWord(name, 'field name')}=`;
        keys.set(name, key);
      }
      set += set === '' ? key + text : `,${key}${text}`;
    }
    return set === '' ? null : `${series} ${set} ${time}`;
  };
}

function formatField(value: FieldValue | undefined): string | null {
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) return null;
    return Object.is(value, -0) ? '-0' : String(value);
  }
  if (typeof value === 'string') return `"${value.replace(/["\\]/g, '\\$&')}"`;
  if (typeof value === 'boolean') return value ? 'true' : 'false';
  return value === undefined ? null : `${value.int}i`;
}

function escapeTable(table: string): string {
  // A leading # would make the line a comment.
  if (table.startsWith('#')) throw unwritable('table name', table, 'begins with #');
  // In a table's name an equals sign is plain text; escaped it would keep its backslash.
  return escapeSpecial(table, 'table name', /[, ]|\\(?=[\\, ])/g);
}

function escapeWord(text: string, what: string): string {
  return escapeSpecial(text, what, /[,= ]|\\(?=[\\,= ])/g);
}

function escapeSpecial(text: string, what: string, special: RegExp): string {
  if (text === '') throw unwritable(what, text, 'is empty');
  if (/[\n\t\0]/.test(text)) throw unwritable(what, text, 'holds a line break, tab or NUL');
  if (text.endsWith('\\')) throw unwritable(what, text, 'ends with a backslash');
  return text.replace(special, '\\$&');
}

function unwritable(what: string, text: string, why: string): HalfspaceError {
  return new HalfspaceError(
    'RejectedWrite',
    `The ${what} ${JSON.stringify(text)} ${why}, which InfluxDB's line protocol cannot hold. Change it at its source.`,
  );
}
