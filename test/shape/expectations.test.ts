import { describe, expect, it } from 'vitest';
import type { Table } from '../../src/contract/table.js';
import { createTableFacts, factsOfSlices } from '../../src/shape/expectation-facts.js';
import { checkExpectations, type ExpectationFacts } from '../../src/shape/expectations.js';

const MINUTE_NS = 60_000_000_000n;
const facts: ExpectationFacts = {
  rows: 12,
  newest: 100n * MINUTE_NS,
  columns: ['time', 'id', 'power'],
  missing: { time: 0, id: 0, power: 0.25 },
  values: ['power'],
};

describe('checkExpectations', () => {
  it('says nothing when everything is met, limits included', () => {
    const list = [
      { min_rows: 12, otherwise: 'fail' },
      { fresh_within: 300_000, otherwise: 'fail' },
      { max_missing: 0.25, otherwise: 'fail' },
      { required_columns: ['id', 'power'], otherwise: 'fail' },
    ] as const;
    expect(checkExpectations(list, facts, 105n * MINUTE_NS)).toEqual([]);
  });

  it('says what was expected and what was found', () => {
    const list = [
      { min_rows: 100, otherwise: 'fail' },
      { fresh_within: 300_000, otherwise: 'warn' },
      { max_missing: 0.1, otherwise: 'warn' },
      { max_missing: 0.1, columns: ['id', 'load'], otherwise: 'fail' },
      { required_columns: ['id', 'load', 'speed'], otherwise: 'fail' },
    ] as const;
    expect(checkExpectations(list, facts, 175n * MINUTE_NS)).toEqual([
      { kind: 'fail', text: 'expected at least 100 rows, found 12' },
      { kind: 'warn', text: 'expected a row of the last 5m, found the newest 1h 15m old' },
      { kind: 'warn', text: 'expected at most 10% of power to be missing, found 25%' },
      { kind: 'fail', text: 'expected at most 10% of load to be missing, found 100%' },
      { kind: 'fail', text: 'expected the columns load, speed, found time, id, power' },
    ]);
  });

  it('leaves it to min_rows to say that there are no rows', () => {
    const none: ExpectationFacts = { ...facts, rows: 0, newest: null, columns: [], missing: {} };
    const list = [
      { required_columns: ['power'], otherwise: 'fail' },
      { max_missing: 0.1, otherwise: 'fail' },
      { min_rows: 1, otherwise: 'fail' },
    ] as const;
    expect(checkExpectations(list, none, 0n).map(({ text }) => text)).toEqual(['expected at least 1 row, found 0']);
  });

  it('asks for a fresh row where there is none', () => {
    const [shortfall] = checkExpectations([{ fresh_within: 1500, otherwise: 'fail' }], { ...facts, newest: null }, 0n);
    expect(shortfall?.text).toBe('expected a row of the last 1.5s, found no rows');
  });
});

describe('facts', () => {
  const source = { time: 'time', id: ['id'], values: ['power'] };
  const first: Table = {
    rows: 2,
    columns: new Map([
      ['time', { kind: 'time', values: BigInt64Array.of(5n, -(2n ** 63n)) }],
      ['id', { kind: 'string', dictionary: ['a'], codes: Int32Array.of(0, -1) }],
      ['power', { kind: 'number', values: Float64Array.of(NaN, 1) }],
    ]),
  };
  const second: Table = {
    rows: 2,
    columns: new Map([
      ['time', { kind: 'time', values: BigInt64Array.of(3n, 4n) }],
      ['power', { kind: 'string', dictionary: ['x'], codes: Int32Array.of(0, 0) }],
      ['late', { kind: 'number', values: Float64Array.of(1, 1) }],
    ]),
  };

  it('of tables count a column that some of them lack, and texts among numbers, as missing', () => {
    const gathered = createTableFacts(source);
    expect(gathered.facts()).toMatchObject({ rows: 0, newest: null, columns: [] });
    gathered.add(first);
    gathered.add(second);
    expect(gathered.facts()).toEqual({
      rows: 4,
      newest: 5n,
      columns: ['time', 'id', 'power', 'late'],
      missing: { time: 0.25, id: 0.75, power: 0.75, late: 0.5 },
      values: ['power'],
    });
  });

  it('of slices are those of the rows that machines keep', () => {
    const slice = {
      uniqueId: 'a',
      ids: ['a'],
      rows: 2,
      times: BigInt64Array.of(1n, 9n),
      values: Float64Array.of(NaN, 1),
    };
    const other = { ...slice, rows: 0, times: new BigInt64Array(), values: new Float64Array() };
    expect(factsOfSlices([slice, other], source)).toEqual({
      rows: 2,
      newest: 9n,
      columns: ['time', 'id', 'power'],
      missing: { id: 0, time: 0, power: 0.5 },
      values: ['power'],
    });
    expect(factsOfSlices([], source)).toMatchObject({ rows: 0, newest: null, missing: { power: 0 } });
  });
});
