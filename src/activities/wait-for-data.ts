import { HalfspaceError } from '../contract/failures.js';
import type { PipelineSettings } from '../contract/pipeline.js';
import type { RunSkip, RunWait } from '../contract/run-plan.js';
import { isoFromNanos, nanosFromMs } from '../contract/time.js';
import { countNewRows } from '../influx/new-rows.js';
import { type Progress, readProgress } from '../store/progress.js';
import type { ActivityDeps } from './deps.js';
import { type EndRequest, windowEnd } from './window-end.js';

/** Where a run stands with its waiting. */
export interface WaitRequest extends EndRequest {
  readonly pipeline: string;
  /** Milliseconds since the run began to wait, 0 at its first look. */
  readonly waitedMs: number;
}

/** The run can go on; its window ends at `until` (now minus `settle` when undefined). */
export interface Ready {
  readonly kind: 'ready';
  readonly until: string | undefined;
  readonly warnings: readonly string[];
}

/** About 1,200 events of history, beside those of the machines that come after. */
const LOOKS_PER_EXECUTION = 100;

/**
 * One look for what `wait_for` asks for: whether the run can go on, must look again later, or has waited long enough to be
 * skipped.
 * @throws HalfspaceError `ExpectationFailed` when it has waited long enough and is to fail; others as `windowEnd` does.
 */
export async function waitForData(
  deps: ActivityDeps,
  settings: PipelineSettings,
  progress: Progress | null,
  request: WaitRequest,
  signal: AbortSignal,
): Promise<Ready | RunWait | RunSkip> {
  const { pipeline, until, nowMs, waitedMs } = request;
  const { wait_for: wait } = settings;
  if (wait === null) return { kind: 'ready', until, warnings: [] };
  const look = await lookForData(deps, settings, progress, request, signal);
  if (look.missing === null) return { kind: 'ready', until: look.until, warnings: [] };
  const { missing } = look;
  const leftMs = wait.limit - waitedMs;
  if (leftMs > 0) {
    return {
      kind: 'wait',
      missing,
      untilMs: nowMs + leftMs,
      nextLookMs: Math.min(wait.every, leftMs),
      looksPerExecution: LOOKS_PER_EXECUTION,
    };
  }
  const reason = `waited until ${isoFromNanos(nanosFromMs(nowMs))} in vain for ${missing}`;
  switch (wait.otherwise) {
    case 'run':
      return { kind: 'ready', until, warnings: [reason] };
    case 'fail':
      throw new HalfspaceError('ExpectationFailed', `\`${pipeline}\` ${reason} (wait_for)`);
    case 'skip': {
      const at = progress?.to ?? String(windowEnd(deps.storage, settings, request, progress));
      return { kind: 'skip', reason, window: { from: at, to: at }, lagging: progress?.lagging.length ?? 0 };
    }
  }
}

/** `missing` says in words what is not there yet; when all is there, `until` is where the window may end. */
type Look = { readonly missing: string } | { readonly missing: null; readonly until: string | undefined };

async function lookForData(
  deps: ActivityDeps,
  settings: PipelineSettings,
  progress: Progress | null,
  request: WaitRequest,
  signal: AbortSignal,
): Promise<Look> {
  let { until } = request;
  let to = windowEnd(deps.storage, settings, request, progress);
  const { pipeline = null, rows = null } = settings.wait_for ?? {};
  if (pipeline !== null) {
    const stands = (await readProgress(deps.storage, pipeline))?.to ?? null;
    if (stands === null) return { missing: `the first run of \`${pipeline}\`` };
    if (progress !== null && BigInt(stands) <= BigInt(progress.to)) {
      const done = isoFromNanos(BigInt(progress.to));
      return { missing: `\`${pipeline}\` to get past ${done} (it stands at ${isoFromNanos(BigInt(stands))})` };
    }
    // What it has not done yet belongs to the next run: it would come too late for this one.
    if (BigInt(stands) < to) {
      to = BigInt(stands);
      until = stands;
    }
  }
  const missing = rows === null ? null : await missingRows(deps, settings, progress, { to, least: rows }, signal);
  return missing === null ? { missing, until } : { missing };
}

/** Null when there are at least `least` rows from the last window done to `to`. */
async function missingRows(
  { influx }: ActivityDeps,
  { source, window }: PipelineSettings,
  progress: Progress | null,
  { to, least }: { readonly to: bigint; readonly least: number },
  signal: AbortSignal,
): Promise<string | null> {
  const earliest = to - nanosFromMs(progress === null ? window.history : window.catch_up);
  const done = progress === null ? earliest : BigInt(progress.to);
  const from = done > earliest ? done : earliest;
  const what = `${least === 1 ? 'rows' : `${least} rows`} of ${source.table ?? 'the query'} from ${isoFromNanos(from)} on`;
  try {
    const found = await countNewRows(influx, source, { from, to }, least, { signal });
    if (found >= least) return null;
    return found === 0 ? what : `${what} (there are ${found})`;
  } catch (error) {
    // A table is made by the first rows that are written to it.
    const isToCome =
      error instanceof HalfspaceError && (error.kind === 'MissingTable' || error.kind === 'MissingDatabase');
    if (!isToCome) throw error;
    return `${what} (there is no such ${error.kind === 'MissingTable' ? 'table' : 'database'} yet)`;
  }
}
