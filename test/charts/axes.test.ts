import { describe, expect, it } from 'vitest';
import { numberTicks } from '../../src/charts/number-axis.js';
import { timeTicks } from '../../src/charts/time-axis.js';
import { randomFrom, testSeed } from '../random.js';

const at = (iso: string): number => Date.parse(iso);
const labels = (from: string, to: string, count = 10): string[] =>
  timeTicks(at(from), at(to), count).map(({ label }) => label.join(' / '));

describe('timeTicks', () => {
  it.each([
    [
      '2026-11-23T06:00:00.000Z',
      '2026-11-23T06:00:00.004Z',
      ['06:00:00.000 / 2026-11-23', '06:00:00.001', '06:00:00.002', '06:00:00.003', '06:00:00.004'],
    ],
    [
      '2026-11-23T06:00:01Z',
      '2026-11-23T06:00:19Z',
      [
        '06:00:02 / 2026-11-23',
        '06:00:04',
        '06:00:06',
        '06:00:08',
        '06:00:10',
        '06:00:12',
        '06:00:14',
        '06:00:16',
        '06:00:18',
      ],
    ],
    [
      '2026-11-23T22:50:00Z',
      '2026-11-24T00:50:00Z',
      ['23:00 / 2026-11-23', '23:15', '23:30', '23:45', '00:00 / 2026-11-24', '00:15', '00:30', '00:45'],
    ],
    [
      '2026-12-30T03:00:00Z',
      '2027-01-02T03:00:00Z',
      ['12:00 / 2026-12-30', '00:00 / 2026-12-31', '12:00', '00:00 / 2027-01-01', '12:00', '00:00 / 2027-01-02'],
    ],
    [
      '2026-12-28T12:00:00Z',
      '2027-01-04T12:00:00Z',
      ['29 Dec / 2026', '30 Dec', '31 Dec', '1 Jan / 2027', '2 Jan', '3 Jan', '4 Jan'],
    ],
    ['2026-11-01T00:00:00Z', '2027-04-15T00:00:00Z', ['Nov / 2026', 'Dec', 'Jan / 2027', 'Feb', 'Mar', 'Apr']],
    ['1995-06-01T00:00:00Z', '2026-01-01T00:00:00Z', ['2000', '2005', '2010', '2015', '2020', '2025']],
  ])('labels %s to %s in UTC', (from, to, expected) => {
    expect(labels(from, to)).toEqual(expected);
  });

  it('puts weekly ticks on Mondays', () => {
    const ticks = timeTicks(at('2026-10-01T00:00:00Z'), at('2026-11-20T00:00:00Z'), 10);
    expect(ticks.length).toBeGreaterThan(5);
    for (const { ms } of ticks) expect(new Date(ms).getUTCDay()).toBe(1);
  });

  it('stays within range and count, in order, for any range', () => {
    const seed = testSeed();
    const random = randomFrom(seed);
    for (let round = 0; round < 500; round++) {
      const from = (random() - 0.3) * 1e13;
      const to = Math.min(9.2e12, from + 10 ** (14 * random()));
      const count = 2 + Math.floor(random() * 20);
      const ticks = timeTicks(from, to, count);
      const context = `seed ${seed}, round ${round}: ${from} to ${to}, ${count}`;
      expect(ticks.length, context).toBeLessThanOrEqual(count);
      ticks.forEach(({ ms, label }, index) => {
        expect(ms, context).toBeGreaterThanOrEqual(from);
        expect(ms, context).toBeLessThanOrEqual(to);
        expect(ms, context).toBeGreaterThan(ticks[index - 1]?.ms ?? Number.NEGATIVE_INFINITY);
        expect(label[0], context).toMatch(/\S/);
      });
    }
  });
});

describe('numberTicks', () => {
  it.each([
    [203, 498, ['200', '300', '400', '500']],
    [0, 1, ['0', '0.25', '0.5', '0.75', '1']],
    [-0.3, 0.2, ['-0.4', '-0.2', '0', '0.2']],
    [20, 20, ['19', '19.5', '20', '20.5', '21']],
    [0, 0, ['-1', '-0.5', '0', '0.5', '1']],
    [0, 4e9, ['0', '1e9', '2e9', '3e9', '4e9']],
  ])('covers %d to %d', (low, high, expected) => {
    expect(numberTicks(low, high, 5).labels).toEqual(expected);
  });

  it('covers any range with a few ticks that read back apart', () => {
    const seed = testSeed();
    const random = randomFrom(seed);
    for (let round = 0; round < 500; round++) {
      const low = (random() - 0.5) * 10 ** (40 * random() - 20);
      const high = low + Math.abs(low) * 1e-6 + 10 ** (40 * random() - 20);
      const { values, labels: texts } = numberTicks(low, high, 5);
      const context = `seed ${seed}, round ${round}: ${low} to ${high}: ${texts}`;
      const step = (values[1] ?? 0) - (values[0] ?? 0);
      expect(values.length, context).toBeGreaterThanOrEqual(2);
      expect(values.length, context).toBeLessThanOrEqual(12);
      expect(values[0], context).toBeLessThanOrEqual(low + step * 1e-6);
      expect(values.at(-1), context).toBeGreaterThanOrEqual(high - step * 1e-6);
      expect(new Set(texts).size, context).toBe(values.length);
      texts.forEach((text, index) => {
        expect(Math.abs(Number(text) - (values[index] ?? 0)), context).toBeLessThan(step / 10);
      });
    }
  });

  it('ends for ranges that doubles hardly hold', () => {
    for (const [low, high] of [
      [1e300, 1e300],
      [-1e300, 1e300],
      [5e-324, 5e-324],
      [0, 5e-324],
      [1, 1 + Number.EPSILON],
    ] as const) {
      const { values } = numberTicks(low, high, 5);
      expect(values.length, `${low} to ${high}`).toBeGreaterThanOrEqual(2);
      expect(values.every(Number.isFinite), `${low} to ${high}: ${values}`).toBe(true);
    }
  });
});
