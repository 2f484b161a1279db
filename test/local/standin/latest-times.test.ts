import { describe, expect, it } from 'vitest';
import { LatestTimes } from '../../../src/local/standin/schema.js';

describe('LatestTimes', () => {
  it('knows each series by its own latest time', () => {
    const latest = new LatestTimes(null);
    latest.note('a', 100n);
    latest.note('a', 50n);
    expect(latest.isBefore('a', 100n)).toBe(false);
    expect(latest.isBefore('a', 101n)).toBe(true);
    expect(latest.isBefore('b', 1n)).toBe(true);
  });

  it('takes what was stored before for the latest time of every series', () => {
    const latest = new LatestTimes(100n);
    expect(latest.isBefore('a', 100n)).toBe(false);
    latest.note('a', 200n);
    expect(latest.isBefore('a', 150n)).toBe(false);
    expect(latest.isBefore('b', 150n)).toBe(true);
  });

  it('forgets single series when there are too many, and then takes the latest of all for each', () => {
    const latest = new LatestTimes(null);
    for (let series = 0; series <= 100_000; series++) latest.note(`s${series}`, BigInt(series));
    expect(latest.isBefore('s1', 100_000n)).toBe(false);
    expect(latest.isBefore('new', 100_000n)).toBe(false);
    expect(latest.isBefore('s1', 100_001n)).toBe(true);
  });
});
