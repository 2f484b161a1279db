import { HalfspaceError } from '../contract/failures.js';
import { fnv1a } from './byte-codec.js';

/**
 * Columns of `names` in the order of their names by code point, as Python sorts strings (JavaScript sorts by UTF-16
 * unit, which differs above U+FFFF). Throws BadSettings when there is no name or one comes twice.
 */
export function sortedColumns(names: readonly string[]): Uint16Array {
  if (names.length === 0) throw new HalfspaceError('BadSettings', 'Expected at least one feature, got none.');
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) {
    throw new HalfspaceError('BadSettings', `Expected each feature once, got \`${twice}\` twice. Name it once.`);
  }
  const keyed = names.map((name, column) => ({ column, points: Array.from(name, (char) => char.codePointAt(0) ?? 0) }));
  keyed.sort((a, b) => comparePoints(a.points, b.points));
  return Uint16Array.from(keyed, ({ column }) => column);
}

/** A 32-bit mark of anything that JSON can write, to tell one set of features or limits from another. */
export function fingerprint(value: unknown): number {
  return fnv1a(new TextEncoder().encode(JSON.stringify(value)));
}

function comparePoints(a: readonly number[], b: readonly number[]): number {
  const shared = Math.min(a.length, b.length);
  for (let i = 0; i < shared; i++) if (a[i] !== b[i]) return a[i]! - b[i]!;
  return a.length - b.length;
}
