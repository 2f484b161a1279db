import type { Window } from './run-plan.js';
import { isoFromNanos, nanosFromIso } from './time.js';

/** Names and ids that more than one folder speaks of. */
export const DEFAULT_TASK_QUEUE = 'halfspace';

export const DETECTION_RUN = 'detectionRun';
/** The backfill's query: how far it is. */
export const BACKFILL_PROGRESS = 'progress';
export const MACHINE_DETECTION = 'machineDetection';

/** Schedules append their time to it, so it is a prefix; a run that was started under a caller's key has an id of its own. */
export function runWorkflowId(pipeline: string, key?: string | undefined): string {
  return key === undefined ? `detect/${pipeline}` : `detect/${pipeline}/${key}`;
}

/** The form of a caller's key: it becomes part of a workflow id and of an address. */
export const RUN_KEY = /^[A-Za-z0-9][A-Za-z0-9._:@+=~-]{0,127}$/;

/** Key in a run's memo: what it waits for, in words; not there while it waits for nothing. */
export const WAITS_FOR = 'waits_for';

/** One id a pipeline and range: the same backfill is never on its way twice. */
export function backfillWorkflowId(pipeline: string, { from, to }: Window): string {
  return `backfill/${pipeline}/${isoFromNanos(BigInt(from))}-${isoFromNanos(BigInt(to))}`;
}

/** The range that {@link backfillWorkflowId} named; null for the id of anything but a backfill of the pipeline. */
export function backfillRangeOf(workflowId: string, pipeline: string): Window | null {
  const prefix = `backfill/${pipeline}/`;
  const [from = '', to = ''] = workflowId.startsWith(prefix) ? workflowId.slice(prefix.length).split(/(?<=Z)-/) : [];
  const [begin, end] = [nanosFromIso(from), nanosFromIso(to)];
  return begin === null || end === null ? null : { from: String(begin), to: String(end) };
}

/** Names a backfill's state; no pipeline's name holds a `~`, so it never meets that of live runs. */
export function backfillScope(pipeline: string, { from, to }: Window): string {
  return `${pipeline}~backfill~${from}~${to}`;
}

/** One id a machine and scope (a pipeline, a backfill): the id is the machine's lock. */
export function machineWorkflowId(scope: string, uniqueId: string): string {
  return `machine/${scope}/${uniqueId}`;
}

export function scheduleId(pipeline: string): string {
  return `${SCHEDULE_PREFIX}${pipeline}`;
}

export const SCHEDULE_PREFIX = 'halfspace/';

/** Longest unique_id: Temporal refuses workflow ids above 1,000 bytes, and a UTF-16 unit takes up to three. */
export const LONGEST_UNIQUE_ID = 250;
