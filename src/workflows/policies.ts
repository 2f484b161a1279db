import type { ActivityOptions, ChildWorkflowOptions, LocalActivityOptions } from '@temporalio/workflow';
import { ActivityCancellationType, ChildWorkflowCancellationType, ParentClosePolicy } from '@temporalio/workflow';

/**
 * Every timeout, heartbeat and retry of the job, each with its reason. Which failures are worth a retry is decided in
 * contract/failures.ts: the others arrive as non-retryable and end the attempt at once.
 */

/** Long enough for a worker to stall on a chart or a collection pause, short enough to notice a killed one. */
const HEARTBEAT_TIMEOUT = '5s';

/**
 * Eight attempts in about two minutes: a server that restarts is back within it. Then the step fails, which loses
 * nothing: the next run begins at the same watermark, and the one who waits for this run learns what is wrong.
 */
const RETRY = { initialInterval: '1s', backoffCoefficient: 2, maximumInterval: '1m', maximumAttempts: 8 } as const;

const COMMON: ActivityOptions = {
  heartbeatTimeout: HEARTBEAT_TIMEOUT,
  // An attempt that is told to stop must have stopped before the workflow goes on; TRY_CANCEL would leave it writing.
  cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
  retry: RETRY,
};

/** planRun, readMachines, recordLaggards, finishRun: a few small objects of the store. */
export const BOOKKEEPING: ActivityOptions = {
  ...COMMON,
  startToCloseTimeout: '1m',
  scheduleToCloseTimeout: '30m',
};

/** closeRun: a run that failed says so in the store; one try, because nothing depends on it and the failure is waiting. */
export const CLOSING: ActivityOptions = {
  ...COMMON,
  retry: { maximumAttempts: 1 },
  scheduleToCloseTimeout: '5s',
};

/** loadInfluxData: a first start reads a day of a whole fleet. Six attempts in about half a minute: people wait for a triggered run. */
export const LOAD: ActivityOptions = {
  ...COMMON,
  retry: { ...RETRY, maximumAttempts: 6 },
  startToCloseTimeout: '30m',
  scheduleToCloseTimeout: '2h',
};

/** transformData: one pass over what was loaded. */
export const TRANSFORM: ActivityOptions = {
  ...COMMON,
  startToCloseTimeout: '15m',
  scheduleToCloseTimeout: '1h',
};

/** modelIsCached, loadModel, passOverModel, rollBackModel: a listing and one object, or the few between now and late rows and the slice. */
export const GATE: ActivityOptions = {
  ...COMMON,
  startToCloseTimeout: '1m',
  scheduleToCloseTimeout: '10m',
};

/**
 * modelIsCached on the shared queue: it asks about this worker's memory, so it runs in the worker that has the child at
 * hand, as part of the task that begins it. That spares the server a fifth of what a healthy machine costs it.
 */
export const GATE_HERE: LocalActivityOptions = {
  startToCloseTimeout: '1m',
  scheduleToCloseTimeout: '10m',
  retry: RETRY,
};

/** A live worker with free hands takes a step within milliseconds. */
const HOME_ANSWERS_WITHIN = '5s';

/**
 * The policy for a step sent to one worker's own queue: a home only spares a read of the store, so it is given a moment
 * and one attempt; the shared queue, where any worker answers, does the waiting and the retrying.
 */
export function atHome(policy: ActivityOptions, home: string): ActivityOptions {
  return { ...policy, taskQueue: home, scheduleToStartTimeout: HOME_ANSWERS_WITHIN, retry: { maximumAttempts: 1 } };
}

/** detectAnomalies: a million rows through the largest forest that settings allow. */
export const DETECT: ActivityOptions = {
  ...COMMON,
  startToCloseTimeout: '30m',
  scheduleToCloseTimeout: '1h',
};

/** checkAnomalies, plotAnomalies: pure work on one slice. Three attempts: what fails thrice here fails always. */
export const EXPLAIN: ActivityOptions = {
  ...COMMON,
  startToCloseTimeout: '1m',
  scheduleToCloseTimeout: '10m',
  retry: { ...RETRY, maximumAttempts: 3 },
};

/** sendAlert: people wait for it, the machine's lock waits too. What fails for two minutes is tried again by the next run. */
export const ALERT: ActivityOptions = {
  ...COMMON,
  startToCloseTimeout: '30s',
  scheduleToCloseTimeout: '2m',
};

/** writeScores, writeAggregates: batches of points; after the scores the snapshot. */
export const WRITE: ActivityOptions = {
  ...COMMON,
  startToCloseTimeout: '15m',
  scheduleToCloseTimeout: '1h',
};

export const MACHINE_CHILD = {
  // A child holds its machine's lock; whatever goes wrong, it lets go.
  workflowExecutionTimeout: '2h',
  parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
  cancellationType: ChildWorkflowCancellationType.WAIT_CANCELLATION_COMPLETED,
} as const satisfies ChildWorkflowOptions;
