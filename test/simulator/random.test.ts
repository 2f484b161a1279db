import { describe, expect, it } from 'vitest';
import { randomAt, randomIntegerAt, streamOf } from '../../src/simulator/random.js';

describe('random numbers by address', () => {
  it('give the same number for the same address and others for its neighbours', () => {
    const stream = streamOf(7, 'machine1');
    const one = randomAt(stream, 1_764_000_000, 0);
    expect(randomAt(stream, 1_764_000_000, 0)).toBe(one);
    const neighbours = [
      randomAt(stream, 1_764_000_001, 0),
      randomAt(stream, 1_764_000_000, 1),
      randomAt(stream, 1_764_000_000 + 2 ** 32, 0),
      randomAt(streamOf(7, 'machine2'), 1_764_000_000, 0),
      randomAt(streamOf(8, 'machine1'), 1_764_000_000, 0),
      randomAt(streamOf(7 + 2 ** 32, 'machine1'), 1_764_000_000, 0),
    ];
    expect(new Set([one, ...neighbours]).size).toBe(neighbours.length + 1);
  });

  it.each([0, 1, 2])('fill every value of an integer range about equally often on channel %i', (channel) => {
    const DRAWS = 21_000;
    const counts = new Array<number>(21).fill(0);
    const stream = streamOf(1, 'machine1');
    for (let i = 0; i < DRAWS; i++) {
      const value = randomIntegerAt(stream, i, channel, 200, 220);
      counts[value - 200] = (counts[value - 200] ?? 0) + 1;
    }
    const expected = DRAWS / counts.length;
    const chiSquare = counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
    expect(chiSquare).toBeLessThan(45.3); // 20 degrees of freedom: one fair generator in a thousand is above
  });

  it('do not follow from the number before', () => {
    const ROWS = 20_000;
    const stream = streamOf(3, 'machine3');
    let sum = 0;
    for (let i = 1; i < ROWS; i++) sum += (randomAt(stream, i - 1, 0) - 0.5) * (randomAt(stream, i, 0) - 0.5);
    const correlation = sum / (ROWS / 12);
    expect(Math.abs(correlation)).toBeLessThan(4 / Math.sqrt(ROWS)); // four standard deviations
  });
});
