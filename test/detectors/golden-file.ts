import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';

/** The parsed content of a file in test/golden/; the scripts beside it say what it holds and which versions made it. */
export function readGolden<T>(name: string): T {
  const path = new URL(`../golden/${name}`, import.meta.url);
  return JSON.parse(gunzipSync(readFileSync(path)).toString('utf8'));
}

/** The double whose big-endian bits are these 16 hex digits; `nan` is NaN. */
export function doubleFromHex(hex: string): number {
  return hex === 'nan' ? Number.NaN : Buffer.from(hex, 'hex').readDoubleBE();
}
