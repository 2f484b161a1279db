import { describe, expect, it } from 'vitest';
import { HalfspaceError } from '../../src/contract/failures.js';
import type { Slice } from '../../src/contract/slice.js';
import type { Table } from '../../src/contract/table.js';
import { decodeSlice, decodeTable, encodeSlice, encodeTable } from '../../src/shape/slice-codec.js';
import { randomFrom } from '../random.js';

const slice: Slice = {
  uniqueId: 'boge-Ω 1',
  ids: ['Böge', 'Ω 1'],
  rows: 3,
  times: BigInt64Array.of(-5n, 0n, 9_007_199_254_740_993n),
  values: Float64Array.of(1, -0, NaN, 5e-324, -1.5, 1e308),
};

const table: Table = {
  rows: 3,
  columns: new Map([
    ['time', { kind: 'time', values: BigInt64Array.of(1n, 2n, 3n) }],
    ['id', { kind: 'string', dictionary: ['unused', 'b', 'a', 'also'], codes: Int32Array.of(2, -1, 1) }],
    ['power', { kind: 'number', values: Float64Array.of(1, NaN, -0) }],
  ]),
};

function bitsOf(values: Float64Array): BigUint64Array {
  return new BigUint64Array(Float64Array.from(values).buffer);
}

function expectCorrupt(run: () => unknown): void {
  expect(run).toThrow(HalfspaceError);
  expect(run).toThrow(expect.objectContaining({ kind: 'CorruptSnapshot' }));
}

describe('slice codec', () => {
  it('reads back the same slice, every bit of its values', () => {
    const read = decodeSlice(encodeSlice(slice));
    expect(read).toEqual(slice);
    expect(bitsOf(read.values)).toEqual(bitsOf(slice.values));
  });

  it('reads a slice without rows, and one within larger bytes at any place', () => {
    const empty: Slice = { uniqueId: 'm', ids: ['m'], rows: 0, times: new BigInt64Array(), values: new Float64Array() };
    expect(decodeSlice(encodeSlice(empty))).toEqual(empty);
    const bytes = encodeSlice(slice);
    for (const offset of [1, 3, 8]) {
      const larger = new Uint8Array(bytes.length + 16);
      larger.set(bytes, offset);
      expect(decodeSlice(larger.subarray(offset, offset + bytes.length))).toEqual(slice);
    }
  });

  it('gives the same bytes for a view into larger arrays', () => {
    const times = BigInt64Array.of(7n, ...slice.times, 7n).subarray(1, 4);
    const values = Float64Array.of(7, ...slice.values).subarray(1);
    expect(encodeSlice({ ...slice, times, values })).toEqual(encodeSlice(slice));
    expect(encodeSlice(slice).length % 8).toBe(0);
  });

  it('refuses bytes that are cut, longer, or of another kind or version', () => {
    const bytes = encodeSlice(slice);
    for (let length = 0; length < bytes.length; length++) expectCorrupt(() => decodeSlice(bytes.slice(0, length)));
    expectCorrupt(() => decodeSlice(new Uint8Array([...bytes, 0])));
    expectCorrupt(() => decodeSlice(new Uint8Array([...bytes, ...new Uint8Array(8)])));
    expectCorrupt(() => decodeSlice(encodeTable(table)));
    const newer = bytes.slice();
    newer[4] = 2;
    expect(() => decodeSlice(newer)).toThrow('version 1, got 2');
  });

  it('never fails in another way on damaged bytes', () => {
    const seed = 77;
    const random = randomFrom(seed);
    for (const [bytes, decode] of [
      [encodeSlice(slice), decodeSlice],
      [encodeTable(table), decodeTable],
    ] as const) {
      for (let round = 0; round < 2000; round++) {
        const damaged = bytes.slice();
        damaged[Math.floor(random() * damaged.length)] = Math.floor(random() * 256);
        try {
          decode(damaged);
        } catch (error) {
          expect(error, `seed ${seed} round ${round}`).toMatchObject({
            name: 'HalfspaceError',
            kind: 'CorruptSnapshot',
          });
        }
      }
    }
  });
});

describe('table codec', () => {
  it('reads back the same rows and keeps only the strings in use', () => {
    const read = decodeTable(encodeTable(table));
    expect([...read.columns.keys()]).toEqual(['time', 'id', 'power']);
    expect(read.columns.get('time')).toEqual(table.columns.get('time'));
    expect(read.columns.get('power')).toEqual(table.columns.get('power'));
    expect(read.columns.get('id')).toEqual({ kind: 'string', dictionary: ['a', 'b'], codes: Int32Array.of(0, -1, 1) });
    expect(encodeTable(read)).toEqual(encodeTable(table));
  });

  it('reads a table without rows or columns', () => {
    expect(decodeTable(encodeTable({ rows: 0, columns: new Map() }))).toEqual({ rows: 0, columns: new Map() });
  });

  it('refuses a code outside its dictionary', () => {
    const one: Table = {
      rows: 1,
      columns: new Map([['id', { kind: 'string', dictionary: ['a'], codes: Int32Array.of(0) }]]),
    };
    const bytes = encodeTable(one);
    bytes[bytes.length - 8] = 1;
    expect(() => decodeTable(bytes)).toThrow('codes below 1 in id, got 1');
  });
});
