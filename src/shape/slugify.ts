import npmSlugify from 'slugify';
import { SLUG_CORRECTIONS } from './slug-corrections.js';
import { SLUG_ENTITIES } from './slug-entities.js';

/** Largest Unicode code point; Python's `chr` refuses more. */
const LAST_CODE_POINT = 0x10ffff;

/**
 * The text as lower-case ASCII words joined by `-`: what `slugify(text)` of python-slugify 8 and 9 (over text-unidecode)
 * returns for text in Latin, Greek and Cyrillic script with its usual punctuation; '' when nothing is left.
 *
 * The transliteration is the npm package `slugify`, corrected where the two differ (slug-corrections.ts). In other scripts
 * that package alone decides: Arabic, Georgian and Armenian letters may differ from python-slugify's, and what it does
 * not know (Chinese, Japanese, Korean, Hebrew, Thai, ...) leaves nothing.
 */
export function slugify(text: string): string {
  // The steps and their order are python-slugify's: an apostrophe separates when typed but vanishes when a character
  // becomes one (a typographic apostrophe, a soft sign), and entities are read after the transliteration.
  const ascii = Array.from(text.replace(/'+/g, '-').normalize('NFKD'), transliterate).join('');
  return readEntities(ascii)
    .normalize('NFKD')
    .toLowerCase()
    .replace(/'+/g, '')
    .replace(/(?<=[0-9]),(?=[0-9])/g, '')
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '');
}

function transliterate(character: string): string {
  if (character.charCodeAt(0) < 0x80) return character;
  return SLUG_CORRECTIONS.get(character) ?? npmSlugify(character, { replacement: ' ', trim: false });
}

function readEntities(ascii: string): string {
  if (!ascii.includes('&')) return ascii;
  const named = ascii.replace(/&([A-Za-z0-9]+);/g, (whole, name: string) => SLUG_ENTITIES.get(name) ?? whole);
  const decimal = readNumbered(named, /&#(\d+);/g, 10);
  return readNumbered(decimal, /&#x([0-9a-fA-F]+);/g, 16);
}

/** All or nothing, as in python-slugify: one number that is no code point leaves every other as it stands. */
function readNumbered(text: string, pattern: RegExp, base: number): string {
  const codes = Array.from(text.matchAll(pattern), ([, digits = '']) => Number.parseInt(digits, base));
  if (codes.some((code) => code > LAST_CODE_POINT)) return text;
  let next = 0;
  return text.replace(pattern, () => String.fromCodePoint(codes[next++] ?? 0));
}
