import {
  Table as ArrowTable,
  Bool,
  DateDay,
  Dictionary,
  Duration,
  Float32,
  Float64,
  Int32,
  Int64,
  LargeUtf8,
  makeData,
  makeVector,
  Null,
  TimestampMicrosecond,
  TimestampMillisecond,
  TimestampNanosecond,
  TimestampSecond,
  TimeUnit,
  Uint64,
  Utf8,
  Utf8View,
  type Vector,
  vectorFromArray,
} from 'apache-arrow';
import { expect, test } from 'vitest';
import { type Column, MISSING_TIME } from '../../src/contract/table.js';
import { createTableDecoder } from '../../src/influx/table-from-batch.js';

function decode(vector: Vector, asText = false): Column {
  const table = new ArrowTable({ column: vector });
  const [batch] = table.batches;
  if (batch === undefined) throw new Error('no batch');
  const column = createTableDecoder(asText ? { textColumns: new Set(['column']) } : {})(batch).columns.get('column');
  if (column === undefined) throw new Error('no column');
  return column;
}

function texts(column: Column): (string | null)[] {
  if (column.kind !== 'string') throw new Error(`expected strings, got ${column.kind}`);
  return Array.from(column.codes, (code) =>
    code === -1 ? null : (column.dictionary[code] ?? 'beyond the dictionary'),
  );
}

test.each([
  ['seconds', new TimestampSecond(), 1_000_000_000n],
  ['milliseconds', new TimestampMillisecond(), 1_000_000n],
  ['microseconds', new TimestampMicrosecond(), 1_000n],
  ['nanoseconds', new TimestampNanosecond(), 1n],
])('turns timestamps in %s into nanoseconds, and a missing one into MISSING_TIME', (_, type, factor) => {
  const values = BigInt64Array.of(1_700_000_007n, 0n, -3n);
  const data = makeData({ type, length: 3, nullCount: 1, nullBitmap: Uint8Array.of(0b101), data: values });
  expect(decode(makeVector(data))).toEqual({
    kind: 'time',
    values: BigInt64Array.of(1_700_000_007n * factor, MISSING_TIME, -3n * factor),
  });
});

test('turns dates into the nanoseconds of their midnight', () => {
  const column = decode(vectorFromArray([new Date('2026-01-02T00:00:00Z')], new DateDay()));
  expect(column).toEqual({ kind: 'time', values: BigInt64Array.of(1_767_312_000_000_000_000n) });
});

test.each([
  ['doubles', vectorFromArray([1.5, null, -0], new Float64()), [1.5, Number.NaN, -0]],
  ['floats', vectorFromArray([1.5, null, -0], new Float32()), [1.5, Number.NaN, -0]],
  ['32-bit integers', vectorFromArray([7, null, -7], new Int32()), [7, Number.NaN, -7]],
  ['64-bit integers', vectorFromArray([7n, null, -7n], new Int64()), [7, Number.NaN, -7]],
  ['unsigned integers', vectorFromArray([7n, null, 2n ** 63n], new Uint64()), [7, Number.NaN, 2 ** 63]],
  ['booleans', vectorFromArray([true, null, false], new Bool()), [1, Number.NaN, 0]],
  ['nulls', vectorFromArray([null, null], new Null()), [Number.NaN, Number.NaN]],
])('widens %s to doubles with NaN for null', (_, vector, expected) => {
  expect(decode(vector)).toEqual({ kind: 'number', values: Float64Array.from(expected) });
});

const words = ['ä-1', 'b', null, 'ä-1', '', '日本', 'b', ''];

test.each([
  ['Utf8', new Utf8()],
  ['LargeUtf8', new LargeUtf8()],
  ['Utf8View', new Utf8View()],
  ['Dictionary<Utf8>', new Dictionary(new Utf8(), new Int32())],
])('turns %s into codes of a dictionary without repetitions, -1 for null', (_, type) => {
  const column = decode(vectorFromArray(words, type));
  expect(texts(column)).toEqual(words);
  expect(column.kind === 'string' && [...column.dictionary].sort()).toEqual(['', 'b', 'ä-1', '日本']);
});

test('keeps every digit of an integer and the words of a boolean where text is asked for', () => {
  expect(texts(decode(vectorFromArray([2n ** 62n + 1n, null], new Int64()), true))).toEqual([
    '4611686018427387905',
    null,
  ]);
  expect(texts(decode(vectorFromArray([true, false, null], new Bool()), true))).toEqual(['true', 'false', null]);
  expect(texts(decode(vectorFromArray([null], new Null()), true))).toEqual([null]);
});

test('reads a sliced column from its own rows', () => {
  const nullable = vectorFromArray([null, 'a', null, 'b', 'c'], new Utf8()).slice(1, 4);
  const booleans = vectorFromArray([true, false, true, null, true], new Bool()).slice(1, 5);
  expect(texts(decode(nullable))).toEqual(['a', null, 'b']);
  expect(decode(booleans)).toEqual({ kind: 'number', values: Float64Array.of(0, 1, Number.NaN, 1) });
});

test('gives a string the same code in every table of one decoder', () => {
  const decoder = createTableDecoder();
  const tables = [
    ['x', 'y'],
    ['z', 'y', 'x'],
  ].map((part) => {
    const [batch] = new ArrowTable({ id: vectorFromArray(part, new Utf8()) }).batches;
    if (batch === undefined) throw new Error('no batch');
    return decoder(batch).columns.get('id');
  });
  expect(tables.map((column) => column?.kind === 'string' && [...column.codes])).toEqual([
    [0, 1],
    [2, 1, 0],
  ]);
});

test('refuses a type that is no time, number, boolean or string, naming the column', () => {
  const vector = vectorFromArray([1n], new Duration(TimeUnit.SECOND));
  expect(() => decode(vector)).toThrow(/Column "column" has the type Duration.*CAST/);
});
