/** Names and ids that more than one folder speaks of. */
export const DEFAULT_TASK_QUEUE = 'halfspace';

export const DETECTION_RUN = 'detectionRun';
export const MACHINE_DETECTION = 'machineDetection';

/** Schedules append their time to it, so it is a prefix. */
export function runWorkflowId(pipeline: string): string {
  return `detect/${pipeline}`;
}

/** One id a machine and pipeline: the id is the machine's lock. */
export function machineWorkflowId(pipeline: string, uniqueId: string): string {
  return `machine/${pipeline}/${uniqueId}`;
}

export function scheduleId(pipeline: string): string {
  return `${SCHEDULE_PREFIX}${pipeline}`;
}

export const SCHEDULE_PREFIX = 'halfspace/';

/** Longest unique_id: Temporal refuses workflow ids above 1,000 bytes, and a UTF-16 unit takes up to three. */
export const LONGEST_UNIQUE_ID = 250;
