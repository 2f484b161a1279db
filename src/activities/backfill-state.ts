import { HalfspaceError } from '../contract/failures.js';
import { backfillScope } from '../contract/names.js';
import type { BackfillInput } from '../contract/run-input.js';
import type { Window } from '../contract/run-plan.js';
import { earlierOf, isoFromNanos } from '../contract/time.js';
import { AlertRecords } from '../store/alert-records.js';
import { forgetClaim, readClaim, writeClaim } from '../store/claims.js';
import { EventNotes } from '../store/event-notes.js';
import { forgetProgress, readProgress } from '../store/progress.js';
import { forgetRuns } from '../store/runs.js';
import { Snapshots } from '../store/snapshots.js';
import type { Storage } from '../store/storage.js';
import type { ActivityDeps } from './deps.js';
import { learningSettingsHash } from './plan-document.js';
import { checkLearned, settingsOf } from './plan-run.js';
import { isAhead } from './window-end.js';

export type OpenBackfillInput = Omit<BackfillInput, 'continued'> & {
  /** The workflow's own clock. */
  readonly nowMs: number;
};

/**
 * Looks whether a backfill may begin or go on, and whether there is anything left of it to do.
 * @throws HalfspaceError `BadWindow` for a range that is none, is not over yet, or that live runs have scored; `BadSettings`
 * for a pipeline that cannot be filled, or was filled in part under other learning settings.
 */
export async function openBackfill(deps: ActivityDeps, input: OpenBackfillInput): Promise<{ isFinished: boolean }> {
  const { pipeline, range, alerts } = input;
  const settings = settingsOf(deps, pipeline);
  if (settings.mode === 'replay') {
    throw new HalfspaceError(
      'BadSettings',
      `\`${pipeline}\` learns its whole source anew in each run (mode: replay), so there is nothing to fill; \`halfspace trigger ${pipeline}\` runs it`,
    );
  }
  if (alerts === 'digest' && settings.alerts.length === 0) {
    throw new HalfspaceError(
      'BadSettings',
      `\`${pipeline}\` has no channel a digest could go to; list one under alerts`,
    );
  }
  checkRange(input);
  if (settings.output !== null) await claimRange(deps.storage, input);

  const scope = backfillScope(pipeline, range);
  if (input.again) await forget(deps.storage, scope);
  const progress = await readProgress(deps.storage, scope);
  const settingsHash = learningSettingsHash(settings);
  if (progress === null) {
    // Some machines may have got through the first chunk.
    const snapshots = new Snapshots(deps.storage);
    const [folder] = await snapshots.folders(scope);
    const [newest] = folder === undefined ? [] : await snapshots.listIn(folder);
    if (newest !== undefined) checkLearned(pipeline, newest.settingsHash, settingsHash);
    return { isFinished: false };
  }
  const isBehind = progress.lagging.length > 0 || progress.owedAggregates !== undefined;
  const isFinished = BigInt(progress.to) >= BigInt(range.to) && !isBehind;
  if (!isFinished) checkLearned(pipeline, progress.settingsHash, settingsHash);
  return { isFinished };
}

/** Removes what only the way there needed: artifacts, claim. Progress, models and notes stay, so that it is known to be done. */
export async function closeBackfill({ storage }: ActivityDeps, { scope }: { readonly scope: string }): Promise<void> {
  await forgetRuns(storage, scope);
  await forgetClaim(storage, scope);
}

function checkRange({ pipeline, range, nowMs }: OpenBackfillInput): void {
  const [from, to] = [BigInt(range.from), BigInt(range.to)];
  const span = `${isoFromNanos(from)} to ${isoFromNanos(to)}`;
  if (from >= to) {
    throw new HalfspaceError(
      'BadWindow',
      `\`${pipeline}\` cannot be filled from ${span}: expected an end after the beginning`,
    );
  }
  if (isAhead(to, nowMs)) {
    throw new HalfspaceError(
      'BadWindow',
      `\`${pipeline}\` cannot be filled from ${span}: it ends after now, and rows that come until then would be missed; choose an earlier end`,
    );
  }
}

/** Whichever of a backfill and a first live run claims later sees the other's claim: the one is refused, the other warns. */
async function claimRange(storage: Storage, { pipeline, range, overwrite }: OpenBackfillInput): Promise<void> {
  const scope = backfillScope(pipeline, range);
  if (overwrite) return writeClaim(storage, scope, range);
  await checkLiveScores(storage, pipeline, range);
  const before = await readClaim(storage, scope);
  await writeClaim(storage, scope, range);
  try {
    await checkLiveScores(storage, pipeline, range);
  } catch (error) {
    // One that was there is of a backfill that may have written scores.
    if (before === null) await forgetClaim(storage, scope);
    throw error;
  }
}

/** What live runs learn, they score from the beginning of their first window on. */
async function checkLiveScores(storage: Storage, pipeline: string, range: Window): Promise<void> {
  // The claim of a run that is new, that learns again from further back, or that died on its way.
  const claim = await readClaim(storage, pipeline);
  const live = await readProgress(storage, pipeline);
  const from = earlierOf(claim?.from ?? range.to, live?.origin ?? range.to);
  if (BigInt(range.to) <= BigInt(from)) return;
  const origin = isoFromNanos(BigInt(from));
  const whose = live === null ? 'a run of its own that has begun writes' : 'its own runs have written';
  throw new HalfspaceError(
    'BadWindow',
    `The range of \`${pipeline}\` reaches to ${isoFromNanos(BigInt(range.to))}, but ${whose} scores from ${origin} on: end the range there, or replace those scores with --overwrite`,
  );
}

/** Progress goes last: as long as it is there, so is the reason to forget the rest. */
async function forget(storage: Storage, scope: string): Promise<void> {
  await new AlertRecords(storage).forget({ digest: scope });
  await new EventNotes(storage, scope).forget();
  await new Snapshots(storage).forget(scope);
  await forgetRuns(storage, scope);
  await forgetProgress(storage, scope);
}
