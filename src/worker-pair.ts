import { hostname } from 'node:os';
import { fileURLToPath } from 'node:url';
import { IllegalStateError } from '@temporalio/common';
import {
  GracefulShutdownPeriodExpiredError,
  type NativeConnection,
  Worker,
  type WorkerOptions,
} from '@temporalio/worker';
import type { Activities } from './activities/index.js';
import { HalfspaceError } from './contract/failures.js';
import { homeQueue } from './contract/homes.js';

export interface WorkerPairOptions {
  readonly connection: NativeConnection;
  readonly namespace: string;
  readonly taskQueue: string;
  readonly activities: Activities;
  /** Running activities get this long to finish. */
  readonly graceMs: number;
  /** Made beforehand; bundled from source when left out. */
  readonly workflowBundle?: WorkerOptions['workflowBundle'];
}

/** The two Temporal workers of one process: one on the shared queue, one for activities only on a queue of its own. */
export interface WorkerPair {
  /** Unique a process and a pair. */
  readonly identity: string;
  /**
   * Resolves when both have stopped; when one stops, whyever, so does the other.
   * @throws HalfspaceError `TimedOut` when steps were left behind that did not end in time.
   */
  run(): Promise<void>;
  /** Both let running activities finish, then `run` resolves. */
  shutdown(): void;
}

/** After the grace time activities are told to stop; those that do not are left behind this much later. */
const FORCE_AFTER_GRACE_MS = 2500;

/** Cancellation travels on heartbeats: with the default of 80 % of the timeout it would take four seconds. */
const MOST_SECONDS_BETWEEN_BEATS = '1s';

export async function createWorkerPair(options: WorkerPairOptions): Promise<WorkerPair> {
  const { connection, namespace, taskQueue, activities, graceMs, workflowBundle } = options;
  const identity = uniqueIdentity();
  const common = {
    connection,
    namespace,
    identity,
    activities,
    shutdownGraceTime: graceMs,
    shutdownForceTime: graceMs + FORCE_AFTER_GRACE_MS,
    maxHeartbeatThrottleInterval: MOST_SECONDS_BETWEEN_BEATS,
    defaultHeartbeatThrottleInterval: MOST_SECONDS_BETWEEN_BEATS,
  } satisfies Omit<WorkerOptions, 'taskQueue'>;
  const workflows =
    workflowBundle === undefined
      ? { workflowsPath: fileURLToPath(new URL(`./workflows/index${import.meta.url.slice(-3)}`, import.meta.url)) }
      : { workflowBundle };
  const workers = [
    await Worker.create({ ...common, ...workflows, taskQueue }),
    // Steps that need a model in memory are sent to the process that has it.
    await Worker.create({ ...common, taskQueue: homeQueue(taskQueue, identity) }),
  ];
  const shutdown = () => {
    for (const worker of workers) if (worker.getState() === 'RUNNING') worker.shutdown();
  };
  return {
    identity,
    run: async () => {
      const ends = await Promise.allSettled(workers.map((worker) => worker.run().finally(shutdown)));
      for (const end of ends)
        if (end.status === 'rejected') throw isLeftBehind(end.reason) ? leftBehind(end.reason) : end.reason;
    },
    shutdown,
  };
}

/** After the forced end the SDK finds the steps still there, and says that in place of why. */
function isLeftBehind(error: unknown): boolean {
  return error instanceof GracefulShutdownPeriodExpiredError || error instanceof IllegalStateError;
}

function leftBehind(cause: unknown): HalfspaceError {
  return new HalfspaceError(
    'TimedOut',
    'The worker was told to end and left steps behind that did not stop, or of whose end Temporal could not be told; the next worker does them again',
    { cause },
  );
}

let made = 0;

/** The queue named after it must have no other reader, also when a host gives a process id again. */
function uniqueIdentity(): string {
  made++;
  return `${hostname()}-${process.pid}-${Date.now().toString(36)}-${made}`;
}
