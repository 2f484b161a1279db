import type { ArtifactRef } from '../contract/artifact.js';
import { HalfspaceError } from '../contract/failures.js';
import type { Window } from '../contract/run-plan.js';
import { isNanos, type Nanos } from '../contract/time.js';
import { readJson, writeJson } from './json-object.js';
import { backfillRanges, scopeFile } from './scope-files.js';
import { snapshotsFolder } from './snapshots.js';
import type { Storage } from './storage.js';

const FOLDER = 'progress';

/** How far the runs of one scope (a pipeline, a backfill) have come, written by the last step of each window. */
export interface Progress {
  /** Start of the first window. */
  readonly origin: Nanos;
  /** End of the last finished window; the next one begins here. */
  readonly to: Nanos;
  /** What the last run set out to cover ends here; later than `to` when chunks of it are still to come. */
  readonly target: Nanos;
  /** Hash of the learning settings it was read with. */
  readonly settingsHash: string;
  /** Machines that were not finished: each is loaded again from its own `from`. */
  readonly lagging: readonly Laggard[];
  /** Aggregates from here to `to` could not be written; absent while none are owed. */
  readonly owedAggregates?: Nanos;
  /** Absent while late rows are not looked for. */
  readonly late?: LateProgress;
  /** When each machine was last heard of; absent while nobody asks for silent ones. */
  readonly heard?: ArtifactRef;
  /** Homes where nobody answered: the server lists a worker that has ended for minutes. A hint; absent while there are none. */
  readonly deadHomes?: readonly DeadHome[];
}

export interface DeadHome {
  readonly home: string;
  /** Milliseconds since the epoch: by then the server has forgotten it, or it was only busy. */
  readonly untilMs: number;
}

export interface LateProgress {
  /** Rows before this are never looked at: the first window began here, or what was skipped (`window.catch_up`) ended here. */
  readonly since: Nanos;
  /** `SeenZone` as JSON: what the last run saw where late rows come next. A hint: it may be gone. */
  readonly seen: ArtifactRef | null;
}

export interface Laggard {
  readonly uniqueId: string;
  /** Exact values of the id columns. */
  readonly ids: readonly string[];
  readonly from: Nanos;
  /**
   * `undelivered`: learned, but something is still to be said of it. `set back`: its model is, or must go back to, an
   * earlier one.
   */
  readonly why: 'failed' | 'busy' | 'undelivered' | 'set back';
}

/**
 * Null before the first run of a scope.
 * @throws HalfspaceError `CorruptStore` when the file is not what a run wrote.
 */
export async function readProgress(storage: Storage, scope: string): Promise<Progress | null> {
  const progress = await readJson(storage, progressFile(scope));
  if (progress === undefined) return null;
  if (isProgress(progress) && isInOrder(progress)) return withoutDamagedHints(progress);
  throw damagedProgress(storage, scope, 'is damaged');
}

/** Ranges of the backfills that a pipeline has progress of, in no order. */
export function backfillsOf(storage: Storage, pipeline: string): Promise<readonly Window[]> {
  return backfillRanges(storage, FOLDER, pipeline, (value) =>
    // A backfill begins where its range does, and sets out for its end.
    isProgress(value) ? { from: value.origin, to: value.target } : null,
  );
}

/** @param how what is wrong with the scope's file, e.g. `is damaged`. */
export function damagedProgress(storage: Storage, scope: string, how: string): HalfspaceError {
  return new HalfspaceError(
    'CorruptStore',
    `${storage.locate(progressFile(scope))} ${how}, so nobody knows where \`${scope}\` stands: put a copy of it back, or delete it (the next run then begins window.history before its end; models stay)`,
  );
}

export async function writeProgress(storage: Storage, scope: string, progress: Progress): Promise<void> {
  await writeJson(storage, progressFile(scope), progress);
}

/** The scope's next run is its first. */
export async function forgetProgress(storage: Storage, scope: string): Promise<void> {
  await storage.remove(progressFile(scope));
}

/** What to do to forget all that a scope has read and learned, as the end of a sentence. */
export function howToStartOver(storage: Storage, scope: string): string {
  const [progress, models] = [progressFile(scope), snapshotsFolder(scope)].map((key) => storage.locate(key));
  return `delete ${progress} and the folder ${models} to start over`;
}

function progressFile(scope: string): string {
  return scopeFile(FOLDER, scope);
}

function isProgress(value: unknown): value is Progress {
  if (!isRecord(value)) return false;
  const { origin, to, target, settingsHash, lagging, late, heard, owedAggregates = to } = value;
  const hasLaggards = Array.isArray(lagging) && lagging.every(isLaggard);
  const hasTimes = [origin, to, target, owedAggregates].every(isNanos);
  const hasRefs = isLateProgress(late) && (heard === undefined || isRecord(heard));
  return hasTimes && typeof settingsHash === 'string' && hasLaggards && hasRefs;
}

/** Whether these times can be a scope's: nothing it owes or looks at is later than what it has done. */
function isInOrder({ origin, to, target, owedAggregates = to, late }: Progress): boolean {
  const done = BigInt(to);
  const earlier = [origin, owedAggregates, late?.since ?? to];
  return earlier.every((time) => BigInt(time) <= done) && done <= BigInt(target);
}

/** Hints may be gone at any time: those that cannot be read are. */
function withoutDamagedHints(progress: Progress): Progress {
  const { late, deadHomes, ...rest } = progress;
  return {
    ...rest,
    ...(late === undefined ? {} : { late: isRef(late.seen) ? late : { ...late, seen: null } }),
    ...(Array.isArray(deadHomes) ? { deadHomes: deadHomes.filter(isDeadHome) } : {}),
  };
}

function isDeadHome(value: unknown): value is DeadHome {
  return isRecord(value) && typeof value.home === 'string' && typeof value.untilMs === 'number';
}

function isRef(value: unknown): value is ArtifactRef {
  return isRecord(value) && typeof value.key === 'string' && typeof value.sha256 === 'string';
}

function isLateProgress(value: unknown): value is LateProgress | undefined {
  if (value === undefined) return true;
  return isRecord(value) && isNanos(value.since);
}

function isLaggard(value: unknown): value is Laggard {
  if (!isRecord(value)) return false;
  const { uniqueId, ids, from, why } = value;
  const hasIds = Array.isArray(ids) && ids.every((id) => typeof id === 'string');
  return typeof uniqueId === 'string' && hasIds && isNanos(from) && LAGGING.has(why);
}

const LAGGING: ReadonlySet<unknown> = new Set<Laggard['why']>(['failed', 'busy', 'undelivered', 'set back']);

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
