import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { slugify } from '../../src/shape/slugify.js';

const goldens = z
  .object({
    points: z.array(z.tuple([z.number(), z.number(), z.string(), z.string()])),
    names: z.array(z.tuple([z.string(), z.string()])),
  })
  .parse(JSON.parse(readFileSync(new URL('../golden-shape/slugs.json', import.meta.url), 'utf8')));

describe('slugify', () => {
  it('writes each Latin, Greek and Cyrillic code point as python-slugify does, alone and within a word', () => {
    const wrong: string[] = [];
    for (const [first, last, alone, between] of goldens.points) {
      for (let code = first; code <= last; code++) {
        const character = String.fromCodePoint(code);
        const got = [slugify(character), slugify(`x${character}1`)];
        if (got[0] !== alone || got[1] !== between)
          wrong.push(`U+${code.toString(16)}: ${got} for ${[alone, between]}`);
      }
    }
    expect(wrong).toEqual([]);
  });

  it('writes awkward and random names as python-slugify does', () => {
    expect(goldens.names.length).toBeGreaterThan(3000);
    const wrong = goldens.names.filter(([name, slug]) => slugify(name) !== slug);
    expect(wrong.map(([name, slug]) => ({ name, want: slug, got: slugify(name) }))).toEqual([]);
  });

  it.each([
    ['Böge GmbH & Co', 'boge-gmbh-co'],
    ['50% off', '50-off'],
    ["O'Brien", 'o-brien'],
    ['1,000', '1000'],
    ['a&amp;b', 'a-b'],
  ])('writes %j as %j', (name, slug) => {
    expect(slugify(name)).toBe(slug);
  });

  it('leaves nothing of a script it cannot write', () => {
    expect(slugify('東京')).toBe('');
    expect(slugify('😀')).toBe('');
  });
});
