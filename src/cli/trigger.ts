import { setTimeout as delay } from 'node:timers/promises';
import { type Workflow, WorkflowFailedError, WorkflowNotFoundError, type WorkflowResultType } from '@temporalio/client';
import {
  connectTemporal,
  countWorkers,
  oneCall,
  runUrl,
  type Started,
  startRun,
  type TemporalClient,
} from '../client.js';
import { loadSettings } from '../config/load.js';
import { HalfspaceError } from '../contract/failures.js';
import { WAITS_FOR } from '../contract/names.js';
import { nanosFromIso, timeProblem } from '../contract/time.js';
import { runDocument } from '../run-document.js';
import { failureOfRun, grpcCause, temporalFailure } from '../temporal-failures.js';
import type { CliIo } from './io.js';
import { runSummary } from './run-summary.js';
import { UsageError } from './usage-error.js';
import { visible } from './visible.js';

export interface TriggerOptions {
  readonly pipeline?: string | undefined;
  readonly config?: string | undefined;
  readonly wait: boolean;
  /** RFC 3339: the window ends here instead of now. */
  readonly until?: string | undefined;
}

/** How often a waiting trigger looks for attempts that fail. */
const LOOK_EVERY_MS = 2000;

/** Starts a run, waits for its result and prints it; false when a machine of the run failed. */
export async function trigger(options: TriggerOptions, io: CliIo): Promise<boolean> {
  const settings = loadSettings({ file: options.config, sections: ['pipelines', 'worker', 'links'] });
  const pipeline = choosePipeline(options.pipeline ?? settings.defaultPipeline, Object.keys(settings.pipelines));
  const until = options.until === undefined ? undefined : String(parseTime('--until', options.until));
  const { task_queue: taskQueue } = settings.worker;
  const temporal = await connectTemporal();
  try {
    await requireWorker(temporal, taskQueue, options.wait, io);
    const started = await startRun(temporal, { pipeline, until, taskQueue });
    announce(started, temporal, settings.links.temporal_ui, io);
    if (!started.isNew && until !== undefined) io.stderr('its window is its own: --until is not used\n');
    if (!options.wait) {
      const { workflowId, firstExecutionRunId } = started.handle;
      if (io.json) io.stdout(`${JSON.stringify({ workflow_id: workflowId, run_id: firstExecutionRunId })}\n`);
      return true;
    }
    const result = await waitForResult(started, io);
    io.stdout(io.json ? `${JSON.stringify(runDocument(result))}\n` : runSummary(result));
    return result.failedCount === 0 && result.refusedCount === 0;
  } catch (error) {
    throw grpcCause(error).code === null || error instanceof HalfspaceError ? error : temporalFailure(temporal, error);
  } finally {
    await temporal.close();
  }
}

/** @throws HalfspaceError `Unreachable` when nobody would work while one waits; who does not wait is only told. */
export async function requireWorker(
  temporal: TemporalClient,
  taskQueue: string,
  wait: boolean,
  io: CliIo,
): Promise<void> {
  if ((await countWorkers(temporal, taskQueue)) > 0) return;
  const absent = `No worker polls the task queue \`${taskQueue}\` at ${temporal.address}; start one with \`npx halfspace worker\``;
  if (wait) throw new HalfspaceError('Unreachable', absent);
  io.stderr(`${absent}; the run waits for it\n`);
}

export function choosePipeline(name: string | null, known: readonly string[]): string {
  if (name !== null && known.includes(name)) return name;
  throw new UsageError(`No pipeline is called \`${name ?? ''}\`; halfspace.yaml has: ${known.join(', ')}`);
}

/** @throws UsageError naming the option when its text is no time that InfluxDB holds. */
export function parseTime(option: string, text: string): bigint {
  const problem = timeProblem(option, text);
  if (problem !== null) throw new UsageError(visible(problem));
  return nanosFromIso(text) ?? 0n;
}

/** Says where to look at it, on stderr. */
export function announce<F extends Workflow>(
  { handle, isNew }: Started<F>,
  temporal: TemporalClient,
  uiUrl: string | null,
  io: CliIo,
): void {
  const { workflowId, firstExecutionRunId: runId } = handle;
  const where = uiUrl === null ? `workflow ${workflowId}` : runUrl(uiUrl, temporal.namespace, workflowId, runId);
  io.stderr(isNew ? `started ${where}\n` : `a run is going on already, joined it: ${where}\n`);
}

/** @throws HalfspaceError with the kind and the reason of the step that failed; `Unreachable` when Temporal goes away. */
export async function waitForResult<F extends Workflow>(
  { handle }: Started<F>,
  io: CliIo,
): Promise<WorkflowResultType<F>> {
  const done = new AbortController();
  const watching = watchAttempts(handle, io, done.signal);
  try {
    return await handle.result();
  } catch (error) {
    throw failureOf(handle, error);
  } finally {
    done.abort();
    await watching;
  }
}

function failureOf<F extends Workflow>(
  { workflowId, firstExecutionRunId: runId }: Started<F>['handle'],
  error: unknown,
): unknown {
  if (error instanceof WorkflowFailedError) {
    const { kind, reason } = failureOfRun(error);
    return new HalfspaceError(kind, `The run failed: ${visible(reason)}`, { cause: error });
  }
  const { code, text } = grpcCause(error);
  const isGone = error instanceof WorkflowNotFoundError;
  if (code === null && !isGone) return error;
  const what = isGone ? 'Temporal does not know the run any more' : `Temporal does not answer any more (${text})`;
  return new HalfspaceError(
    'Unreachable',
    `${what}; once it is back, see how the run ended: workflow ${workflowId}, run ${runId} in its UI, or \`temporal workflow result --workflow-id ${workflowId} --run-id ${runId}\``,
    { cause: error },
  );
}

/** Says what the run waits for and what is being retried, so that nobody waits in the dark. */
async function watchAttempts<F extends Workflow>(
  handle: Started<F>['handle'],
  io: CliIo,
  signal: AbortSignal,
): Promise<void> {
  const said = new Set<string>();
  const sayOnce = (line: string): void => {
    if (!said.has(line)) io.stderr(line);
    said.add(line);
  };
  while (!signal.aborted) {
    await delay(LOOK_EVERY_MS, undefined, { signal }).catch(() => {});
    if (signal.aborted) return;
    // The result tells what went wrong with the server; this look is only for people who wait.
    const description = await handle.client.withAbortSignal(oneCall(signal), () => handle.describe()).catch(() => null);
    const waitsFor = description?.memo?.[WAITS_FOR];
    if (typeof waitsFor === 'string') sayOnce(`waits for ${visible(waitsFor)}\n`);
    for (const activity of description?.raw.pendingActivities ?? []) {
      const why = activity.lastFailure?.message;
      const line = `${activity.activityType?.name ?? 'a step'} is tried again (attempt ${activity.attempt}): ${visible(String(why))}\n`;
      if (typeof why === 'string') sayOnce(line);
    }
  }
}
