import type { Workflow } from '@temporalio/client';
import { connectTemporal, countWorkers, runUrl, type Started, startRun, type TemporalClient } from '../client.js';
import { loadSettings } from '../config/load.js';
import { HalfspaceError } from '../contract/failures.js';
import { nanosFromIso, timeProblem } from '../contract/time.js';
import { runDocument } from '../run-document.js';
import { grpcCause, temporalFailure } from '../temporal-failures.js';
import type { CliIo } from './io.js';
import { runSummary } from './run-summary.js';
import { UsageError } from './usage-error.js';
import { visible } from './visible.js';
import { waitUnlessStopped } from './wait-for-result.js';

export interface TriggerOptions {
  readonly pipeline?: string | undefined;
  readonly config?: string | undefined;
  readonly wait: boolean;
  /** RFC 3339: the window ends here instead of now. */
  readonly until?: string | undefined;
}

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
    const place = { temporal, taskQueue, uiUrl: settings.links.temporal_ui };
    const result = options.wait ? await waitUnlessStopped(started, place, 'run', io) : null;
    if (result === null) {
      const { workflowId, firstExecutionRunId } = started.handle;
      if (io.json) io.stdout(`${JSON.stringify({ workflow_id: workflowId, run_id: firstExecutionRunId })}\n`);
      return true;
    }
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
  const absent = `No worker polls the task queue \`${taskQueue}\` at ${temporal.address}`;
  const remedy = 'start one with `npx halfspace worker`';
  if (wait) throw new HalfspaceError('Unreachable', `${absent}, so nothing was started; ${remedy}, then try again`);
  io.stderr(`${absent}; ${remedy}: until then what is started waits\n`);
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

/**
 * Says where to look at it, on stderr.
 * @param news what a new one is called: `started`, or else where that may be too much.
 */
export function announce<F extends Workflow>(
  { handle, isNew }: Started<F>,
  temporal: TemporalClient,
  uiUrl: string | null,
  io: CliIo,
  news = 'started',
): void {
  const { workflowId, firstExecutionRunId: runId } = handle;
  const where = uiUrl === null ? `workflow ${workflowId}` : runUrl(uiUrl, temporal.namespace, workflowId, runId);
  io.stderr(isNew ? `${news} ${where}\n` : `a run is going on already, joined it: ${where}\n`);
}
