import { backfillScope } from '../contract/names.js';
import type { Window } from '../contract/run-plan.js';
import type { Nanos } from '../contract/time.js';
import { segmentOf } from './object-key.js';
import type { Storage } from './storage.js';

const FOLDER = 'claims';

/**
 * Where a scope (a pipeline, a backfill) writes scores, said before its first one is written. Progress comes only with the end
 * of a chunk: whoever claims first and looks for others' claims then, misses nobody who does the same.
 */
export interface Claim {
  readonly from: Nanos;
  /** Null: to the end of time, as live runs do. */
  readonly to: Nanos | null;
}

/** Null where the scope has none, or one that cannot be read. */
export async function readClaim(storage: Storage, scope: string): Promise<Claim | null> {
  return parsed(await storage.read(keyOf(scope)));
}

export async function writeClaim(storage: Storage, scope: string, { from, to }: Claim): Promise<void> {
  await storage.write(keyOf(scope), new TextEncoder().encode(JSON.stringify({ from, to })));
}

export async function forgetClaim(storage: Storage, scope: string): Promise<void> {
  await storage.remove(keyOf(scope));
}

/** Ranges of the pipeline's backfills that have begun and not come to their end, in no order. */
export async function claimedByBackfills(storage: Storage, pipeline: string): Promise<readonly Window[]> {
  const found: Window[] = [];
  for (const name of await storage.list(FOLDER)) {
    if (!name.startsWith(pipeline)) continue;
    const claim = parsed(await storage.read(`${FOLDER}/${name}`));
    if (claim === null || claim.to === null) continue;
    const range = { from: claim.from, to: claim.to };
    if (keyOf(backfillScope(pipeline, range)) === `${FOLDER}/${name}`) found.push(range);
  }
  return found;
}

function keyOf(scope: string): string {
  return `${FOLDER}/${segmentOf(scope)}.json`;
}

function parsed(bytes: Uint8Array | null): Claim | null {
  if (bytes === null) return null;
  try {
    const { from, to } = JSON.parse(new TextDecoder().decode(bytes)) as {
      readonly from: unknown;
      readonly to: unknown;
    };
    return isNanos(from) && (to === null || isNanos(to)) ? { from, to } : null;
  } catch {
    return null;
  }
}

function isNanos(value: unknown): value is Nanos {
  return typeof value === 'string' && /^-?\d{1,19}$/.test(value);
}
