import type { Window } from '../contract/run-plan.js';
import { isNanos, type Nanos } from '../contract/time.js';
import { readJson, writeJson } from './json-object.js';
import { backfillRanges, scopeFile } from './scope-files.js';
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
  return claimIn(await readJson(storage, scopeFile(FOLDER, scope)));
}

export async function writeClaim(storage: Storage, scope: string, { from, to }: Claim): Promise<void> {
  await writeJson(storage, scopeFile(FOLDER, scope), { from, to });
}

export async function forgetClaim(storage: Storage, scope: string): Promise<void> {
  await storage.remove(scopeFile(FOLDER, scope));
}

/** Ranges of the pipeline's backfills that have begun and not come to their end, in no order. */
export function claimedByBackfills(storage: Storage, pipeline: string): Promise<readonly Window[]> {
  return backfillRanges(storage, FOLDER, pipeline, (value) => {
    const claim = claimIn(value);
    return claim === null || claim.to === null ? null : { from: claim.from, to: claim.to };
  });
}

function claimIn(value: unknown): Claim | null {
  if (typeof value !== 'object' || value === null || !('from' in value) || !('to' in value)) return null;
  const { from, to } = value;
  return isNanos(from) && (to === null || isNanos(to)) ? { from, to } : null;
}
