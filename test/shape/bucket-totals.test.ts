import { expect, test } from 'vitest';
import type { SourceSettings } from '../../src/contract/pipeline.js';
import { type Column, MISSING_TIME, type Table } from '../../src/contract/table.js';
import { type BucketTotal, BucketTotals } from '../../src/shape/bucket-totals.js';
import { floorTo } from '../../src/shape/row-buckets.js';
import { randomFrom, testSeed } from '../random.js';

const EVERY = 300n;
const source: SourceSettings = {
  table: 't',
  query: null,
  language: 'sql',
  id: ['site', 'machine'],
  values: ['a', 'b'],
  time: 'time',
  unique_id: 'readable',
};

interface Row {
  readonly site: string | null;
  readonly machine: string;
  readonly time: bigint;
  readonly a: number;
  readonly b: number;
}

function tableOf(rows: readonly Row[]): Table {
  const strings = (texts: readonly (string | null)[]): Column => {
    const dictionary = [...new Set(texts.filter((text) => text !== null))];
    return { kind: 'string', dictionary, codes: Int32Array.from(texts, (text) => dictionary.indexOf(text ?? '')) };
  };
  const columns = new Map<string, Column>([
    ['site', strings(rows.map(({ site }) => site))],
    ['machine', strings(rows.map(({ machine }) => machine))],
    ['time', { kind: 'time', values: BigInt64Array.from(rows, ({ time }) => time) }],
    ['a', { kind: 'number', values: Float64Array.from(rows, ({ a }) => a) }],
    ['b', { kind: 'number', values: Float64Array.from(rows, ({ b }) => b) }],
  ]);
  return { rows: rows.length, columns };
}

const NO_VALUE = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];

function randomRows(random: () => number, count: number): Row[] {
  const pick = (amount: number) => Math.floor(random() * amount);
  const value = () => (random() < 0.2 ? (NO_VALUE[pick(3)] ?? 0) : (random() - 0.5) * 10 ** pick(6));
  return Array.from({ length: count }, () => ({
    site: random() < 0.05 ? null : `s${pick(3)}`,
    machine: `m${pick(12)}`,
    time: random() < 0.05 ? MISSING_TIME : BigInt(pick(4000) - 2000),
    a: value(),
    b: value(),
  }));
}

/** The same from the definition: every row of a machine and bucket, one after the other. */
function naive(rows: readonly Row[], from: bigint, to: bigint): Map<string, Omit<BucketTotal, 'machine'>> {
  const groups = new Map<string, Row[]>();
  for (const row of rows) {
    if (row.site === null || row.time < from || row.time >= to) continue;
    const key = `${row.site} ${row.machine} ${floorTo(row.time, EVERY)}`;
    groups.set(key, [...(groups.get(key) ?? []), row]);
  }
  const total = (values: readonly number[]) => {
    const there = values.filter(Number.isFinite);
    if (there.length === 0) return { mean: Number.NaN, min: Number.NaN, max: Number.NaN, count: 0 };
    const mean = there.reduce((sum, value) => sum + value, 0) / there.length;
    return { mean, min: Math.min(...there), max: Math.max(...there), count: there.length };
  };
  return new Map(
    [...groups].map(([key, group]) => {
      const [site = '', machine = '', start = ''] = key.split(' ');
      const values = [total(group.map(({ a }) => a)), total(group.map(({ b }) => b))];
      return [key, { ids: [site, machine], start: BigInt(start), rows: group.length, values }];
    }),
  );
}

function byKey(totals: Iterable<BucketTotal>): Map<string, Omit<BucketTotal, 'machine'>> {
  return new Map(Array.from(totals, ({ machine: _, ...rest }) => [`${rest.ids.join(' ')} ${rest.start}`, rest]));
}

const seed = testSeed();

test(`gives what adding up all rows gives, whatever their order and the tables they come in (seed ${seed})`, () => {
  const random = randomFrom(seed);
  for (let round = 0; round < 20; round++) {
    const rows = randomRows(random, 1 + Math.floor(random() * 800));
    const [from, to] = [BigInt(Math.floor(random() * 1500) - 1500), BigInt(Math.floor(random() * 1500))];
    const totals = new BucketTotals(source, EVERY);
    for (let at = 0; at < rows.length; ) {
      const next = at + 1 + Math.floor(random() * 200);
      totals.add(tableOf(rows.slice(at, next)), from, to);
      at = next;
    }
    const taken = [...totals.takeBefore(to)];
    expect(byKey(taken)).toEqual(naive(rows, from, to));
    const order = taken.map(({ start, machine }) => start * 1000n + BigInt(machine));
    expect(order).toEqual([...order].sort((a, b) => (a < b ? -1 : 1)));
    expect([...totals.takeBefore(to + EVERY)]).toEqual([]);
  }
});

test(`rows in the order of time give the same when whole buckets are taken on the way (seed ${seed})`, () => {
  const random = randomFrom(seed);
  const rows = randomRows(random, 2000).sort((a, b) => (a.time < b.time ? -1 : a.time > b.time ? 1 : 0));
  const totals = new BucketTotals(source, EVERY);
  const taken: BucketTotal[] = [];
  for (let at = 0; at < rows.length; at += 70) {
    totals.add(tableOf(rows.slice(at, at + 70)), -2000n, 2000n);
    const before = [...totals.takeBefore(totals.newest)];
    expect(before.every(({ start }) => start < totals.newest)).toBe(true);
    taken.push(...before);
  }
  expect(taken.length).toBeGreaterThan(100);
  taken.push(...totals.takeBefore(2000n));
  expect(byKey(taken)).toEqual(naive(rows, -2000n, 2000n));
  expect(taken).toHaveLength(byKey(taken).size);
});

test('the mean of huge values is one of their size', () => {
  const huge = Number.MAX_VALUE;
  const values = [huge, huge, -huge, huge];
  const rows = values.map((a) => ({ site: 's', machine: 'm', time: 0n, a, b: huge }));
  const totals = new BucketTotals(source, EVERY);
  totals.add(tableOf(rows), 0n, EVERY);
  const [{ values: found } = { values: [] }] = totals.takeBefore(EVERY);
  expect(found).toEqual([
    { mean: huge / 2, min: -huge, max: huge, count: 4 },
    { mean: huge, min: huge, max: huge, count: 4 },
  ]);
});
