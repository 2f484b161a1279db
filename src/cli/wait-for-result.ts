import { setMaxListeners } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { status } from '@grpc/grpc-js';
import {
  type Workflow,
  type WorkflowExecutionDescription,
  WorkflowFailedError,
  WorkflowNotFoundError,
  type WorkflowResultType,
} from '@temporalio/client';
import { countWorkers, msOf, oneCall, runUrl, type Started, type TemporalClient } from '../client.js';
import { type FailureKind, HalfspaceError } from '../contract/failures.js';
import { WAITS_FOR } from '../contract/names.js';
import { failureOfRun, grpcCause } from '../temporal-failures.js';
import type { CliIo } from './io.js';
import { createSayer } from './say-again.js';
import { listenForStop } from './stop-signal.js';
import { COMES_BACK_WITHIN_MS, comesBack, isAway } from './temporal-back.js';
import { visible } from './visible.js';

/** Where what is waited for is done. */
export interface WorkPlace {
  readonly temporal: TemporalClient;
  readonly taskQueue: string;
}

/** How often who waits looks for attempts that fail and for workers that are gone. */
const LOOK_EVERY_MS = 2000;

/** A worker that is there takes a task within milliseconds; a sticky one of a worker that died comes back after ten seconds. */
const UNTAKEN_MS = 10_000;

/** Every workflow of the SDK answers it. */
const WORKFLOW_METADATA = '__temporal_workflow_metadata';

/** What a question ends with that no worker takes: at its deadline, or at once after minutes without anybody. */
const UNANSWERED = [status.DEADLINE_EXCEEDED, status.FAILED_PRECONDITION];

/** Children that are looked at in one look. */
const CHILDREN_A_LOOK = 3;

/** The server is asked who polls only in every so many looks. */
const LOOKS_PER_COUNT = 5;

/** Who has polled in this time need not be asked whether it is there. */
const LATELY_MS = 10_000;

/** A worker that is there answers a query within milliseconds, behind much work within seconds. */
const ANSWERS_WITHIN_MS = 10_000;

/** Kinds that say that what was asked for cannot be done, before anything was. */
const REFUSED: readonly FailureKind[] = ['BadWindow', 'BadSettings', 'UnknownPipeline'];

/**
 * The result; null when Ctrl-C came first: that ends the waiting, not the work, and where it goes on is said on stderr.
 * @param what it is called: `run` or `backfill`.
 * @param beside goes on while one waits, until its signal is aborted.
 * @throws as {@link waitForResult} does.
 */
export async function waitUnlessStopped<F extends Workflow>(
  started: Started<F>,
  place: WorkPlace & { readonly uiUrl: string | null },
  what: string,
  io: CliIo,
  beside: (signal: AbortSignal) => Promise<void> = async () => {},
): Promise<WorkflowResultType<F> | null> {
  const stop = listenForStop();
  const over = new AbortController();
  const showing = beside(over.signal);
  const stopped = new Promise<null>((resolve) => {
    stop.signal.addEventListener('abort', () => resolve(null), { once: true });
  });
  try {
    const result = waitForResult(started, place, io, over.signal);
    // Once the connection is closed nobody waits for it.
    result.catch(() => {});
    const first = await Promise.race([result, stopped]);
    if (first === null) io.stderr(goesOnText(started.handle, place, what));
    return first;
  } finally {
    over.abort();
    stop.release();
    await showing;
  }
}

function goesOnText<F extends Workflow>(
  { workflowId, firstExecutionRunId }: Started<F>['handle'],
  { temporal, uiUrl }: WorkPlace & { readonly uiUrl: string | null },
  what: string,
): string {
  const url = uiUrl === null ? '' : `, ${runUrl(uiUrl, temporal.namespace, workflowId, firstExecutionRunId)}`;
  return `the ${what} goes on without you (workflow ${workflowId} at ${temporal.address}${url}); the same command joins it again, and this ends it: ${howToCancel(temporal, workflowId)}\n`;
}

