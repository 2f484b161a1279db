import { setTimeout as delay } from 'node:timers/promises';
import {
  backfillProgress,
  connectTemporal,
  type StartedBackfill,
  startBackfill,
  type TemporalClient,
} from '../client.js';
import { loadSettings } from '../config/load.js';
import { HalfspaceError } from '../contract/failures.js';
import type { Window } from '../contract/run-plan.js';
import { isoFromNanos, msFromNanos, nanosFromMs } from '../contract/time.js';
import { grpcCause, temporalFailure } from '../temporal-failures.js';
import { backfillDocument, backfillSummary, filledTo, placeOf } from './backfill-output.js';
import type { CliIo } from './io.js';
import { createProgress } from './progress.js';
import { announce, choosePipeline, parseTime, requireWorker } from './trigger.js';
import { UsageError } from './usage-error.js';
import { howToCancel, waitUnlessStopped } from './wait-for-result.js';

export interface BackfillOptions {
  readonly pipeline?: string | undefined;
  readonly config?: string | undefined;
  /** RFC 3339. */
  readonly from: string;
  readonly to: string;
  readonly alerts: 'off' | 'digest';
  readonly wait: boolean;
  readonly overwrite?: boolean | undefined;
  readonly again?: boolean | undefined;
}

const LOOK_EVERY_MS = 1000;

/** Fills a range of the past, waits for the end and prints what was found; false when a part could not be filled. */
export async function backfill(options: BackfillOptions, io: CliIo): Promise<boolean> {
  const settings = loadSettings({ file: options.config, sections: ['pipelines', 'worker', 'links'] });
  const pipeline = choosePipeline(options.pipeline ?? settings.defaultPipeline, Object.keys(settings.pipelines));
  const range = parseRange(options);
  const { alerts, wait, overwrite = false, again = false } = options;
  const { task_queue: taskQueue } = settings.worker;
  const temporal = await connectTemporal();
  try {
    await requireWorker(temporal, taskQueue, wait, io);
    const started = await startBackfill(temporal, { pipeline, range, alerts, overwrite, again, taskQueue });
    // Only the workflow knows whether the range is filled already; who waits is told.
    announce(started, temporal, settings.links.temporal_ui, io, wait ? 'see' : 'started');
    if (!started.isNew) explainJoin(started, temporal, again, io);
    const place = { temporal, taskQueue, uiUrl: settings.links.temporal_ui };
    const showing = (signal: AbortSignal) => showProgress(started, temporal, range, io, signal);
    const result = wait ? await waitUnlessStopped(started, place, 'backfill', io, showing) : null;
    if (result === null) {
      const { workflowId, firstExecutionRunId } = started.handle;
      if (io.json) io.stdout(`${JSON.stringify({ workflow_id: workflowId, run_id: firstExecutionRunId })}\n`);
      return true;
    }
    io.stdout(io.json ? `${JSON.stringify(backfillDocument(result))}\n` : backfillSummary(result));
    const isTold = result.digest.every(({ status }) => status !== 'failed');
    return isTold && result.lagging === 0 && result.refusedCount === 0;
  } catch (error) {
    throw grpcCause(error).code === null || error instanceof HalfspaceError ? error : temporalFailure(temporal, error);
  } finally {
    await temporal.close();
  }
}

function parseRange({ from: fromText, to: toText }: BackfillOptions): Window {
  const [from, to] = [parseTime('--from', fromText), parseTime('--to', toText)];
  if (from >= to) throw new UsageError(`Expected --to after --from, got ${isoFromNanos(from)} to ${isoFromNanos(to)}`);
  if (to > nanosFromMs(Date.now())) {
    throw new UsageError(
      `Expected --to before now, got ${isoFromNanos(to)}: rows that come until then would be missed`,
    );
  }
  return { from: String(from), to: String(to) };
}

function explainJoin({ handle }: StartedBackfill, temporal: TemporalClient, again: boolean, io: CliIo): void {
  io.stderr(
    again
      ? `it is not started over: end it first (${howToCancel(temporal, handle.workflowId)})\n`
      : 'it goes on as it was started\n',
  );
}

async function showProgress(
  started: StartedBackfill,
  temporal: TemporalClient,
  { from, to }: Window,
  io: CliIo,
  signal: AbortSignal,
): Promise<void> {
  const begin = BigInt(from);
  const bar = createProgress(io, 'filling', msFromNanos(BigInt(to) - begin));
  while (!signal.aborted) {
    await delay(LOOK_EVERY_MS, undefined, { signal }).catch(() => {});
    if (signal.aborted) break;
    const progress = await backfillProgress(started, temporal, signal);
    if (progress !== null) bar.update(msFromNanos(filledTo(progress) - begin), placeOf(progress));
  }
  bar.stop();
}
