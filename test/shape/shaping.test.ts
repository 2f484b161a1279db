import { describe, expect, it } from 'vitest';
import type { FeatureSettings, ResampleSettings } from '../../src/contract/pipeline.js';
import type { Slice } from '../../src/contract/slice.js';
import { firstRowFrom, Shaping } from '../../src/shape/shaping.js';
import { sourceOf } from '../pipeline.js';
import { randomFrom, testSeed } from '../random.js';

const SOURCE = sourceOf();
const FEATURES: FeatureSettings[] = [{ kind: 'lag', column: 'x', rows: 2 }];
const GRID: ResampleSettings = { every: 10, how: 'last', fill: 'previous', limit: 40 };

function sliceOf(times: readonly bigint[], values: readonly number[]): Slice {
  return {
    uniqueId: 'm',
    ids: ['m'],
    rows: times.length,
    times: BigInt64Array.from(times),
    values: Float64Array.from(values),
  };
}

describe('shaping', () => {
  it.each([
    ['the source’s own rows', null],
    ['rows on a grid', GRID],
  ])('says from where on rows are still to be scored: %s', (_what, resample) => {
    const settings = { source: SOURCE, resample, features: FEATURES };
    const seed = testSeed();
    const random = randomFrom(seed);
    for (let round = 0; round < 50; round++) {
      let time = BigInt(Math.floor((random() - 0.5) * 1e9));
      const times = Array.from({ length: 40 }, () => {
        time += BigInt(1 + Math.floor(random() * 2e7));
        return time;
      });
      const cut = 1 + Math.floor(random() * 38);
      const shaping = new Shaping(settings);
      const [first, second] = [times.slice(0, cut), times.slice(cut)];
      const before = shaping.take(sliceOf(first, first.map(Number)), false);
      const after = shaping.take(sliceOf(second, second.map(Number)), true);
      const watermark = (first.at(-1) ?? 0n) + 1n;
      const context = `seed ${seed}, round ${round}, cut ${cut}`;
      const next = after.slice.times.find((_, row) => after.filled?.[row] !== 1) ?? 0n;
      expect(next >= (before.until ?? 0n), context).toBe(true);
      expect(next >= firstRowFrom(watermark, settings), context).toBe(true);
      // No later than it must be: what came before is over.
      expect((before.slice.times.at(-1) ?? -(2n ** 62n)) < firstRowFrom(watermark, settings), context).toBe(true);
      if (resample !== null) expect(next, context).toBe(firstRowFrom(watermark, settings));
    }
  });

  it('refuses the bytes of other settings, and bytes that are cut', () => {
    const grid = { source: SOURCE, resample: GRID, features: FEATURES };
    const own = { ...grid, resample: null };
    const corrupt = expect.objectContaining({ kind: 'CorruptSnapshot' });
    const bytes = new Shaping(grid).toBytes();
    expect(() => Shaping.fromBytes(own, bytes)).toThrow(corrupt);
    expect(() => Shaping.fromBytes(grid, new Shaping(own).toBytes())).toThrow(corrupt);
    for (const length of [0, 7, 20, bytes.length - 8]) {
      expect(() => Shaping.fromBytes(grid, bytes.subarray(0, length)), `${length} bytes`).toThrow(corrupt);
    }
  });
});
