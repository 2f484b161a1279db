import { HalfspaceError } from '../contract/failures.js';
import type { PipelineSettings } from '../contract/pipeline.js';
import type { RunPlan, RunSkip, RunWait, Window } from '../contract/run-plan.js';
import { earlierOf, isoFromNanos, laterOf, nanosFromMs } from '../contract/time.js';
import { isCutByTime } from '../influx/custom-query.js';
import { lateClockOf } from '../shape/late-zone.js';
import { putArtifact } from '../store/artifacts.js';
import { readBegunSettings, writeBegunSettings } from '../store/begun-settings.js';
import { readClaim, writeClaim } from '../store/claims.js';
import { OwedMessages } from '../store/owed-messages.js';
import { type Laggard, type LateProgress, type Progress, readProgress } from '../store/progress.js';
import { runFolder } from '../store/runs.js';
import type { Storage } from '../store/storage.js';
import type { Attempt } from './attempt.js';
import { chunkLength } from './chunk-length.js';
import type { ActivityDeps } from './deps.js';
import { filledWarnings } from './filled-ranges.js';
import { nextChunk, type Span } from './next-chunk.js';
import { learningSettingsHash, type RunPlanDocument } from './plan-document.js';
import { type Ready, waitForData } from './wait-for-data.js';
import { checkProgress, windowEnd } from './window-end.js';

export interface PlanRunInput extends Pick<RunPlan, 'pipeline' | 'scope' | 'events'> {
  readonly until: string | undefined;
  /** What the run covers in all, where that is fixed already: a backfill's range, and from the second chunk on. */
  readonly span: Window | undefined;
  /** Chunks that this run has done. */
  readonly chunksDone: number;
  /** The workflow's own clock. */
  readonly nowMs: number;
  /** Milliseconds since the run began to wait for data; 0, as at its first look, when left out. */
  readonly waitedMs?: number;
  /** Looks for data that this execution has taken before; none when left out. */
  readonly looks?: number;
  readonly runId: string;
}

/** More homes than this would make the plan heavy; the workers beyond it still take part through the shared queue. */
const MOST_HOMES = 64;

/**
 * Machines under way that keep one worker and a server beside it on two cores busy: with 100 a run is no faster, its
 * messages are larger, and a cancelled one takes some four seconds to stop them all instead of one and a half.
 */
const MACHINES_A_WORKER = 40;

/** At most nine events a machine (three of its child, six of the two tasks they wake): below 5,000 of history. */
const MACHINES_PER_EXECUTION = 500;

/** A look for data is twelve events at most. */
const MACHINES_A_LOOK = 1.5;

/**
 * Freezes settings and window: the next chunk from the last window done to now minus `settle`. Where the pipeline waits for
 * data that is not there, says so instead; where it has waited in vain and earlier runs owe messages, the window is empty.
 * @throws HalfspaceError `UnknownPipeline`; `BadWindow` when the window cannot end where it was asked to; `CorruptStore`
 * when nobody knows where the scope stands; `ExpectationFailed` when it has waited in vain and is to fail.
 */
