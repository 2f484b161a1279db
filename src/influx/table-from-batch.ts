import { type Data, DataType, type RecordBatch, TimeUnit, Vector } from 'apache-arrow';
import { HalfspaceError } from '../contract/failures.js';
import { type Column, MISSING_TIME, type StringColumn, type Table } from '../contract/table.js';
import { StringCodes } from './string-codes.js';

const LARGEST_DICTIONARY = 16_384; // twice a batch: each table carries the whole of it
const NANOS_PER_DAY = 86_400_000_000_000n;
const NANOS_PER_MS = 1_000_000n;

export interface TableDecoderOptions {
  /** Columns to hand over as strings even where the database holds numbers or booleans: ids. */
  readonly textColumns?: ReadonlySet<string>;
}

/**
 * A function from Arrow record batches of one query to tables that own their memory. The tables of one decoder share
 * a string column's dictionary, which only grows (until it is very large: then a new one begins), so that a code
 * means the same in each of them.
 */
export function createTableDecoder({
  textColumns = new Set(),
}: TableDecoderOptions = {}): (batch: RecordBatch) => Table {
  const codesByColumn = new Map<string, StringCodes>();

  function codesOf(name: string): StringCodes {
    const known = codesByColumn.get(name);
    if (known !== undefined && known.dictionary.length < LARGEST_DICTIONARY) return known;
    const fresh = new StringCodes();
    codesByColumn.set(name, fresh);
    return fresh;
  }

  return function tableFromBatch(batch) {
    const columns = new Map<string, Column>();
    for (const [index, field] of batch.schema.fields.entries()) {
      const data = batch.data.children[index];
      if (data === undefined) continue;
      columns.set(
        field.name,
        columnFromData(field.name, data, () => codesOf(field.name), textColumns.has(field.name)),
      );
    }
    return { rows: batch.numRows, columns };
  };
}

function columnFromData(name: string, data: Data, codes: () => StringCodes, asText: boolean): Column {
  const { type } = data;
  if (DataType.isUtf8(type) || DataType.isLargeUtf8(type)) return stringsFromBytes(data, codes());
  if (DataType.isUtf8View(type)) return stringsFromValues(data, codes());
  if (DataType.isDictionary(type)) {
    const { dictionary } = type;
    if (DataType.isUtf8(dictionary) || DataType.isLargeUtf8(dictionary) || DataType.isUtf8View(dictionary)) {
      return stringsFromDictionary(data, codes());
    }
  }
  if (DataType.isTimestamp(type)) return { kind: 'time', values: nanosFromTimestamps(data, type.unit) };
  if (DataType.isDate(type)) return { kind: 'time', values: nanosFromDates(data) };
  if (DataType.isNull(type)) {
    if (asText) return { kind: 'string', dictionary: codes().dictionary, codes: new Int32Array(data.length).fill(-1) };
    return { kind: 'number', values: new Float64Array(data.length).fill(Number.NaN) };
  }
  if (DataType.isInt(type) || DataType.isFloat(type) || DataType.isBool(type)) {
    return asText ? stringsFromValues(data, codes()) : { kind: 'number', values: doublesFromNumbers(data) };
  }
  throw new HalfspaceError(
    'BadSchema',
    `Column "${name}" has the type ${type}, which is neither a time, a number, a boolean nor a string. ` +
      'Leave it out of the query, or CAST it to DOUBLE or VARCHAR.',
  );
}

function stringsFromBytes(data: Data, codes: StringCodes): StringColumn {
  const { length, nullCount } = data;
  const bytes: Uint8Array = data.values;
  const offsets: Int32Array | BigInt64Array = data.valueOffsets;
  const out = new Int32Array(length);
  let start = Number(offsets[0] ?? 0);
  for (let row = 0; row < length; row++) {
    const end = Number(offsets[row + 1]);
    out[row] = nullCount > 0 && !data.getValid(row) ? -1 : codes.codeOf(bytes, start, end);
    start = end;
  }
  return { kind: 'string', dictionary: codes.dictionary, codes: out };
}

