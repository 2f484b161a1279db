import { describe, expect, it } from 'vitest';
import { nextChunk, type Span } from '../../src/activities/next-chunk.js';
import { randomFrom, testSeed } from '../random.js';

const MS = 1_000_000n;

/** All chunks of a span, one after the other, as runs make them. */
function chunksOf({ from, to }: Span, longest: bigint): { windows: Span[]; numbers: string[] } {
  const windows: Span[] = [];
  const numbers: string[] = [];
  for (let at = from; ; ) {
    const { window, chunk } = nextChunk({ from: at, to }, longest, windows.length);
    windows.push(window);
    numbers.push(`${chunk.index}/${chunk.count}`);
    if (chunk.index >= chunk.count) return { windows, numbers };
    at = window.to;
  }
}

describe('chunks', () => {
  it('are one where the span is no longer than the longest', () => {
    expect(chunksOf({ from: 5n, to: 5n + 10n * MS }, 10n * MS)).toEqual({
      windows: [{ from: 5n, to: 5n + 10n * MS }],
      numbers: ['1/1'],
    });
  });

  it('are even, so that none is a sliver', () => {
    const { windows, numbers } = chunksOf({ from: 0n, to: 25n * MS }, 12n * MS);
    expect(windows.map(({ from, to }) => (to - from) / MS)).toEqual([9n, 8n, 8n]);
    expect(numbers).toEqual(['1/3', '2/3', '3/3']);
  });

  it('cover any span without gap or overlap, none longer than asked, and are numbered as foretold', () => {
    const seed = testSeed();
    const draw = randomFrom(seed);
    const random = (most: number): bigint => BigInt(1 + Math.floor(draw() * most));
    for (let round = 0; round < 100; round++) {
      const from = random(2 ** 50) - 2n ** 49n;
      const longest = random(1000) * MS;
      const to = from + random(2 ** 20) * random(40_000);
      const { windows, numbers } = chunksOf({ from, to }, longest);
      const text = `seed ${seed}: ${from} to ${to}, ${longest}`;
      expect(windows[0]?.from, text).toBe(from);
      expect(windows.at(-1)?.to, text).toBe(to);
      for (const [i, window] of windows.entries()) {
        expect(window.from < window.to && window.to - window.from <= longest, text).toBe(true);
        if (i > 0) expect(window.from, text).toBe(windows[i - 1]?.to);
        expect(numbers[i], text).toBe(`${i + 1}/${windows.length}`);
      }
    }
  });

  it('of what is done already are one empty window, the last', () => {
    for (const to of [7n, 5n]) {
      expect(nextChunk({ from: 7n, to }, MS, 2)).toEqual({
        window: { from: 7n, to: 7n },
        chunk: { index: 3, count: 3 },
      });
    }
  });
});