export async function planRun(
  deps: ActivityDeps,
  input: PlanRunInput,
  { signal }: Attempt,
): Promise<RunPlan | RunWait | RunSkip> {
  const { waitedMs = 0, looks = 0 } = input;
  const settings = settingsOf(deps, input.pipeline);
  const progress = settings.mode === 'replay' ? null : await readProgress(deps.storage, input.scope);
  checkProgress(deps.storage, settings, input, progress);
  // A span that is fixed already has been waited for, or lies in the past.
  const go: Ready = { kind: 'ready', until: input.until, warnings: [] };
  const request = { ...input, waitedMs };
  const waited = input.span === undefined ? await waitForData(deps, settings, progress, request, signal) : go;
  if (waited.kind === 'wait') return waited;
  const settingsHash = learningSettingsHash(settings);
  // A backfill is refused under other settings than its own.
  const isLive = settings.mode !== 'replay' && input.scope === input.pipeline;
  const begun = isLive ? await readBegunSettings(deps.storage, input.scope) : [];
  const isContinued = progress?.settingsHash === settingsHash;
  // Scores that a dead run has written under other settings are not those of the models that go on.
  const isOverwritten = settings.on_settings_change === 'relearn' && begun.some((hash) => hash !== settingsHash);
  const isChanged = progress !== null && (!isContinued || isOverwritten);
  // One that has nothing to learn does not begin new models.
  const isTelling = waited.kind === 'skip' && !isChanged && (await owes(deps, settings, input, progress));
  if (waited.kind === 'skip' && !isTelling) return waited;
  const warnings = waited.kind === 'skip' ? [`${waited.reason}; ${ONLY_TOLD}`] : [...waited.warnings];
  if (progress !== null && input.scope !== input.pipeline)
    checkLearned(input.pipeline, progress.settingsHash, settingsHash);
  const isRelearned = isChanged && settings.on_settings_change === 'relearn';
  const due =
    waited.kind === 'skip'
      ? { from: BigInt(waited.window.from), to: BigInt(waited.window.to) }
      : spanOf(deps, settings, progress, { ...input, until: waited.until }, warnings);
  const span = isRelearned ? relearnedSpan(due, settings, input) : due;
  const begin = progress === null || isRelearned ? span.from : laterOf(span.from, BigInt(progress.to));
  const left = { from: begin, to: span.to };
  const longest = settings.mode === 'replay' ? span.to : await chunkLength(deps, settings, left, signal);
  const { window, chunk } = nextChunk(left, longest, input.chunksDone);
  if (isChanged) warnings.push(changedText(isRelearned, window.from));
  const laggards = (progress?.lagging ?? [])
    .map((laggard) => boundLaggard(laggard, settings, window.to, warnings))
    // A window that reaches further back than a machine's own place takes the machine along.
    .map((laggard) => ({ ...laggard, from: String(earlierOf(BigInt(laggard.from), window.from)) }));
  // To new models nothing is late that lies before the first of their rows.
  const late = latePlan(settings, isRelearned ? null : progress, window.from, warnings);
  const document: RunPlanDocument = {
    settings,
    settingsHash,
    isContinued: isContinued && !isRelearned,
    laggards,
    late,
    ...(progress?.heard === undefined ? {} : { heard: progress.heard }),
    aggregateFrom: aggregateFrom(settings, progress, window, warnings),
  };
  const folder = runFolder(input.scope, input.nowMs, input.runId);
  const bytes = new TextEncoder().encode(JSON.stringify(document));
  const dead = (progress?.deadHomes ?? []).filter(({ untilMs }) => untilMs > input.nowMs).map(({ home }) => home);
  const homes = await homesOf(deps, new Set(dead));
  if (isLive && !begun.includes(settingsHash)) {
    await writeBegunSettings(deps.storage, input.scope, [...begun, settingsHash]);
  }
  if (isLive && settings.output !== null) {
    await claimFrom(deps.storage, input.scope, span.from, progress);
    // What is claimed after this look is refused, or was asked for.
    if (progress === null) warnings.push(...(await filledWarnings(deps.storage, input.pipeline, span)));
  }
  return {
    pipeline: input.pipeline,
    scope: input.scope,
    mode: settings.mode,
    span: windowOf(span),
    window: windowOf(window),
    chunk,
    document: await putArtifact(deps.storage, folder, 'plan', bytes, '.json'),
    folder,
    events: input.events,
    channels: input.events === 'told' ? settings.alerts : [],
    isSearchable: await isSearchable(deps),
    laggards: laggards.length,
    aggregateTable: settings.aggregate?.table ?? null,
    homes,
    machinesAtOnce: Math.min(deps.machinesAtOnce, MACHINES_A_WORKER * Math.max(1, homes.length)),
    machinesPerExecution: MACHINES_PER_EXECUTION - Math.ceil(MACHINES_A_LOOK * looks),
    warnings,
  };
}

/** From the first window on, progress says where live scores are; what it does not know yet is claimed before it is scored. */
async function claimFrom(storage: Storage, scope: string, from: bigint, progress: Progress | null): Promise<void> {
  if (progress !== null && from >= BigInt(progress.origin)) return;
  const claim = await readClaim(storage, scope);
  if (claim === null || from < BigInt(claim.from)) await writeClaim(storage, scope, { from: String(from), to: null });
}

const ONLY_TOLD = 'no new rows are read, but what earlier runs could not tell is told';

/** Whether messages of earlier runs are still to be sent. */
async function owes(
  { storage }: ActivityDeps,
  { alerts }: PipelineSettings,
  { pipeline }: PlanRunInput,
  progress: Progress | null,
): Promise<boolean> {
  if (progress === null) return false;
  // Silences are known by their machines alone.
  if (progress.lagging.some(({ why }) => why === 'undelivered')) return true;
  return new OwedMessages(storage).isAny(pipeline, alerts);
}

/** Homes of the run: none with fewer than two workers, whose shared queue is home enough. */
async function homesOf({ homes, log }: ActivityDeps, dead: ReadonlySet<string>): Promise<readonly string[]> {
  try {
    const found = [...new Set(await homes())].filter((home) => !dead.has(home)).sort();
    return found.length < 2 ? [] : found.slice(0, MOST_HOMES);
  } catch (error) {
    // Homes only spare reads of the store; a server that does not tell of its workers must not stop the run.
    log('warn', 'The workers of the task queue are not known; models are read from the store where needed', {
      reason: error instanceof Error ? error.message : String(error),
    });
    return [];
  }
}

/** Search attributes only spare a person the search: a server that cannot say whether it has them must not stop the run. */
async function isSearchable({ isSearchable, log }: ActivityDeps): Promise<boolean> {
  try {
    return await isSearchable();
  } catch (error) {
    log('warn', 'Runs and machines cannot be found by search attributes for now: Temporal does not tell of them', {
      reason: error instanceof Error ? error.message : String(error),
    });
    return false;
  }
}

