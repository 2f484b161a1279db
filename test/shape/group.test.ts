import { describe, expect, it } from 'vitest';
import { HalfspaceError } from '../../src/contract/failures.js';
import type { PipelineSettings, SourceSettings } from '../../src/contract/pipeline.js';
import { type Column, MISSING_TIME, type Table } from '../../src/contract/table.js';
import { createShaper, type Shaped } from '../../src/shape/group.js';
import { randomFrom } from '../random.js';

const source: SourceSettings = {
  table: 'machine_data',
  query: null,
  language: 'sql',
  id: ['provider', 'machineID'],
  values: ['power', 'load'],
  time: 'time',
  unique_id: 'readable',
};

interface Row {
  readonly time: bigint;
  readonly provider: string | null;
  readonly machineID: string | null;
  readonly power: number;
  readonly load: number;
}

function row(time: number | bigint, machineID: string | null, power: number, more: Partial<Row> = {}): Row {
  return { time: BigInt(time), provider: 'Acme', machineID, power, load: power * 2, ...more };
}

function tableOf(rows: readonly Row[], overrides: Record<string, Column> = {}): Table {
  const columns = new Map<string, Column>([
    ['time', { kind: 'time', values: BigInt64Array.from(rows, ({ time }) => time) }],
    ['provider', stringColumn(rows.map(({ provider }) => provider))],
    ['machineID', stringColumn(rows.map(({ machineID }) => machineID))],
    ['power', { kind: 'number', values: Float64Array.from(rows, ({ power }) => power) }],
    ['load', { kind: 'number', values: Float64Array.from(rows, ({ load }) => load) }],
  ]);
  for (const [name, column] of Object.entries(overrides)) columns.set(name, column);
  return { rows: rows.length, columns };
}

function stringColumn(texts: readonly (string | null)[]): Column {
  const dictionary = [...new Set(texts.filter((text) => text !== null))];
  return {
    kind: 'string',
    dictionary,
    codes: Int32Array.from(texts, (t) => (t === null ? -1 : dictionary.indexOf(t))),
  };
}

function shape(tables: readonly Table[], mode: PipelineSettings['mode'] = 'incremental', from = source): Shaped {
  const shaper = createShaper(from, mode);
  for (const table of tables) shaper.add(table);
  return shaper.finish();
}

