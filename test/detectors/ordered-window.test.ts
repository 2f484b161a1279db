import { expect, test } from 'vitest';
import { ByteReader, ByteWriter } from '../../src/detectors/byte-codec.js';
import { OrderedWindow } from '../../src/detectors/ordered-window.js';
import { testSeed, Xorshift32 } from './random-rows.js';

const seed = testSeed();
const MAGIC = 0x54534554;

function middleOf(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  const [low, high] = [sorted[(sorted.length - 1) >> 1] ?? Number.NaN, sorted[sorted.length >> 1] ?? Number.NaN];
  return low === high ? low : low / 2 + high / 2;
}

/** What is asked of a window, worked out by sorting. */
function expected(numbers: readonly number[]) {
  const median = middleOf(numbers);
  const deviations = numbers.map((number) => Math.abs(number - median)).sort((a, b) => a - b);
  return [
    median,
    middleOf(deviations),
    ...[0, 0.9, 1].map((share) => deviations[Math.ceil(share * (numbers.length - 1))]),
  ];
}

function told(window: OrderedWindow) {
  return [window.median(), window.medianDeviation(), ...[0, 0.9, 1].map((share) => window.deviationOf(share))];
}

function copyOf(window: OrderedWindow): OrderedWindow {
  const writer = new ByteWriter();
  writer.u32(MAGIC);
  window.write(writer);
  const reader = new ByteReader(writer.finish(), 'a window', MAGIC);
  const copy = new OrderedWindow(window.capacity);
  copy.read(reader);
  reader.end();
  return copy;
}

test(`median and deviations are those of the last numbers, sorted (HALFSPACE_TEST_SEED=${seed})`, () => {
  const random = new Xorshift32(seed);
  for (let round = 0; round < 60; round++) {
    const capacity = random.integer(1, 40);
    const kinds = [
      () => random.draw(),
      () => random.integer(0, 3),
      () => (random.draw() < 0.5 ? -0 : 0),
      (i: number) => i,
      (i: number) => -i * 1e300,
    ];
    const kind = kinds[random.integer(0, kinds.length - 1)] ?? (() => 0);
    let window = new OrderedWindow(capacity);
    const all: number[] = [];
    for (let i = 0; i < 120; i++) {
      const number = random.draw() < 0.1 ? random.draw() : kind(i);
      all.push(number);
      window.push(number);
      const last = all.slice(-capacity);
      expect(window.count).toBe(last.length);
      expect(told(window)).toEqual(expected(last.map((each) => each + 0)));
      if (random.draw() < 0.1) window = copyOf(window);
    }
  }
});

test('an empty window knows nothing', () => {
  expect(told(new OrderedWindow(5))).toEqual(Array(5).fill(Number.NaN));
});

test('numbers that rise for ever take no longer than others', () => {
  const window = new OrderedWindow(50_000);
  for (let i = 0; i < 200_000; i++) window.push(i);
  expect(window.median()).toBe(174_999.5);
  expect(window.medianDeviation()).toBe(12_500);
});