/**
 * For a backfill: half a range learned under other settings would go on with new models in its middle.
 * @throws HalfspaceError `BadSettings` where the settings are not those it has learned with.
 */
export function checkLearned(pipeline: string, learnedWith: string, settingsHash: string): void {
  if (learnedWith === settingsHash) return;
  throw new HalfspaceError(
    'BadSettings',
    `The backfill of \`${pipeline}\` was begun under other learning settings: put them back and start it again, which resumes it, or start it over with --again`,
  );
}

/** @throws HalfspaceError `UnknownPipeline` naming those this worker has. */
export function settingsOf({ pipelines }: ActivityDeps, pipeline: string): PipelineSettings {
  const settings = pipelines[pipeline];
  if (settings !== undefined) return settings;
  const known = Object.keys(pipelines).join(', ');
  throw new HalfspaceError(
    'UnknownPipeline',
    `No pipeline is called \`${pipeline}\`; this worker has: ${known}; start the worker again if halfspace.yaml was changed after it`,
  );
}

function spanOf(
  deps: ActivityDeps,
  settings: PipelineSettings,
  progress: Progress | null,
  input: PlanRunInput,
  warnings: string[],
): Span {
  if (input.span !== undefined) return { from: BigInt(input.span.from), to: BigInt(input.span.to) };
  const to = windowEnd(deps.storage, settings, input, progress);
  if (settings.mode === 'replay') return { from: 0n, to };
  if (progress === null) return { from: to - nanosFromMs(settings.window.history), to };
  const done = BigInt(progress.to);
  const earliest = to - nanosFromMs(settings.window.catch_up);
  // What the last run set out to cover and did not finish counts as downtime from its end only: it is owed in full.
  if (laterOf(done, BigInt(progress.target)) < earliest) {
    warnings.push(
      `rows from ${isoFromNanos(done)} to ${isoFromNanos(earliest)} are skipped: they are older than window.catch_up`,
    );
    return { from: earliest, to };
  }
  return { from: done, to: laterOf(to, done) };
}

/** A first start's span, and what is due from before it. A backfill keeps to its range, and begins it once more. */
function relearnedSpan({ from, to }: Span, { window }: PipelineSettings, { pipeline, scope }: PlanRunInput): Span {
  return scope === pipeline ? { from: earlierOf(from, to - nanosFromMs(window.history)), to } : { from, to };
}

function changedText(isRelearned: boolean, from: bigint): string {
  const how = isRelearned
    ? `new models learn from ${isoFromNanos(from)} on`
    : 'new models begin with the rows of this window';
  return `learning settings changed: ${how} (on_settings_change: ${isRelearned ? 'relearn' : 'fresh'})`;
}

/** A machine that fails for ever must not make each run load more. */
function boundLaggard(laggard: Laggard, settings: PipelineSettings, to: bigint, warnings: string[]): Laggard {
  const earliest = to - nanosFromMs(settings.window.catch_up);
  if (BigInt(laggard.from) >= earliest) return laggard;
  if (laggard.why !== 'undelivered') {
    warnings.push(`${laggard.uniqueId}: rows before ${isoFromNanos(earliest)} are skipped (window.catch_up)`);
  }
  return { ...laggard, from: String(earliest) };
}

function windowOf({ from, to }: Span): Window {
  return { from: String(from), to: String(to) };
}

/** Rows before the first window, and rows that were skipped, are nobody's late rows. */
function latePlan(
  { source, late }: PipelineSettings,
  progress: Progress | null,
  from: bigint,
  warnings: string[],
): LateProgress | null {
  if (late === null || lateClockOf(late) === null) return null;
  if (source.query !== null && !isCutByTime(source.query, source.time, source.language)) {
    // Its rows depend on where windows begin and end, so read again they would look as if they had changed.
    if (late.action === 'rescore') {
      warnings.push('late rows are not looked for: source.query is not plainly limited by $from and $to');
    }
    return null;
  }
  const isContinued = progress?.late !== undefined && BigInt(progress.to) >= from;
  return isContinued ? progress.late : { since: String(from), seen: null };
}

/** Aggregates that could not be written for ever must not make each run read more. */
function aggregateFrom(
  { aggregate, window: { catch_up: catchUp } }: PipelineSettings,
  progress: Progress | null,
  { from, to }: Span,
  warnings: string[],
): string | null {
  if (aggregate === null) return null;
  const owed = progress?.owedAggregates === undefined ? from : BigInt(progress.owedAggregates);
  const earliest = to - nanosFromMs(catchUp);
  if (owed >= from) return String(from);
  if (owed >= earliest) return String(owed);
  warnings.push(`aggregates before ${isoFromNanos(earliest)} are skipped (window.catch_up)`);
  return String(earliest < from ? earliest : from);
}
