import type { ArtifactRef } from '../contract/artifact.js';
import { HalfspaceError } from '../contract/failures.js';
import type { RunPlan } from '../contract/run-plan.js';
import type { Slice } from '../contract/slice.js';
import type { Nanos } from '../contract/time.js';
import { type LateClock, zoneStart } from '../shape/late-zone.js';
import { bucketsOf, type RowBucket } from '../shape/row-buckets.js';
import { getArtifact, putArtifact } from '../store/artifacts.js';
import type { Storage } from '../store/storage.js';

/**
 * What a run saw of every machine where late rows come next: a machine in which the next run sees the same has had none, and
 * needs neither a child nor its earlier rows. A hint; the truth is in the models.
 */
interface SeenZone {
  readonly from: Nanos;
  /** Nanoseconds. */
  readonly width: string;
  readonly settingsHash: string;
  /** unique_id and one number a stretch of `width` from `from` on; 0: no rows. */
  readonly machines: readonly (readonly [string, readonly number[]])[];
}

/** Whether a machine's rows before a window are those that the run before has seen. */
export type IsUnchanged = (slice: Slice) => boolean;

/** Notes what a run saw just before the end of its window. */
export async function keepSeen(
  storage: Storage,
  { folder, window }: RunPlan,
  slices: readonly Slice[],
  clock: LateClock,
  settingsHash: string,
): Promise<ArtifactRef> {
  const until = BigInt(window.to);
  const from = zoneStart(clock, until);
  const machines = slices.flatMap((slice): SeenZone['machines'] => {
    const digests = digestsOf(slice, from, until, clock);
    return digests.length === 0 ? [] : [[slice.uniqueId, digests]];
  });
  const seen: SeenZone = { from: String(from), width: String(clock.width), settingsHash, machines };
  return putArtifact(storage, folder, 'seen', new TextEncoder().encode(JSON.stringify(seen)), '.json');
}

/** Without a note that fits (the first run, other settings, artifacts that are gone) nothing counts as unchanged. */
export async function readSeen(
  storage: Storage,
  ref: ArtifactRef | null,
  { window }: Pick<RunPlan, 'window'>,
  clock: LateClock,
  settingsHash: string,
): Promise<IsUnchanged> {
  const seen = ref === null ? null : await readNote(storage, ref);
  const until = BigInt(window.from);
  const from = zoneStart(clock, until);
  const fits = seen?.from === String(from) && seen.width === String(clock.width) && seen.settingsHash === settingsHash;
  if (!fits) return () => false;
  const known = new Map(seen.machines);
  return (slice) => {
    const before = known.get(slice.uniqueId) ?? [];
    const now = digestsOf(slice, from, until, clock);
    return now.length === before.length && now.every((digest, index) => digest === before[index]);
  };
}

/** Null where there is none to read: only a store that is away is worth another attempt. */
async function readNote(storage: Storage, ref: ArtifactRef): Promise<SeenZone | null> {
  try {
    return JSON.parse(new TextDecoder().decode(await getArtifact(storage, ref))) as SeenZone;
  } catch (error) {
    if (error instanceof SyntaxError || (error instanceof HalfspaceError && !error.retry)) return null;
    throw error;
  }
}

/** As many numbers as there are stretches up to the last one with rows. */
function digestsOf(slice: Slice, from: bigint, until: bigint, { width }: LateClock): number[] {
  const digests: number[] = [];
  for (const bucket of bucketsOf(slice, { from, until, width })) {
    const index = Number((bucket.start - from) / width);
    while (digests.length < index) digests.push(0);
    digests.push(digestOf(bucket));
  }
  return digests;
}

/** 53 bits of the 64: what a number in JSON holds. */
function digestOf({ high, low }: RowBucket): number {
  return (high >>> 11) * 2 ** 32 + low;
}