/** How to end a workflow from the outside: those whose server came with halfspace have no `temporal` of their own. */
export function howToCancel({ address, namespace }: TemporalClient, workflowId: string): string {
  return `Request Cancellation in the Temporal UI, or temporal workflow cancel --address ${address} --namespace ${namespace} --workflow-id ${workflowId}`;
}

/**
 * @param gone aborted when nobody waits any more.
 * @throws HalfspaceError with the kind and the reason of the step that failed; `Unreachable` when Temporal goes away.
 */
export async function waitForResult<F extends Workflow>(
  { handle }: Started<F>,
  place: WorkPlace,
  io: CliIo,
  gone: AbortSignal,
): Promise<WorkflowResultType<F>> {
  const done = new AbortController();
  const until = AbortSignal.any([done.signal, gone]);
  // Each of the calls that wait, one every twenty seconds, leaves a listener; they are what lets the process end at once.
  setMaxListeners(0, until);
  const watching = watchAttempts(handle, place, io, until);
  try {
    for (;;) {
      try {
        return await place.temporal.client.withAbortSignal(until, () => handle.result());
      } catch (error) {
        if (until.aborted || !isAway(error)) throw error;
        const long = `${COMES_BACK_WITHIN_MS / 1000} seconds more`;
        io.stderr(lineOn(io, `Temporal does not answer (${grpcCause(error).text}) and is asked for ${long}\n`));
        if (!(await comesBack(place.temporal, until))) throw error;
        io.stderr(lineOn(io, 'Temporal answers again\n'));
      }
    }
  } catch (error) {
    throw failureOf(handle, place.temporal, error);
  } finally {
    done.abort();
    await watching;
  }
}

/** Not behind a bar that is being drawn. */
function lineOn({ isTty }: CliIo, line: string): string {
  return isTty ? `\r\x1b[K${line}` : line;
}

function failureOf<F extends Workflow>(
  { workflowId, firstExecutionRunId: runId }: Started<F>['handle'],
  { address, namespace }: TemporalClient,
  error: unknown,
): unknown {
  if (error instanceof WorkflowFailedError) {
    const { kind, reason, remedy } = failureOfRun(error);
    const how = REFUSED.includes(kind) ? 'refused' : 'The run failed';
    const text = `${how}: ${visible(reason)}${remedy === null ? '' : `, or ${visible(remedy)}`}`;
    return new HalfspaceError(kind, text, { cause: error });
  }
  const { code, text } = grpcCause(error);
  const isGone = error instanceof WorkflowNotFoundError;
  if (code === null && !isGone) return error;
  const run = `workflow ${workflowId}, run ${runId}`;
  if (isGone) {
    const what = `Temporal does not know the run any more (${run}); the same command starts it again`;
    return new HalfspaceError('Unreachable', what, { cause: error });
  }
  return new HalfspaceError(
    'Unreachable',
    `Temporal does not answer any more (${text}); once it is back, the same command joins the run if it still goes on; how it ended is in the Temporal UI (${run}), or temporal workflow result --address ${address} --namespace ${namespace} --workflow-id ${workflowId} --run-id ${runId}`,
    { cause: error },
  );
}

