import { HalfspaceError } from '../contract/failures.js';
import type { PipelineSettings } from '../contract/pipeline.js';
import type { RunPlan } from '../contract/run.js';
import { isoFromNanos, nanosFromMs } from '../contract/time.js';
import { putArtifact } from '../store/artifacts.js';
import { type Laggard, type Progress, readProgress } from '../store/progress.js';
import { runFolder } from '../store/runs.js';
import type { ActivityDeps } from './deps.js';
import { learningSettingsHash, type RunPlanDocument } from './plan-document.js';
import { checkProgress, windowEnd } from './window-end.js';

export interface PlanRunInput {
  readonly pipeline: string;
  readonly until: string | undefined;
  /** The workflow's own clock. */
  readonly nowMs: number;
  readonly runId: string;
}

/** More homes than this would make the plan heavy; the workers beyond it still take part through the shared queue. */
const MOST_HOMES = 64;

/** At most nine events a machine (three of its child, six of the two tasks they wake): below 5,000 of history. */
const MACHINES_PER_EXECUTION = 500;

/**
 * Freezes settings and window: from the last window done to now minus `settle`.
 * @throws HalfspaceError `UnknownPipeline`; `BadWindow` when the window cannot end where it was asked to; `CorruptStore`
 * when nobody knows where the pipeline stands.
 */
export async function planRun(deps: ActivityDeps, input: PlanRunInput): Promise<RunPlan> {
  const settings = deps.pipelines[input.pipeline];
  if (settings === undefined) {
    const known = Object.keys(deps.pipelines).join(', ');
    throw new HalfspaceError(
      'UnknownPipeline',
      `No pipeline is called \`${input.pipeline}\`; this worker has: ${known}`,
    );
  }
  const warnings: string[] = [];
  const progress = settings.mode === 'replay' ? null : await readProgress(deps.storage, input.pipeline);
  checkProgress(deps.storage, input, progress);
  const to = windowEnd(deps.storage, settings, input, progress);
  const window = windowOf(settings, progress, to, warnings);
  const laggards = (progress?.lagging ?? []).map((laggard) => boundLaggard(laggard, settings, window.to, warnings));
  const document: RunPlanDocument = { settings, settingsHash: learningSettingsHash(settings), laggards };
  const folder = runFolder(input.pipeline, input.nowMs, input.runId);
  const bytes = new TextEncoder().encode(JSON.stringify(document));
  return {
    pipeline: input.pipeline,
    mode: settings.mode,
    window: { from: String(window.from), to: String(window.to) },
    document: await putArtifact(deps.storage, folder, 'plan', bytes, '.json'),
    folder,
    channels: settings.alerts,
    laggards: laggards.length,
    homes: await homesOf(deps),
    machinesAtOnce: deps.machinesAtOnce,
    machinesPerExecution: MACHINES_PER_EXECUTION,
    warnings,
  };
}

/** Homes of the run: none with fewer than two workers, whose shared queue is home enough. */
async function homesOf({ homes, log }: ActivityDeps): Promise<readonly string[]> {
  try {
    const found = [...new Set(await homes())].sort();
    return found.length < 2 ? [] : found.slice(0, MOST_HOMES);
  } catch (error) {
    // Homes only spare reads of the store; a server that does not tell of its workers must not stop the run.
    log('warn', 'The workers of the task queue are not known; models are read from the store where needed', {
      reason: error instanceof Error ? error.message : String(error),
    });
    return [];
  }
}

function windowOf(
  settings: PipelineSettings,
  progress: Progress | null,
  to: bigint,
  warnings: string[],
): { from: bigint; to: bigint } {
  if (settings.mode === 'replay') return { from: 0n, to };
  if (progress === null) return { from: to - nanosFromMs(settings.window.history), to };
  const done = BigInt(progress.to);
  const earliest = to - nanosFromMs(settings.window.catch_up);
  if (done < earliest) {
    warnings.push(
      `rows from ${isoFromNanos(done)} to ${isoFromNanos(earliest)} are skipped: they are older than window.catch_up`,
    );
    return { from: earliest, to };
  }
  return { from: done, to: to > done ? to : done };
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
