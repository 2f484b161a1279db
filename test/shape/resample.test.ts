import { describe, expect, it } from 'vitest';
import type { ResampleSettings } from '../../src/contract/pipeline.js';
import type { Slice } from '../../src/contract/slice.js';
import { Resampler } from '../../src/shape/resample.js';
import { randomFrom, testSeed } from '../random.js';

const NaN_ = Number.NaN;

function settingsOf(change: Partial<ResampleSettings> = {}): ResampleSettings {
  return { every: 10, how: 'mean', fill: 'none', limit: 50, ...change };
}

/** Times in milliseconds. */
function sliceOf(rows: readonly (readonly [ms: number, ...values: number[]])[]): Slice {
  return {
    uniqueId: 'm',
    ids: ['m'],
    rows: rows.length,
    times: BigInt64Array.from(rows, ([ms]) => BigInt(ms) * 1_000_000n),
    values: Float64Array.from(rows.flatMap(([, ...values]) => values)),
  };
}

/** Rows that are complete: milliseconds, values, and whether the row fills a gap. */
function grid(change: Partial<ResampleSettings>, rows: readonly (readonly [number, ...number[]])[], isEnd = true) {
  const columns = (rows[0]?.length ?? 2) - 1;
  const { times, values, filled } = new Resampler(settingsOf(change), columns).take(sliceOf(rows), isEnd);
  return Array.from(times, (time, row) => [
    Number(time / 1_000_000n),
    ...values.subarray(row * columns, (row + 1) * columns),
    filled[row] === 1,
  ]);
}

describe('resampling', () => {
  const irregular = [
    [-3, 1],
    [3, 10],
    [4, 20],
    [9, 60],
    [10, 5],
    [27, 8],
  ] as const;

  it('gives the mean of each bucket at its start, those before the epoch too', () => {
    expect(grid({}, irregular)).toEqual([
      [-10, 1, false],
      [0, 30, false],
      [10, 5, false],
      [20, 8, false],
    ]);
  });

  it('begins the first bucket of all with the first time that 64 bits hold, and the next where it would', () => {
    const first = -(2n ** 63n) + 1n;
    const width = 10_000_000n;
    const second = (first / width) * width; // rounds up before the epoch
    const rows = {
      ...sliceOf([
        [0, 1],
        [0, 3],
        [0, 5],
        [0, 9],
      ]),
      times: BigInt64Array.of(first, first + 5n, second, second + 2n * width),
    };
    const settings = settingsOf({ fill: 'linear' });
    const whole = new Resampler(settings, 1).take(rows, true);
    expect([...whole.times]).toEqual([first, second, second + width, second + 2n * width]);
    expect([...whole.values]).toEqual([2, 5, 7, 9]);
    const cut = new Resampler(settings, 1);
    cut.take({ ...rows, rows: 1, times: rows.times.subarray(0, 1), values: rows.values.subarray(0, 1) }, false);
    const again = Resampler.fromBytes(settings, 1, cut.toBytes());
    const rest = again.take({ ...rows, rows: 3, times: rows.times.subarray(1), values: rows.values.subarray(1) }, true);
    expect([...rest.times]).toEqual([...whole.times]);
    expect([...rest.values]).toEqual([...whole.values]);
  });

  it('gives the last value of each bucket', () => {
    expect(grid({ how: 'last' }, irregular).map(([, value]) => value)).toEqual([1, 60, 5, 8]);
  });

  it('gives a bucket once a row of a later one has come, or none will', () => {
    expect(grid({}, irregular, false).map(([ms]) => ms)).toEqual([-10, 0, 10]);
    expect(grid({}, [[5, 1]], false)).toEqual([]);
    expect(grid({}, [])).toEqual([]);
  });

  it('leaves missing values out of the mean, and knows a column without any from 0', () => {
    const rows = [
      [0, 4, NaN_],
      [1, NaN_, NaN_],
      [2, 8, NaN_],
      [10, NaN_, 0],
    ] as const;
    expect(grid({}, rows)).toEqual([
      [0, 6, NaN_, false],
      [10, NaN_, 0, false],
    ]);
    expect(grid({ how: 'last' }, rows)[0]).toEqual([0, 8, NaN_, false]);
  });

  it('has a finite mean of values whose sum is too large to hold, and goes on from its bytes there', () => {
    const largest = Number.MAX_VALUE;
    const meanOf = (...values: number[]) => {
      const rows = values.map((value, i) => [i, value] as const);
      let resampler = new Resampler(settingsOf(), 1);
      for (const row of rows) {
        resampler.take(sliceOf([row]), false);
        resampler = Resampler.fromBytes(settingsOf(), 1, resampler.toBytes());
      }
      const once = new Resampler(settingsOf(), 1).take(sliceOf(rows), true).values;
      expect([...resampler.take(sliceOf([[10, 0]]), false).values]).toEqual([...once]);
      return once[0];
    };
    expect(meanOf(1e308, 1e308, 1e308)).toBe(1e308);
    expect(meanOf(largest, largest, largest, largest, largest)).toBe(largest);
    expect(meanOf(-largest, -largest, largest, largest)).toBeCloseTo(0, 0);
    expect((meanOf(1e308, 1e308, 0, 0) ?? 0) / 1e307).toBeCloseTo(5, 9);
    expect(meanOf(Number.POSITIVE_INFINITY, 1e308, 1e308)).toBe(Number.POSITIVE_INFINITY);
    expect(meanOf(1e308, 1e308, Number.POSITIVE_INFINITY, 5)).toBe(Number.POSITIVE_INFINITY);
    // The sum of the bucket before is forgotten with it.
    expect(
      grid({}, [
        [0, 1e308],
        [1, 1e308],
        [10, 1],
        [11, 2],
      ]),
    ).toEqual([
      [0, 1e308, false],
      [10, 1.5, false],
    ]);
  });

  it('gives no row of a bucket without any value', () => {
    const rows = [
      [0, 1],
      [10, NaN_],
      [20, 3],
    ] as const;
    expect(grid({}, rows).map(([ms]) => ms)).toEqual([0, 20]);
    expect(grid({ fill: 'previous' }, rows)[1]).toEqual([10, 1, true]);
  });
});

