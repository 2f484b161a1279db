import { HalfspaceError } from '../contract/failures.js';
import { sha256Hex } from './sha256.js';
import { slugify } from './slugify.js';

/** `hashed` appends a short hash of the exact id tuple. */
export type UniqueIdMode = 'readable' | 'hashed';

/** Hex digits of the hash: two of 1,000 ids that read the same share one with a probability of about 1 in 8,600. */
const HASH_DIGITS = 8;

const REMEDY = 'Set `unique_id: hashed` in the pipeline’s source.';

/**
 * A machine's name: every id but the last as a slug, the last verbatim, joined by `-`. It depends on these ids alone.
 * @param ids values of the id columns in the order of `source.id`, at least one.
 * @throws HalfspaceError `BadSettings` when an id leaves no slug in `readable` mode; `hashed` leaves it out.
 */
export function uniqueId(ids: readonly string[], mode: UniqueIdMode): string {
  const slugs = ids.slice(0, -1).map(slugify);
  const unnamed = slugs.indexOf('');
  if (mode === 'readable') {
    if (unnamed >= 0) throw new HalfspaceError('BadSettings', noSlugReason(ids, ids[unnamed] ?? ''));
    return [...slugs, ...ids.slice(-1)].join('-');
  }
  const hash = sha256Hex(JSON.stringify(ids)).slice(0, HASH_DIGITS);
  return [...slugs.filter((slug) => slug !== ''), ...ids.slice(-1), hash].join('-');
}

/** Different id tuples that one unique_id would stand for. */
export interface Collision {
  readonly uniqueId: string;
  /** At least two, in the order they were given. */
  readonly tuples: readonly (readonly string[])[];
}

/** Every unique_id that more than one of these (different) tuples has. Tuples that have none are left out. */
export function findCollisions(tuples: Iterable<readonly string[]>, mode: UniqueIdMode): Collision[] {
  const byId = new Map<string, (readonly string[])[]>();
  for (const tuple of tuples) {
    const id = uniqueIdOrNull(tuple, mode);
    if (id === null) continue;
    const same = byId.get(id);
    if (same === undefined) byId.set(id, [tuple]);
    else if (!same.some((other) => isSameTuple(other, tuple))) same.push(tuple);
  }
  return Array.from(byId, ([id, same]) => ({ uniqueId: id, tuples: same })).filter((found) => found.tuples.length > 1);
}

/** @throws HalfspaceError `IdCollision` naming the tuples and what to do, when two tuples have one unique_id. */
export function checkCollisions(tuples: Iterable<readonly string[]>, mode: UniqueIdMode): void {
  const collisions = findCollisions(tuples, mode);
  if (collisions.length > 0) throw new HalfspaceError('IdCollision', collisions.map(collisionReason).join('\n'));
}

/** What is wrong and what to do, in one sentence each. */
export function collisionReason({ uniqueId: id, tuples }: Collision): string {
  return `Machines ${tuples.map(shownTuple).join(' and ')} have the same unique_id ${JSON.stringify(id)}. ${REMEDY}`;
}

/** The unique_id, or null where the tuple has none. */
export function uniqueIdOrNull(ids: readonly string[], mode: UniqueIdMode): string | null {
  if (mode === 'readable' && ids.slice(0, -1).some((id) => slugify(id) === '')) return null;
  return uniqueId(ids, mode);
}

/** Why a tuple without a unique_id is refused, and what to do. */
export function unnamedReason(ids: readonly string[]): string {
  return noSlugReason(ids, ids.slice(0, -1).find((id) => slugify(id) === '') ?? '');
}

/** `(A/B, 7)`, each id as a JSON string. */
export function shownTuple(ids: readonly string[]): string {
  return `(${ids.map((id) => JSON.stringify(id)).join(', ')})`;
}

function noSlugReason(ids: readonly string[], id: string): string {
  return `Machine ${shownTuple(ids)} has no readable unique_id: ${JSON.stringify(id)} leaves no slug. ${REMEDY}`;
}

/** Whether two machines are one: each id is equal to the letter. */
export function isSameTuple(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((id, i) => id === b[i]);
}