/** Says what the run waits for and what is being retried, so that nobody waits in the dark. */
async function watchAttempts<F extends Workflow>(
  handle: Started<F>['handle'],
  { temporal, taskQueue }: WorkPlace,
  io: CliIo,
  signal: AbortSignal,
): Promise<void> {
  const say = createSayer((line) => io.stderr(lineOn(io, line)));
  for (let look = 1; !signal.aborted; look++) {
    await delay(LOOK_EVERY_MS, undefined, { signal }).catch(() => {});
    if (signal.aborted) return;
    // The result tells what went wrong with the server; this look is only for people who wait.
    const ask = <T>(question: () => Promise<T>) =>
      temporal.client.withAbortSignal(oneCall(signal), question).catch(() => null);
    const description = await ask(() => handle.describe());
    if (description === null) continue;
    const waitsFor = description.memo?.[WAITS_FOR];
    if (typeof waitsFor === 'string') say.once(`waits for ${visible(waitsFor)}\n`);
    for (const { step, attempt, why } of retriesOf(description)) {
      say.once(`${step} is tried again (attempt ${attempt}): ${visible(why)}\n`);
    }
    for (const workflowId of oldestChildren(description)) {
      const child = await ask(() => temporal.client.workflow.getHandle(workflowId).describe());
      for (const { step, why } of child === null ? [] : retriesOf(child)) {
        // Of what fails for many machines the first is named.
        say.once(`${step} is tried again (${visible(workflowId)}): ${visible(why)}\n`, `${step} ${why}`);
      }
    }
    if (look % LOOKS_PER_COUNT !== 0) continue;
    const since = untakenSince(description) ?? (await unansweredSince(handle, { temporal, taskQueue }, signal));
    if (since === undefined || (await ask(() => countWorkers(temporal, taskQueue, since))) !== 0) continue;
    say.everyMinute(
      `no worker polls the task queue \`${taskQueue}\` at ${temporal.address} any more; the run waits for one: start it with \`npx halfspace worker\` (Ctrl-C ends only the waiting)\n`,
    );
  }
}

interface Retry {
  readonly step: string;
  readonly attempt: number;
  readonly why: string;
}

/** Steps under way that have failed before. */
function retriesOf({ raw }: WorkflowExecutionDescription): Retry[] {
  return (raw.pendingActivities ?? []).flatMap(({ activityType, attempt, lastFailure }) => {
    const why = lastFailure?.message;
    return typeof why === 'string' ? [{ step: activityType?.name ?? 'a step', attempt: attempt ?? 1, why }] : [];
  });
}

/** The children that have been under way for longest: what keeps them keeps the run. */
function oldestChildren({ raw }: WorkflowExecutionDescription): string[] {
  const children = (raw.pendingChildren ?? []).toSorted((a, b) => Number(a.initiatedId) - Number(b.initiatedId));
  return children.slice(0, CHILDREN_A_LOOK).flatMap(({ workflowId }) => workflowId ?? []);
}

/**
 * Since when a question to the workflow has had no answer, milliseconds since the epoch; undefined: somebody is there. The server
 * lists a killed worker for minutes, and one that has nothing to do polls once a minute; but that one would take the question.
 */
async function unansweredSince<F extends Workflow>(
  { workflowId }: Started<F>['handle'],
  { temporal, taskQueue }: WorkPlace,
  signal: AbortSignal,
): Promise<number | undefined> {
  const { client } = temporal;
  const askedMs = Date.now();
  // By its id alone: the run that was started may have continued as a new one.
  const question = () => client.workflow.getHandle(workflowId).query(WORKFLOW_METADATA);
  try {
    return await client.withAbortSignal(oneCall(signal), async () => {
      if ((await countWorkers(temporal, taskQueue, askedMs - LATELY_MS)) > 0) return undefined;
      await client.withDeadline(askedMs + ANSWERS_WITHIN_MS, question);
      return undefined;
    });
  } catch (error) {
    return UNANSWERED.some((code) => code === grpcCause(error).code) ? askedMs : undefined;
  }
}

/**
 * Since when a task has waited for a worker too long, milliseconds since the epoch; undefined: none has. The server lists a
 * worker that has stopped for minutes, but one that is there would have polled since.
 */
function untakenSince({ raw }: WorkflowExecutionDescription): number | undefined {
  const task = raw.pendingWorkflowTask;
  const isUntaken = task?.state === 1; // PENDING_WORKFLOW_TASK_STATE_SCHEDULED
  const since = isUntaken ? msOf(task.scheduledTime) : 0;
  return since === 0 || Date.now() - since < UNTAKEN_MS ? undefined : since;
}