describe('filling gaps', () => {
  const gap = [
    [0, 1, NaN_],
    [40, 9, 5],
    [50, 10, 6],
  ] as const;

  it('repeats the row before the gap and marks what it made', () => {
    expect(grid({ fill: 'previous' }, gap)).toEqual([
      [0, 1, NaN_, false],
      [10, 1, NaN_, true],
      [20, 1, NaN_, true],
      [30, 1, NaN_, true],
      [40, 9, 5, false],
      [50, 10, 6, false],
    ]);
  });

  it('draws the line between both ends, and none where an end is missing', () => {
    expect(grid({ fill: 'linear' }, gap).slice(1, 4)).toEqual([
      [10, 3, NaN_, true],
      [20, 5, NaN_, true],
      [30, 7, NaN_, true],
    ]);
  });

  it('comes with the bucket that ends the gap, never before', () => {
    const resampler = new Resampler(settingsOf({ fill: 'linear' }), 1);
    expect(resampler.take(sliceOf([[0, 1]]), false).times).toHaveLength(0);
    expect(resampler.take(sliceOf([[40, 9]]), false).times).toHaveLength(1);
    expect([...resampler.take(sliceOf([[50, 0]]), false).values]).toEqual([3, 5, 7, 9]);
  });

  it('leaves a gap alone that is longer than the limit', () => {
    const rows = [
      [0, 1],
      [60, 2],
      [130, 3],
    ] as const;
    expect(grid({ fill: 'previous', limit: 50 }, rows).map(([ms]) => ms)).toEqual([0, 10, 20, 30, 40, 50, 60, 130]);
    expect(grid({ fill: 'previous', limit: 49 }, rows).map(([ms]) => ms)).toEqual([0, 60, 130]);
  });
});

describe('a resampler', () => {
  it('gives the same rows and bytes wherever its input is cut and its state saved', () => {
    const seed = testSeed();
    const random = randomFrom(seed);
    for (let round = 0; round < 100; round++) {
      const settings = settingsOf({
        how: random() < 0.5 ? 'mean' : 'last',
        fill: random() < 0.5 ? 'linear' : 'previous',
        limit: 10 + Math.floor(random() * 90),
      });
      let ms = -200;
      const rows = Array.from({ length: 60 }, (): [number, number, number] => {
        ms += Math.floor(random() * (random() < 0.1 ? 200 : 12));
        return [ms, random() < 0.2 ? NaN_ : random() * 1e6, random() < 0.5 ? NaN_ : random()];
      });
      const once = new Resampler(settings, 2);
      const whole = once.take(sliceOf(rows), false);

      let resampler = new Resampler(settings, 2);
      const parts = [];
      for (let from = 0; from < rows.length; ) {
        const to = Math.min(from + Math.floor(random() * 9), rows.length);
        parts.push(resampler.take(sliceOf(rows.slice(from, to)), false));
        resampler = Resampler.fromBytes(settings, 2, resampler.toBytes());
        from = to;
      }
      const context = `seed ${seed}, round ${round}`;
      expect(
        parts.flatMap(({ times }) => [...times]),
        context,
      ).toEqual([...whole.times]);
      expect(
        parts.flatMap(({ values }) => [...values]),
        context,
      ).toEqual([...whole.values]);
      expect(
        parts.flatMap(({ filled }) => [...filled]),
        context,
      ).toEqual([...whole.filled]);
      expect(resampler.toBytes(), context).toEqual(once.toBytes());
    }
  });

  it('refuses the bytes of another number of columns', () => {
    const bytes = new Resampler(settingsOf(), 2).toBytes();
    expect(() => Resampler.fromBytes(settingsOf(), 3, bytes)).toThrow(
      expect.objectContaining({ kind: 'CorruptSnapshot' }),
    );
  });
});