function stringsFromDictionary(data: Data, codes: StringCodes): StringColumn {
  const entries = data.dictionary;
  const codeOfEntry = Int32Array.from({ length: entries?.length ?? 0 }, (_, entry) => {
    const text: unknown = entries?.get(entry);
    return typeof text === 'string' ? codes.codeOfText(text) : -1;
  });
  const indices: ArrayLike<number | bigint> = data.values;
  const out = new Int32Array(data.length);
  for (let row = 0; row < data.length; row++) {
    out[row] = data.nullCount > 0 && !data.getValid(row) ? -1 : (codeOfEntry[Number(indices[row])] ?? -1);
  }
  return { kind: 'string', dictionary: codes.dictionary, codes: out };
}

/** The slow way: one JavaScript value a row; integers keep all their digits. */
function stringsFromValues(data: Data, codes: StringCodes): StringColumn {
  const read = valueReader(data);
  const out = new Int32Array(data.length);
  for (let row = 0; row < data.length; row++) {
    const value = data.getValid(row) ? read(row) : null;
    out[row] = value === null ? -1 : codes.codeOfText(String(value));
  }
  return { kind: 'string', dictionary: codes.dictionary, codes: out };
}

function nanosFromTimestamps(data: Data, unit: TimeUnit): BigInt64Array {
  const source: BigInt64Array = data.values;
  const values = source.slice(0, data.length);
  const factor = NANOS_PER_UNIT[unit];
  if (factor !== 1n) {
    for (let row = 0; row < values.length; row++) values[row] = (values[row] ?? 0n) * factor;
  }
  markMissing(data, values);
  return values;
}

const NANOS_PER_UNIT: Readonly<Record<TimeUnit, bigint>> = {
  [TimeUnit.SECOND]: 1_000_000_000n,
  [TimeUnit.MILLISECOND]: 1_000_000n,
  [TimeUnit.MICROSECOND]: 1_000n,
  [TimeUnit.NANOSECOND]: 1n,
};

/** Days (int32) or milliseconds (int64) since the epoch. */
function nanosFromDates(data: Data): BigInt64Array {
  const source: Int32Array | BigInt64Array = data.values;
  const factor = source instanceof BigInt64Array ? NANOS_PER_MS : NANOS_PER_DAY;
  const values = new BigInt64Array(data.length);
  for (let row = 0; row < values.length; row++) values[row] = BigInt(source[row] ?? 0) * factor;
  markMissing(data, values);
  return values;
}

function markMissing(data: Data, values: BigInt64Array): void {
  if (data.nullCount === 0) return;
  for (let row = 0; row < values.length; row++) if (!data.getValid(row)) values[row] = MISSING_TIME;
}

function doublesFromNumbers(data: Data): Float64Array {
  const { length } = data;
  let values: Float64Array;
  if (data.values instanceof Float64Array) {
    values = data.values.slice(0, length);
  } else {
    const read = valueReader(data);
    values = Float64Array.from({ length }, (_, row) => Number(read(row)));
  }
  if (data.nullCount > 0) {
    for (let row = 0; row < length; row++) if (!data.getValid(row)) values[row] = Number.NaN;
  }
  return values;
}

/** Reads one cell; booleans are single bits, half floats and string views have no array of their own. */
function valueReader(data: Data): (row: number) => string | number | bigint | boolean {
  if (DataType.isBool(data.type)) {
    const bits: Uint8Array = data.values;
    return (row) => (((bits[(data.offset + row) >> 3] ?? 0) >> ((data.offset + row) & 7)) & 1) === 1;
  }
  if (DataType.isUtf8View(data.type) || (DataType.isFloat(data.type) && data.type.precision === 0)) {
    const vector = new Vector([data]);
    return (row) => vector.get(row);
  }
  const values: ArrayLike<number | bigint> = data.values;
  return (row) => values[row] ?? 0;
}
