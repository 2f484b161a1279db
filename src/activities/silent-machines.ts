import type { ArtifactRef } from '../contract/artifact.js';
import { HalfspaceError } from '../contract/failures.js';
import type { RunPlan } from '../contract/run-plan.js';
import { isoFromNanos, type Nanos } from '../contract/time.js';
import type { Shaped } from '../shape/group.js';
import { getArtifact, putArtifact } from '../store/artifacts.js';
import { segmentOf } from '../store/object-key.js';
import type { Storage } from '../store/storage.js';
import { findSilences, type Heard, type HeardMachine, type Silences, seeksSilence } from '../verdict/silence.js';
import type { RunPlanDocument } from './plan-document.js';

/** The fleet as a run leaves it to the next: unique_id, ids, last row, whether it was found silent. */
type HeardNote = readonly (readonly [string, readonly string[], Nanos, boolean])[];

export interface SilentMachines {
  /** Silent machines, by unique_id. */
  readonly silent: ReadonlyMap<string, HeardMachine & { readonly isNew: boolean }>;
  /** The note for the next run. */
  readonly heard: ArtifactRef;
  readonly warnings: readonly string[];
}

/** Null where nobody asks for silent machines: in a replay, a backfill, and without `stale_after`. */
export async function findSilentMachines(
  storage: Storage,
  { settings, heard: ref }: RunPlanDocument,
  plan: RunPlan,
  shaped: Shaped,
): Promise<SilentMachines | null> {
  if (plan.mode === 'replay' || plan.events === 'noted' || !seeksSilence(settings.verdict)) return null;
  const before = ref === undefined ? new Map() : await readHeard(storage, ref);
  const isLast = plan.chunk.index >= plan.chunk.count;
  const found = findSilences(before, lastRows(shaped), settings.verdict, BigInt(plan.window.to), isLast);
  const note: HeardNote = Array.from(found.heard, ([uniqueId, { ids, last, isSilent }]) => [
    uniqueId,
    ids,
    String(last),
    isSilent,
  ]);
  const silent = found.silent.flatMap(({ uniqueId, isNew }) => {
    const machine = found.heard.get(uniqueId);
    return machine === undefined ? [] : [[uniqueId, { ...machine, isNew }] as const];
  });
  return {
    silent: new Map(silent),
    heard: await putArtifact(storage, plan.folder, 'heard', new TextEncoder().encode(JSON.stringify(note)), '.json'),
    warnings: warningsOf(found),
  };
}

/** Keeps the note of a run that has ended where it outlasts the run's artifacts; the one before it goes. */
export async function keepHeard(
  storage: Storage,
  scope: string,
  heard: ArtifactRef | undefined,
): Promise<ArtifactRef | undefined> {
  if (heard === undefined) return undefined;
  return putArtifact(storage, `heard/${segmentOf(scope)}`, 'fleet', await getArtifact(storage, heard), '.json');
}

async function readHeard(storage: Storage, ref: ArtifactRef): Promise<Heard> {
  try {
    const note = JSON.parse(new TextDecoder().decode(await getArtifact(storage, ref))) as HeardNote;
    return new Map(note.map(([uniqueId, ids, last, isSilent]) => [uniqueId, { ids, last: BigInt(last), isSilent }]));
  } catch (error) {
    // Whoever sends again is known again; who was silent before is not missed, which is better than no run at all.
    if (error instanceof HalfspaceError && error.kind === 'CorruptStore') return new Map();
    throw error;
  }
}

/** The last row of each machine, earlier ones that were looked at again included. */
function lastRows({ slices, earlier }: Shaped): Map<string, Pick<HeardMachine, 'ids' | 'last'>> {
  const found = new Map<string, Pick<HeardMachine, 'ids' | 'last'>>();
  for (const { uniqueId, ids, rows, times } of [...earlier, ...slices]) {
    const last = rows === 0 ? undefined : times[rows - 1];
    const known = found.get(uniqueId);
    if (last !== undefined && (known === undefined || last > known.last)) found.set(uniqueId, { ids, last });
  }
  return found;
}

function warningsOf({ heard, silent, returned }: Silences): string[] {
  const warnings: string[] = [];
  const news = silent.filter(({ isNew }) => isNew);
  const [first] = news;
  const last = first === undefined ? undefined : heard.get(first.uniqueId)?.last;
  if (first !== undefined && last !== undefined) {
    const example = `${first.uniqueId} (last row ${isoFromNanos(last)})`;
    warnings.push(`machines without rows for verdict.stale_after: ${news.length}, e.g. ${example}`);
  }
  if (returned.length > 0)
    warnings.push(`machines that were silent and send rows again: ${returned.length}, e.g. ${returned[0]}`);
  return warnings;
}
