import { describe, expect, it } from 'vitest';
import type { FeatureSettings } from '../../src/contract/pipeline.js';
import { FeatureMaker } from '../../src/shape/features.js';
import { randomFrom, testSeed } from '../random.js';

const NaN_ = Number.NaN;
const HOUR_NS = 3_600_000_000_000n;

function hourly(rows: number): BigInt64Array {
  return BigInt64Array.from({ length: rows }, (_, row) => BigInt(row) * HOUR_NS);
}

/** One feature of one column `x`. */
function made(feature: FeatureSettings, x: readonly number[]): number[] {
  return [...new FeatureMaker([feature], ['x']).make(hourly(x.length), Float64Array.from(x))];
}

describe('a feature', () => {
  it('is the column itself, at no cost where the columns are all there is', () => {
    const values = Float64Array.of(1, 2, 3, 4);
    const plain = ['a', 'b'].map((column): FeatureSettings => ({ kind: 'value', column }));
    expect(new FeatureMaker(plain, ['a', 'b']).make(hourly(2), values)).toBe(values);
    expect([...new FeatureMaker(plain.reverse(), ['a', 'b']).make(hourly(2), values)]).toEqual([2, 1, 4, 3]);
  });

  it('difference is what the column gained since its last value', () => {
    expect(made({ kind: 'difference', column: 'x' }, [5, 7, NaN_, 4])).toEqual([NaN_, 2, NaN_, -3]);
  });

  it('lag is the value that the column had some values before', () => {
    const lag: FeatureSettings = { kind: 'lag', column: 'x', rows: 2 };
    expect(made(lag, [1, 2, 3, NaN_, 4, 5])).toEqual([NaN_, NaN_, 1, NaN_, 2, 3]);
  });

  it('rolling mean and deviation are those of the last values, of fewer at the beginning', () => {
    const x = [2, 4, NaN_, 9, 1];
    expect(made({ kind: 'rolling_mean', column: 'x', rows: 3 }, x)).toEqual([2, 3, NaN_, 5, 14 / 3]);
    const deviations = made({ kind: 'rolling_deviation', column: 'x', rows: 3 }, x);
    expect(deviations[0]).toBeNaN();
    expect(deviations[1]).toBeCloseTo(Math.SQRT2, 12);
    expect(deviations[3]).toBeCloseTo(Math.sqrt(13), 12);
  });

  it('is missing where it would be no finite number', () => {
    expect(made({ kind: 'difference', column: 'x' }, [1e308, -1e308, Number.POSITIVE_INFINITY, 1])).toEqual([
      NaN_,
      NaN_,
      NaN_,
      1e308,
    ]);
  });

  it('hour and weekday are those of the zone, whatever else is missing', () => {
    const features: FeatureSettings[] = [
      { kind: 'hour', zone: 'Asia/Tokyo' },
      { kind: 'weekday', zone: 'Asia/Tokyo' },
      { kind: 'value', column: 'x' },
    ];
    const times = BigInt64Array.of(0n, 15n * HOUR_NS);
    expect([...new FeatureMaker(features, ['x']).make(times, Float64Array.of(NaN_, 1))]).toEqual([9, 3, NaN_, 0, 4, 1]);
  });
});

describe('features', () => {
  const features: FeatureSettings[] = [
    { kind: 'rolling_mean', column: 'b', rows: 5 },
    { kind: 'rolling_deviation', column: 'b', rows: 5 },
    { kind: 'rolling_mean', column: 'a', rows: 30 },
    { kind: 'lag', column: 'a', rows: 4 },
    { kind: 'difference', column: 'b' },
    { kind: 'value', column: 'a' },
    { kind: 'hour', zone: 'Europe/Berlin' },
  ];
  const columns = ['a', 'b', 'c'];

  it('are the same bit for bit wherever the rows are cut and the state is saved', () => {
    const seed = testSeed();
    const random = randomFrom(seed);
    for (let round = 0; round < 40; round++) {
      const rows = 120;
      const times = hourly(rows);
      const values = Float64Array.from({ length: rows * 3 }, () =>
        random() < 0.2 ? NaN_ : (random() - 0.5) * 10 ** Math.floor(random() * 30),
      );
      const once = new FeatureMaker(features, columns);
      const whole = once.make(times, values);

      let maker = new FeatureMaker(features, columns);
      const parts: number[] = [];
      for (let from = 0; from < rows; ) {
        const to = Math.min(from + Math.floor(random() * 25), rows);
        parts.push(...maker.make(times.slice(from, to), values.slice(from * 3, to * 3)));
        maker = FeatureMaker.fromBytes(features, columns, maker.toBytes());
        from = to;
      }
      const context = `seed ${seed}, round ${round}`;
      expect(parts, context).toEqual([...whole]);
      expect(maker.toBytes(), context).toEqual(once.toBytes());
    }
  });

  it('without memory have no bytes', () => {
    const plain: FeatureSettings[] = [{ kind: 'value', column: 'c' }];
    expect(new FeatureMaker(plain, columns).toBytes()).toHaveLength(0);
  });

  it('refuse the bytes of others', () => {
    const bytes = new FeatureMaker([{ kind: 'difference', column: 'a' }], columns).toBytes();
    const corrupt = expect.objectContaining({ kind: 'CorruptSnapshot' });
    expect(() => FeatureMaker.fromBytes(features, columns, bytes)).toThrow(corrupt);
    expect(() => FeatureMaker.fromBytes(features, columns, bytes.subarray(0, 9))).toThrow(corrupt);
  });
});
