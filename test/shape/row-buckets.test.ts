import { describe, expect, it } from 'vitest';
import type { Slice } from '../../src/contract/slice.js';
import { checkpointTime, lateClockOf, recentStart, sliceStart, zoneStart } from '../../src/shape/late-zone.js';
import { bucketsOf, differenceOf, floorTo, rowAt } from '../../src/shape/row-buckets.js';
import { randomFrom, testSeed } from '../random.js';

const WIDTH = 1000n;

function sliceOf(rows: readonly (readonly [time: bigint, ...values: number[]])[]): Slice {
  return {
    uniqueId: 'm',
    ids: ['m'],
    rows: rows.length,
    times: BigInt64Array.from(rows, ([time]) => time),
    values: Float64Array.from(rows.flatMap(([, ...values]) => values)),
  };
}

function all(slice: Slice) {
  return bucketsOf(slice, { from: -(2n ** 62n), until: 2n ** 62n, width: WIDTH });
}

describe('buckets of rows', () => {
  it('are aligned to the epoch, before it too, and leave out stretches without rows', () => {
    const found = all(
      sliceOf([
        [-1n, 1],
        [0n, 2],
        [999n, 3],
        [5000n, 4],
      ]),
    );
    expect(found.map(({ start, rows }) => [start, rows])).toEqual([
      [-1000n, 1],
      [0n, 2],
      [5000n, 1],
    ]);
    expect(all(sliceOf([]))).toEqual([]);
  });

  it('hold the rows with from <= time < until', () => {
    const slice = sliceOf([
      [10n, 1],
      [20n, 2],
      [30n, 3],
    ]);
    const between = bucketsOf(slice, { from: 20n, until: 30n, width: WIDTH });
    expect(between).toEqual(all(sliceOf([[20n, 2]])));
  });

  it('are the same wherever their slice lies in memory', () => {
    const rows = [
      [1n, 1, 2],
      [2n, 3, 4],
      [3n, 5, 6],
    ] as const;
    const whole = sliceOf([[0n, 9, 9], ...rows]);
    const part = { ...whole, rows: 3, times: whole.times.subarray(1), values: whole.values.subarray(2) };
    expect(all(part)).toEqual(all(sliceOf(rows)));
  });

  it('differ when a single bit of a time or value differs, and have no two of 20,000 hashes in common', () => {
    const seed = testSeed();
    const random = randomFrom(seed);
    const rows = Array.from({ length: 8 }, (_, i) => [BigInt(i * 100), random(), random()] as const);
    const base = sliceOf(rows);
    const hashes = new Set<string>();
    const note = (slice: Slice) => {
      for (const { high, low } of all(slice)) hashes.add(`${high} ${low}`);
    };
    note(base);
    const words = new Uint32Array(base.values.buffer);
    for (let word = 0; word < words.length; word++) {
      for (let bit = 0; bit < 32; bit++) {
        words[word] = (words[word] ?? 0) ^ (1 << bit);
        // Only a value that is still a number can differ: all NaNs are one missing value.
        if (!base.values.some(Number.isNaN)) note(base);
        words[word] = (words[word] ?? 0) ^ (1 << bit);
      }
    }
    const flips = hashes.size - 1;
    expect(flips, `seed ${seed}`).toBe(words.length * 32);
    for (let i = 0; i < 20_000; i++) note(sliceOf([[BigInt(i % 1000), Math.floor(i / 1000)]]));
    expect(hashes.size, `seed ${seed}`).toBe(flips + 1 + 20_000);
  });

  it('take every NaN for the same missing value', () => {
    const odd = sliceOf([[1n, Number.NaN, 2]]);
    new Uint32Array(odd.values.buffer)[0] = 12345;
    expect(odd.values[0]).toBeNaN();
    expect(all(odd)).toEqual(all(sliceOf([[1n, Number.NaN, 2]])));
    expect(all(odd)).not.toEqual(all(sliceOf([[1n, 0, 2]])));
  });
});

describe('the difference of buckets', () => {
  const before = all(
    sliceOf([
      [0n, 1],
      [1500n, 2],
      [2500n, 3],
    ]),
  );

  it('is nothing where rows are the same', () => {
    expect(
      differenceOf(
        before,
        all(
          sliceOf([
            [0n, 1],
            [1500n, 2],
            [2500n, 3],
          ]),
        ),
        0n,
      ),
    ).toBeNull();
  });

  it('counts rows that came, and one where values alone changed or rows are gone', () => {
    const now = all(
      sliceOf([
        [1500n, 9],
        [2100n, 4],
        [2200n, 5],
        [2500n, 3],
      ]),
    );
    expect(differenceOf(before, now, 0n)).toEqual({ first: 0n, rows: 1 + 1 + 2 });
    expect(differenceOf(before, now, 1000n)).toEqual({ first: 1000n, rows: 1 + 2 });
    expect(differenceOf(before, now, 3000n)).toBeNull();
  });
});

describe('times of the search for late rows', () => {
  it('are off with nothing to look back to, and in replay mode', () => {
    expect(lateClockOf(null)).toBeNull();
    expect(lateClockOf({ within: 0, action: 'rescore' })).toBeNull();
  });

  it('cut a twelfth of late.within, a second at least', () => {
    expect(lateClockOf({ within: 3_600_000, action: 'report' })).toEqual({
      width: 300_000_000_000n,
      within: 3_600_000_000_000n,
    });
    expect(lateClockOf({ within: 2500, action: 'report' })).toEqual({ width: 1_000_000_000n, within: 3_000_000_000n });
  });

  it('reach at least late.within back, and as far again where a model must be gone back to', () => {
    for (const within of [1, 999, 1000, 7777, 60_000, 3_600_001]) {
      const clock = lateClockOf({ within, action: 'rescore' });
      if (clock === null) throw new Error('expected a clock');
      const span = BigInt(within) * 1_000_000n;
      for (const at of [0n, 1n, 1_700_000_000_123_456_789n]) {
        expect(zoneStart(clock, at)).toBeLessThanOrEqual(at - span);
        expect(zoneStart(clock, at) % clock.width).toBe(0n);
        expect(sliceStart(clock, at, 'report')).toBe(zoneStart(clock, at));
        expect(sliceStart(clock, at, 'rescore')).toBeLessThanOrEqual(zoneStart(clock, at) - span);
        expect(recentStart(clock, at)).toBe(sliceStart(clock, at, 'rescore'));
        expect(checkpointTime(clock, at)).toBe(zoneStart(clock, at));
      }
    }
  });
});

describe('helpers', () => {
  it('floor to the lower multiple', () => {
    expect([-1000n, -999n, -1n, 0n, 999n, 1000n].map((time) => floorTo(time, WIDTH))).toEqual([
      -1000n,
      -1000n,
      -1000n,
      0n,
      0n,
      1000n,
    ]);
  });

  it('find the first row at or after a time', () => {
    const times = BigInt64Array.from([1n, 3n, 3n, 5n]);
    expect([0n, 1n, 2n, 3n, 4n, 5n, 6n].map((time) => rowAt(times, time))).toEqual([0, 0, 1, 1, 3, 3, 4]);
  });
});
