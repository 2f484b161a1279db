import { describe, expect, it } from 'vitest';
import { RollingWindow } from '../../src/shape/rolling-window.js';
import { randomFrom, testSeed } from '../random.js';

const seed = testSeed();

/** In two passes, as a textbook has it. */
function plain(numbers: readonly number[]): { mean: number; deviation: number } {
  const mean = numbers.reduce((sum, number) => sum + number, 0) / numbers.length;
  const squares = numbers.reduce((sum, number) => sum + (number - mean) ** 2, 0);
  return { mean, deviation: numbers.length < 2 ? Number.NaN : Math.sqrt(squares / (numbers.length - 1)) };
}

describe(`a rolling window (seed ${seed})`, () => {
  it('has mean and deviation of the last numbers, as two passes over them give', () => {
    const random = randomFrom(seed);
    for (const size of [2, 3, 7, 30]) {
      const window = new RollingWindow(size);
      const all: number[] = [];
      for (let row = 0; row < 200; row++) {
        all.push(random() * 100 - 20);
        window.push(all.at(-1) ?? 0);
        const expected = plain(all.slice(-size));
        expect(window.mean).toBeCloseTo(expected.mean, 10);
        if (row === 0) expect(window.deviation).toBeNaN();
        else expect(window.deviation).toBeCloseTo(expected.deviation, 10);
      }
    }
  });

  it('knows nothing before the first number', () => {
    const window = new RollingWindow(3);
    expect([window.mean, window.deviation]).toEqual([Number.NaN, Number.NaN]);
  });

  it('forgets a huge number for good once it has left', () => {
    const window = new RollingWindow(4);
    for (const number of [1, 1e308, -1e308, 1e308, 5, 6, 7, 8]) window.push(number);
    expect(window.mean).toBe(6.5);
    expect(window.deviation).toBeCloseTo(Math.sqrt(5 / 3), 12);
  });

  it('has no deviation at all while numbers are the same', () => {
    const window = new RollingWindow(5);
    for (let row = 0; row < 40; row++) {
      window.push(0.1);
      if (row > 0) expect(window.deviation).toBe(0);
    }
    expect(window.mean).toBe(0.1);
  });

  it('goes on bit for bit from what it said of itself, whenever that was', () => {
    const random = randomFrom(seed + 1);
    for (let cut = 0; cut < 40; cut++) {
      const numbers = Array.from({ length: 60 }, () => random() * 10 ** Math.floor(random() * 20));
      const once = new RollingWindow(7);
      const before = new RollingWindow(7);
      for (const number of numbers.slice(0, cut)) before.push(number);
      const after = new RollingWindow(7);
      after.restore(before.numbers(), before.front);
      for (const [i, number] of numbers.entries()) {
        once.push(number);
        if (i < cut) continue;
        after.push(number);
        expect(Object.is(after.mean, once.mean), `cut ${cut}`).toBe(true);
        expect(Object.is(after.deviation, once.deviation), `cut ${cut}`).toBe(true);
      }
    }
  });
});
