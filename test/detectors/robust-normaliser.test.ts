import { describe, expect, it } from 'vitest';
import { createNormaliser, type Normaliser, normaliserFromBytes } from '../../src/detectors/normaliser.js';
import { testSeed } from '../random.js';
import { Xorshift32 } from './random-rows.js';

const seed = testSeed();

function normalised(normaliser: Normaliser, values: readonly number[], features = 1): number[] {
  const out = new Float64Array(values.length);
  normaliser.normalise(Float64Array.from(values), values.length / features, out);
  return [...out];
}

/** By sorting, as a textbook has it. */
function place(window: readonly number[]): number {
  const sorted = [...window].sort((a, b) => a - b);
  const quantile = (share: number) => {
    const at = (sorted.length - 1) * share;
    const [below = 0, above = 0] = [sorted[Math.floor(at)], sorted[Math.ceil(at)]];
    return below + (above - below) * (at % 1);
  };
  const place = 0.5 + ((window.at(-1) ?? 0) - quantile(0.5)) / 8 / (quantile(0.75) - quantile(0.25));
  return Math.min(Math.max(place, -1), 2);
}

describe(`a robust normaliser (HALFSPACE_TEST_SEED=${seed})`, () => {
  it('places a value by median and interquartile range of the last 500', () => {
    const random = new Xorshift32(seed);
    const values = Array.from({ length: 1300 }, (_, row) => random.draw() * 10 + (row > 700 ? 50 : 0));
    const out = normalised(createNormaliser('robust', ['x']), values);
    for (let row = 3; row < values.length; row++) {
      expect(out[row]).toBeCloseTo(place(values.slice(Math.max(0, row - 499), row + 1)), 9);
    }
  });

  it('is not moved by one value far out, and makes a new level the usual one in time', () => {
    const random = new Xorshift32(seed);
    const steady = () => 100 + random.draw();
    const normaliser = createNormaliser('robust', ['x']);
    normalised(normaliser, Array.from({ length: 500 }, steady));
    expect(normalised(normaliser, [1e9])).toEqual([2]);
    expect(normalised(normaliser, [100.5])[0]).toBeCloseTo(0.5, 1);
    const levels = normalised(
      normaliser,
      Array.from({ length: 500 }, () => steady() + 30),
    );
    expect(levels[0]).toBe(2);
    expect(Math.abs((levels.at(-1) ?? 0) - 0.5)).toBeLessThan(0.2);
  });

  it('gives a finite number for whatever is one, and keeps a missing value missing', () => {
    const wild = [0, 0, 1e308, -1e308, 5e-324, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 1, 1];
    for (const value of normalised(createNormaliser('robust', ['x']), wild)) expect(value).toSatisfy(Number.isFinite);
    const normaliser = createNormaliser('robust', ['x']);
    expect(normalised(normaliser, [3, Number.NaN, 3, 3, 3, 4])).toEqual([0.5, Number.NaN, 0.5, 0.5, 0.5, 2]);
  });

  it('places rows that teach nothing by those before them', () => {
    const normaliser = createNormaliser('robust', ['x']);
    const out = new Float64Array(1);
    normaliser.normalise(Float64Array.of(7), 1, out, false);
    expect(out[0]).toBe(0.5);
    normalised(normaliser, [1, 2, 3, 4, 5]);
    const before = normaliser.toBytes();
    normaliser.normalise(Float64Array.of(7), 1, out, false);
    expect(out[0]).toBe(0.75);
    expect(normaliser.toBytes()).toEqual(before);
  });

  it('goes on from its bytes bit for bit, wherever the rows are cut', () => {
    const random = new Xorshift32(seed);
    const names = ['b', 'a'];
    const values = Array.from({ length: 2400 }, () => (random.draw() < 0.1 ? Number.NaN : random.draw() * 1e3));
    const once = createNormaliser('robust', names);
    const whole = normalised(once, values, 2);
    for (const cut of [0, 2, 700, 1100, 2000]) {
      const before = createNormaliser('robust', names);
      const first = normalised(before, values.slice(0, cut), 2);
      const after = normaliserFromBytes('robust', names, before.toBytes());
      expect([...first, ...normalised(after, values.slice(cut), 2)]).toEqual(whole);
      expect(after.toBytes()).toEqual(once.toBytes());
    }
  });

  it('refuses bytes that are damaged or of other features', () => {
    const normaliser = createNormaliser('robust', ['x']);
    normalised(normaliser, [1, 2, 3]);
    const bytes = normaliser.toBytes();
    const corrupt = expect.objectContaining({ kind: 'CorruptSnapshot' });
    for (let at = 0; at < bytes.length; at++) {
      const damaged = bytes.slice();
      damaged[at] = (damaged[at] ?? 0) ^ 4;
      expect(() => normaliserFromBytes('robust', ['x'], damaged)).toThrow(corrupt);
    }
    expect(() => normaliserFromBytes('robust', ['y'], bytes)).toThrow(corrupt);
  });
});