describe('createShaper', () => {
  it('makes one slice a machine, by unique_id, with rows in time order and values in the settings’ order', () => {
    const { slices, appearance } = shape([
      tableOf([row(3, 'M2', 1), row(2, 'M1', 2)]),
      tableOf([row(1, 'M2', 3), row(5, 'M1', 4)]),
    ]);
    expect(slices).toEqual([
      {
        uniqueId: 'acme-M1',
        ids: ['Acme', 'M1'],
        rows: 2,
        times: BigInt64Array.of(2n, 5n),
        values: Float64Array.of(2, 4, 4, 8),
      },
      {
        uniqueId: 'acme-M2',
        ids: ['Acme', 'M2'],
        rows: 2,
        times: BigInt64Array.of(1n, 3n),
        values: Float64Array.of(3, 6, 1, 2),
      },
    ]);
    expect(appearance).toEqual(['acme-M2', 'acme-M1']);
  });

  it('keeps the row that came last of those with one machine and time when incremental', () => {
    const tables = [
      tableOf([row(2, 'M1', 1), row(1, 'M1', 2)]),
      tableOf([row(2, 'M1', 3), row(2, 'M2', 9), row(2, 'M1', 4)]),
    ];
    const { slices, counts } = shape(tables);
    expect(slices[0]?.times).toEqual(BigInt64Array.of(1n, 2n));
    expect(slices[0]?.values).toEqual(Float64Array.of(2, 4, 4, 8));
    expect(counts).toMatchObject({ rows: 5, duplicates: 2 });
  });

  it('keeps the last of two rows with one time that come in order, too', () => {
    const { slices, counts } = shape([tableOf([row(1, 'M1', 1), row(2, 'M1', 2), row(2, 'M1', 3)])]);
    expect(slices[0]?.values).toEqual(Float64Array.of(1, 2, 3, 6));
    expect(counts.duplicates).toBe(1);
  });

  it('keeps duplicates in the order they came when replaying', () => {
    const { slices, counts } = shape([tableOf([row(2, 'M1', 1), row(1, 'M1', 2), row(2, 'M1', 3)])], 'replay');
    expect(slices[0]?.times).toEqual(BigInt64Array.of(1n, 2n, 2n));
    expect(slices[0]?.values).toEqual(Float64Array.of(2, 4, 1, 2, 3, 6));
    expect(counts.duplicates).toBe(0);
  });

  it('counts cells without a finite number and rows without any', () => {
    const rows = [
      row(1, 'M1', Number.NaN),
      row(2, 'M1', Number.NaN, { load: 1 }),
      row(3, 'M1', Number.POSITIVE_INFINITY),
    ];
    const { slices, counts } = shape([tableOf(rows)]);
    expect(slices[0]?.values).toEqual(Float64Array.of(NaN, NaN, NaN, 1, NaN, NaN));
    expect(counts).toMatchObject({ missing: 5, empty: 2 });
    const replayed = shape([tableOf(rows)], 'replay');
    expect(replayed.slices[0]?.values).toEqual(Float64Array.of(NaN, NaN, NaN, 1, Infinity, Infinity));
    expect(replayed.counts).toMatchObject({ missing: 5, empty: 1 });
  });

  it('takes texts in a value column as missing', () => {
    const table = tableOf([row(1, 'M1', 0, { load: 5 })], { power: stringColumn(['12']) });
    const { slices, texts, counts } = shape([table]);
    expect(slices[0]?.values).toEqual(Float64Array.of(NaN, 5));
    expect(counts.missing).toBe(1);
    expect(texts).toEqual(['power']);
    expect(shape([tableOf([row(1, 'M1', 1)])]).texts).toEqual([]);
  });

  it('counts and leaves out rows without an id or time', () => {
    const rows = [row(1, null, 1), row(MISSING_TIME, 'M1', 1), row(1, 'M1', 1, { provider: '' }), row(1, 'M1', 1)];
    const { slices, counts } = shape([tableOf(rows)]);
    expect(slices.map(({ rows: count }) => count)).toEqual([1]);
    expect(counts).toMatchObject({ rows: 4, unidentified: 3 });
  });

  it('writes ids that are numbers in decimal', () => {
    const numbers: Column = { kind: 'number', values: Float64Array.of(7, 7.5, NaN) };
    const { slices, counts } = shape([tableOf([row(1, '', 1), row(1, '', 1), row(1, '', 1)], { machineID: numbers })]);
    expect(slices.map(({ uniqueId }) => uniqueId)).toEqual(['acme-7', 'acme-7.5']);
    expect(counts.unidentified).toBe(1);
  });

  it('refuses machines with one unique_id and leaves the others alone', () => {
    const { slices, collisions, refused } = shape([
      tableOf([
        row(1, '7', 1, { provider: 'A/B' }),
        row(1, '7', 2, { provider: 'a b' }),
        row(1, '8', 3, { provider: 'a b' }),
      ]),
    ]);
    expect(slices.map(({ uniqueId }) => uniqueId)).toEqual(['a-b-8']);
    expect(collisions).toEqual([
      {
        uniqueId: 'a-b-7',
        tuples: [
          ['A/B', '7'],
          ['a b', '7'],
        ],
      },
    ]);
    expect(refused[0]?.reason).toContain('`unique_id: hashed`');
  });

  it('refuses a machine without a slug and takes it when hashed', () => {
    const table = tableOf([row(1, '7', 1, { provider: '東京' }), row(1, '8', 1)]);
    const { slices, unnamed, refused } = shape([table]);
    expect(slices.map(({ uniqueId }) => uniqueId)).toEqual(['acme-8']);
    expect(unnamed).toEqual([['東京', '7']]);
    expect(refused[0]?.uniqueId).toBe('("東京", "7")');
    expect(shape([table], 'incremental', { ...source, unique_id: 'hashed' }).slices).toHaveLength(2);
  });

  it('names a missing column and those that are there', () => {
    const { columns } = tableOf([row(1, 'M1', 1)]);
    const without = new Map(columns);
    without.delete('power');
    const add = () => createShaper(source, 'replay').add({ rows: 1, columns: without });
    expect(add).toThrow(HalfspaceError);
    expect(add).toThrow('There is no value column "power". The source has: time, provider, machineID, load.');
  });

  it('refuses a time column without times', () => {
    const table = tableOf([row(1, 'M1', 1)], { time: stringColumn(['yesterday']) });
    expect(() => createShaper(source, 'replay').add(table)).toThrow(/Expected times in the time column "time"/);
  });

  it('orders slices by code points', () => {
    const rows = ['\u{1f600}', '\uffee', 'Z', 'a'].map((id) => row(1, id, 1));
    const ids = shape([tableOf(rows)]).slices.map(({ ids: [, id] }) => id);
    expect(ids).toEqual(['Z', 'a', '\uffee', '\u{1f600}']);
  });

  it('gives the same slices however the rows are cut into tables', () => {
    const seed = 20_260;
    const random = randomFrom(seed);
    for (let round = 0; round < 40; round++) {
      const rows = Array.from({ length: 1 + Math.floor(random() * 600) }, () =>
        row(Math.floor(random() * 200), random() < 0.05 ? null : `M${Math.floor(random() * 4)}`, random()),
      );
      const cut = Math.floor(random() * rows.length);
      for (const mode of ['incremental', 'replay'] as const) {
        const whole = shape([tableOf(rows)], mode);
        const parts = shape([tableOf(rows.slice(0, cut)), tableOf(rows.slice(cut))], mode);
        expect(parts, `seed ${seed} round ${round}`).toEqual(whole);
        for (const { uniqueId, times, values, ids } of whole.slices) {
          const own = rows.filter(({ machineID }) => machineID === ids[1]);
          const kept = mode === 'replay' ? own : [...new Map(own.map((r) => [r.time, r])).values()];
          const sorted = kept.sort((a, b) => Number(a.time - b.time));
          expect(Array.from(times), uniqueId).toEqual(sorted.map(({ time }) => time));
          expect(Array.from(values)).toEqual(sorted.flatMap(({ power, load }) => [power, load]));
        }
      }
    }
  });
});
