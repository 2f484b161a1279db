import { DefaultLogger, type LogLevel, NativeConnection, Runtime } from '@temporalio/worker';
import { createActivities, ModelCache } from './activities/index.js';
import { createChannels } from './channels.js';
import { type ConnectOptions, listHomes, type TemporalTarget, temporalTarget, unreachable } from './client.js';
import { influxOptionsOf } from './config/influx-options.js';
import type { Settings } from './config/load.js';
import { loadDetectorModules } from './detector-modules.js';
import { createInflux } from './influx/connect.js';
import { findSearchAttributes, unusedText } from './search-attributes.js';
import { checkStorage } from './store/check-storage.js';
import { openStorage } from './store/storage.js';
import { createWorkerPair } from './worker-pair.js';

export interface WorkerOptions extends ConnectOptions {
  readonly settings: Settings;
  /** One line of what happens, with its fields. */
  readonly log: (level: 'info' | 'warn', message: string, fields: Record<string, unknown>) => void;
  /** False: the caller ends the worker (a demo that has more to close); true: SIGINT and SIGTERM do. */
  readonly ownsSignals: boolean;
  readonly logLevel?: string;
  /** Running activities get this long to finish. */
  readonly graceMs?: number;
}

export interface HalfspaceWorker {
  readonly taskQueue: string;
  readonly address: string;
  /** Resolves when the worker has stopped and everything it opened is closed. */
  run(): Promise<void>;
  /** Lets running activities finish, then `run` resolves. */
  shutdown(): void;
  /** Whether Temporal answers just now; takes two seconds at most. */
  isReachable(): Promise<boolean>;
}

/** How long steps under way may go on when the worker ends: below the ten seconds that people and containers wait. */
export const GRACE_MS = 5000;

const ANSWERS_WITHIN_MS = 2000;

const MEGABYTE = 1024 * 1024;

/** Composition root: settings → clients → activities → worker. @throws HalfspaceError for settings, an absent server, a store that cannot be used. */
export async function createWorker({
  settings,
  log,
  ownsSignals,
  graceMs = GRACE_MS,
  ...options
}: WorkerOptions): Promise<HalfspaceWorker> {
  const target = temporalTarget(options);
  const { namespace, address } = target;
  await loadDetectorModules(settings);
  const { storeUrl, links, worker: limits } = settings;
  const storage = openStorage(storeUrl ?? '', settings.s3);
  await checkStorage(storage);
  await storage.removeLeftovers().catch((error: unknown) => {
    // They only take up room.
    log('warn', 'What killed workers left in the store could not be removed', { reason: String(error) });
  });
  const channels = createChannels(settings.channels, (message, fields) => log('info', message, { ...fields }));
  const influx = createInflux({
    ...influxOptionsOf(settings.influx),
    warn: (message) => log('warn', message, {}),
  });
  const taskQueue = limits.task_queue;
  // Not earlier: an installed runtime that nothing was made with would keep alive a process that has failed.
  installRuntime(ownsSignals, options.logLevel ?? 'warn', log);
  const connection = await connect(target).catch(async (error: unknown) => {
    await influx.close();
    throw error;
  });
  const close = async () => {
    await connection.close();
    await influx.close();
  };
  const activities = createActivities({
    influx,
    storage,
    models: new ModelCache(limits.model_cache_mb * MEGABYTE),
    pipelines: settings.pipelines,
    channels,
    machinesAtOnce: limits.max_machines_at_once,
    homes: () => listHomes(connection.workflowService, namespace, taskQueue),
    isSearchable: async () => (await findSearchAttributes(connection, namespace)).kind === 'usable',
    links: { temporalUi: links.temporal_ui, plots: links.plots, namespace },
    log,
  });
  const pair = await createWorkerPair({ connection, namespace, taskQueue, activities, graceMs }).catch(
    async (error: unknown) => {
      await close();
      throw error;
    },
  );
  await tellOfSearchAttributes(connection, namespace, log);
  return {
    taskQueue,
    address,
    run: async () => {
      try {
        await pair.run();
      } finally {
        await close();
      }
    },
    shutdown: () => pair.shutdown(),
    isReachable: () => answers(connection, namespace),
  };
}

/** @throws HalfspaceError `Unreachable`. */
async function connect({ connectionOptions, address }: TemporalTarget): Promise<NativeConnection> {
  try {
    return await NativeConnection.connect(connectionOptions);
  } catch (error) {
    throw unreachable(address, error);
  }
}

async function answers(connection: NativeConnection, namespace: string): Promise<boolean> {
  const ask = () => connection.workflowService.describeNamespace({ namespace });
  return connection.withDeadline(Date.now() + ANSWERS_WITHIN_MS, ask).then(
    () => true,
    () => false,
  );
}

/** They are asked for again by each run; a server that does not answer now is told of by others. */
async function tellOfSearchAttributes(
  connection: NativeConnection,
  namespace: string,
  log: WorkerOptions['log'],
): Promise<void> {
  const found = await findSearchAttributes(connection, namespace).catch(() => null);
  const text = found === null ? null : unusedText(found, namespace);
  if (text !== null) log(found?.kind === 'mistyped' ? 'warn' : 'info', text, {});
}

/** The SDK warns of what is meant: on its own queue a worker runs activities only. */
const NO_WORKFLOWS = 'No workflows registered, not polling for workflow tasks';

let installed = false;

/** Temporal's runtime is one for the process and can be set up once. */
function installRuntime(ownsSignals: boolean, level: string, log: WorkerOptions['log']): void {
  if (installed) return;
  installed = true;
  // The SDK's "info" tells of bundles and polls; a healthy worker has nothing to say.
  const least: LogLevel = level === 'debug' ? 'DEBUG' : level === 'error' ? 'ERROR' : 'WARN';
  Runtime.install({
    ...(ownsSignals ? {} : { shutdownSignals: [] }),
    // By itself the native part writes to stdout, in colours.
    telemetryOptions: { logging: { forward: {}, filter: { core: 'WARN', other: 'ERROR' } } },
    logger: new DefaultLogger(least, ({ level: severity, message, meta }) => {
      if (message === NO_WORKFLOWS) return;
      log(severity === 'ERROR' || severity === 'WARN' ? 'warn' : 'info', message, { ...meta });
    }),
  });
}
