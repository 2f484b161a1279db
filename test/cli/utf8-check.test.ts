import { describe, expect, it } from 'vitest';
import { type BadByte, createUtf8Check } from '../../src/cli/csv/utf8-check.js';
import { randomFrom, testSeed } from '../random.js';

function checked(pieces: readonly Buffer[]): BadByte | null {
  const check = createUtf8Check();
  for (const piece of pieces) {
    const bad = check.take(piece);
    if (bad !== null) return bad;
  }
  return check.end();
}

/** The same by the decoder's replacement character, which stands where the first bad byte is. */
function expected(bytes: Buffer): BadByte | null {
  const text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);
  if (!text.includes('\ufffd')) return null;
  const before = text.slice(0, text.indexOf('\ufffd'));
  const offset = Buffer.byteLength(before);
  return { offset, line: before.split('\n').length, value: bytes[offset] ?? -1 };
}

describe('createUtf8Check', () => {
  it('finds the first bad byte wherever the bytes are cut', () => {
    const seed = testSeed();
    const random = randomFrom(seed);
    const upTo = (limit: number): number => Math.floor(random() * limit);
    const good = ['a', '\n', 'é', '東', '😀'].map((text) => Buffer.from(text));
    let bad = 0;
    for (let round = 0; round < 2000; round++) {
      const parts = Array.from({ length: 1 + upTo(30) }, () =>
        upTo(30) === 0 ? Buffer.from([upTo(256)]) : (good[upTo(good.length)] ?? Buffer.of()),
      );
      const whole = Buffer.concat(parts);
      const bytes = whole.subarray(0, whole.length - (upTo(5) === 0 ? 1 : 0));
      const pieces: Buffer[] = [];
      for (let at = 0; at < bytes.length; ) {
        const next = at + 1 + upTo(6);
        pieces.push(bytes.subarray(at, next));
        at = next;
      }
      const wanted = expected(bytes);
      if (wanted !== null) bad++;
      expect(checked(pieces), `seed ${seed}, ${bytes.toString('hex')}`).toEqual(wanted);
    }
    // Both outcomes were there.
    expect(bad).toBeGreaterThan(100);
    expect(bad).toBeLessThan(1900);
  });
});
