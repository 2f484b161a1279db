import {
  type WorkflowExecutionDescription,
  WorkflowFailedError,
  type WorkflowHandle,
  WorkflowNotFoundError,
} from '@temporalio/client';
import { connectTemporal, runUrl, type StartedRun, startRun, type TemporalClient } from '../client.js';
import { type FailureKind, HalfspaceError } from '../contract/failures.js';
import { runWorkflowId, WAITS_FOR } from '../contract/names.js';
import type { RunResult } from '../contract/run-result.js';
import { runDocument } from '../run-document.js';
import { failureOfRun, grpcCause, temporalFailure } from '../temporal-failures.js';
import type { detectionRun } from '../workflows/index.js';
import { Refusal, type RefusalKind } from './refusal.js';
import type { RunOrder } from './run-order.js';

/** A run as callers see it, in the words of the answer. */
export interface RunView {
  readonly workflow_id: string;
  /** Of its first execution: it stays the same when the run continues as new. */
  readonly run_id: string;
  readonly status: 'running' | 'completed' | 'failed' | 'cancelled' | 'terminated' | 'timed_out';
  /** In the Temporal UI; null when nobody can reach one. */
  readonly url: string | null;
  /** In words; only of a run that waits for data. */
  readonly waits_for?: string;
  /** What `trigger --json` prints; only of a completed run. */
  readonly result?: Record<string, unknown>;
  /** Only of a failed run. */
  readonly error?: { readonly kind: RefusalKind; readonly message: string };
}

/** The runs of one Temporal server. A connection is made when it is first needed and kept. */
export interface Runs {
  /** @throws HalfspaceError when Temporal cannot be reached, or its settings make no connection. */
  connect(): Promise<void>;
  /** @throws Refusal 409 when the key was used, or the run to join was started, with another `until`; HalfspaceError when Temporal does not answer. */
  start(pipeline: string, order: RunOrder): Promise<{ readonly isNew: boolean; readonly run: RunView }>;
  /** Null when no run of the pipeline has this key, or the server has forgotten it. */
  find(pipeline: string, key: string): Promise<RunView | null>;
  close(): Promise<void>;
}

export interface RunsOptions {
  readonly taskQueue: string;
  /** Address of the Temporal UI; null when people cannot reach one. */
  readonly temporalUi: string | null;
}

/** Longest time a caller waits for Temporal to answer. */
const ANSWER_WITHIN_MS = 5000;

/** Nothing is sent before the first call. */
export function createRuns({ taskQueue, temporalUi }: RunsOptions): Runs {
  let connection: Promise<TemporalClient> | null = null;

  /** One connection for all; an attempt that fails is not kept. */
  function connected(): Promise<TemporalClient> {
    if (connection === null) {
      const attempt = connectTemporal();
      connection = attempt;
      attempt.catch(() => {
        if (connection === attempt) connection = null;
      });
    }
    return connection;
  }

  async function ask<T>(question: (temporal: TemporalClient) => Promise<T>): Promise<T> {
    const temporal = await connected();
    try {
      return await temporal.client.withDeadline(Date.now() + ANSWER_WITHIN_MS, () => question(temporal));
    } catch (error) {
      throw grpcCause(error).code === null ? error : temporalFailure(temporal, error);
    }
  }

  return {
    connect: async () => {
      await connected();
    },
    start: (pipeline, { key, until }) =>
      ask(async (temporal) => {
        const { handle, isNew } = await startRun(temporal, { pipeline, key, until, taskQueue });
        if (isNew) return { isNew, run: viewOfNew(handle, temporal, temporalUi) };
        const description = await handle.describe();
        if (description.memo?.until !== until) throw endsElsewhere(key, handle.workflowId);
        return { isNew, run: await viewOf(handle, description, temporal, temporalUi) };
      }),
    find: (pipeline, key) =>
      ask(async (temporal) => {
        const handle = temporal.client.workflow.getHandle<typeof detectionRun>(runWorkflowId(pipeline, key));
        try {
          return await viewOf(handle, await handle.describe(), temporal, temporalUi);
        } catch (error) {
          if (error instanceof WorkflowNotFoundError) return null;
          throw error;
        }
      }),
    close: async () => {
      await (await connection?.catch(() => null))?.close();
    },
  };
}

/** Joined all the same, it would be answered with a window that was not asked for. */
function endsElsewhere(key: string | undefined, workflowId: string): Refusal {
  if (key !== undefined) {
    const message = `The key \`${key}\` was used for a run that ends elsewhere; give the same \`until\` as then, or another key`;
    return new Refusal(409, 'KeyInUse', message);
  }
  const message = `The run that is going on, \`${workflowId}\`, ends elsewhere; give the same \`until\` to join it, a key for a run of its own, or try again once it has ended`;
  return new Refusal(409, 'RunGoesOn', message);
}

function viewOfNew(
  { workflowId, firstExecutionRunId: runId }: StartedRun['handle'],
  { namespace }: TemporalClient,
  temporalUi: string | null,
): RunView {
  const url = temporalUi === null ? null : runUrl(temporalUi, namespace, workflowId, runId);
  return { workflow_id: workflowId, run_id: runId, status: 'running', url };
}

async function viewOf(
  handle: WorkflowHandle<typeof detectionRun>,
  description: WorkflowExecutionDescription,
  { namespace }: TemporalClient,
  temporalUi: string | null,
): Promise<RunView> {
  const { workflowId, runId, raw } = description;
  const status = statusOf(description);
  const view: RunView = {
    workflow_id: workflowId,
    run_id: raw.workflowExecutionInfo?.firstRunId || runId,
    status,
    url: temporalUi === null ? null : runUrl(temporalUi, namespace, workflowId, runId),
  };
  if (status === 'completed') return { ...view, result: runDocument(await handle.result()) };
  if (status === 'failed') return { ...view, error: await errorOf(handle.result()) };
  const waitsFor = description.memo?.[WAITS_FOR];
  return status === 'running' && typeof waitsFor === 'string' ? { ...view, waits_for: waitsFor } : view;
}

function statusOf({ status }: WorkflowExecutionDescription): RunView['status'] {
  switch (status.name) {
    case 'COMPLETED':
      return 'completed';
    case 'FAILED':
      return 'failed';
    case 'CANCELLED':
      return 'cancelled';
    case 'TERMINATED':
      return 'terminated';
    case 'TIMED_OUT':
      return 'timed_out';
    default:
      return 'running';
  }
}

/** Their words name files of the plant's own, which callers can neither see nor mend. */
const OF_THE_STORE: ReadonlySet<FailureKind> = new Set(['StoreFault', 'CorruptStore', 'CorruptSnapshot']);
const ASK_THE_WORKER = "The plant's store cannot be used as it is; the log of its worker says why";

async function errorOf(result: Promise<RunResult>): Promise<NonNullable<RunView['error']>> {
  try {
    await result;
  } catch (error) {
    if (!(error instanceof WorkflowFailedError)) throw error;
    const { kind, reason } = failureOfRun(error);
    return { kind, message: OF_THE_STORE.has(kind) ? ASK_THE_WORKER : reason };
  }
  throw new HalfspaceError('ServerFault', 'Temporal says that the run failed and gives a result');
}
