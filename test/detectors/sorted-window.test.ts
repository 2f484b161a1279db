import { describe, expect, it } from 'vitest';
import { ByteReader, ByteWriter } from '../../src/detectors/byte-codec.js';
import { SortedWindow } from '../../src/detectors/sorted-window.js';
import { testSeed } from '../random.js';
import { Xorshift32 } from './random-rows.js';

const seed = testSeed();
const SHARES = [0, 0.1, 0.25, 0.5, 0.75, 0.99, 1];

/** pandas' `Series.quantile`. */
function quantileOf(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const place = share * (sorted.length - 1);
  const [below = 0, above = 0] = [sorted[Math.floor(place)], sorted[Math.ceil(place)]];
  return below === above ? below + 0 : below * (1 - (place % 1)) + above * (place % 1);
}

function middleOf(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  const [low, high] = [sorted[(sorted.length - 1) >> 1] ?? Number.NaN, sorted[sorted.length >> 1] ?? Number.NaN];
  return low === high ? low : low / 2 + high / 2;
}

/** Distances from the median, worked out by sorting. */
function deviationsOf(numbers: readonly number[]) {
  const median = middleOf(numbers);
  const deviations = numbers.map((number) => Math.abs(number - median)).sort((a, b) => a - b);
  return [middleOf(deviations), ...[0, 0.9, 1].map((share) => deviations[Math.ceil(share * (numbers.length - 1))])];
}

function toldOf(window: SortedWindow) {
  return [window.medianDeviation(), ...[0, 0.9, 1].map((share) => window.deviationOf(share))];
}

function reread(window: SortedWindow): SortedWindow {
  const writer = new ByteWriter();
  writer.u32(1);
  window.write(writer);
  const again = new SortedWindow(window.capacity);
  const reader = new ByteReader(writer.finish(), 'a window', 1);
  again.read(reader);
  reader.end();
  return again;
}

describe(`SortedWindow (HALFSPACE_TEST_SEED=${seed})`, () => {
  it('holds the last numbers in both orders, ties and zeros of either sign among them', () => {
    const random = new Xorshift32(seed);
    for (let round = 0; round < 40; round++) {
      const window = new SortedWindow(random.integer(1, 40));
      const all: number[] = [];
      const draw = () => (random.draw() < 0.5 ? [-0, 0, 1, -1][random.integer(0, 3)] : random.draw() - 0.5) ?? 0;
      for (let i = 0; i < 120; i++) {
        all.push(draw());
        window.push(all.at(-1) ?? 0);
        const last = all.slice(-window.capacity);
        expect(window.count).toBe(last.length);
        expect(Array.from(last, (_, index) => window.at(index))).toEqual(last.map((value) => value + 0));
        for (const share of SHARES) expect(window.quantile(share)).toBe(quantileOf(last, share));
      }
      const again = reread(window);
      for (const share of SHARES) expect(again.quantile(share)).toBe(window.quantile(share));
    }
  });

  it('knows how far its numbers are from their median', () => {
    const random = new Xorshift32(seed);
    const kinds = [
      () => random.draw(),
      () => random.integer(0, 3),
      () => (random.draw() < 0.5 ? -0 : 0),
      (i: number) => i,
      (i: number) => -i * 1e300,
    ];
    for (let round = 0; round < 60; round++) {
      const kind = kinds[random.integer(0, kinds.length - 1)] ?? (() => 0);
      const window = new SortedWindow(random.integer(1, 40));
      const all: number[] = [];
      for (let i = 0; i < 120; i++) {
        all.push(random.draw() < 0.1 ? random.draw() : kind(i));
        window.push(all.at(-1) ?? 0);
        const last = all.slice(-window.capacity).map((value) => value + 0);
        expect(toldOf(window)).toEqual(deviationsOf(last));
      }
    }
    expect(toldOf(new SortedWindow(5))).toEqual(Array(4).fill(Number.NaN));
  });

  it('knows no quantile before the first number', () => {
    expect(new SortedWindow(3).quantile(0.5)).toBeNaN();
  });
});
