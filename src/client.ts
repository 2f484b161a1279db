import { existsSync } from 'node:fs';
import {
  Client,
  Connection,
  type ConnectionOptions,
  type OperatorService,
  type Workflow,
  WorkflowExecutionAlreadyStartedError,
  type WorkflowHandleWithFirstExecutionRunId,
  WorkflowNotFoundError,
  type WorkflowService,
  type WorkflowStartOptions,
} from '@temporalio/client';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import { readEnvironment } from './config/environment.js';
import { HalfspaceError } from './contract/failures.js';
import { homeQueue } from './contract/homes.js';
import {
  BACKFILL_PROGRESS,
  backfillRangeOf,
  backfillWorkflowId,
  DETECTION_RUN,
  runWorkflowId,
} from './contract/names.js';
import type { BackfillInput, RunInput } from './contract/run-input.js';
import type { Window } from './contract/run-plan.js';
import type { BackfillProgress } from './contract/run-result.js';
import { isoFromNanos } from './contract/time.js';
import { temporalFailure } from './temporal-failures.js';
import { retriesUntilClosed } from './temporal-retries.js';
import type { backfillRun, detectionRun } from './workflows/index.js';

export { unreachable } from './temporal-failures.js';

/** How to reach Temporal, by Temporal's own conventions: TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE, TLS, API key, profile. */
export type TemporalConnectConfig = ReturnType<typeof loadClientConnectConfig>;

export interface TemporalClient {
  readonly client: Client;
  readonly operatorService: OperatorService;
  readonly namespace: string;
  /** Address as given, for messages. */
  readonly address: string;
  close(): Promise<void>;
}

export interface ConnectOptions {
  /** An embedded server's address: nothing of the environment or a profile applies to it. */
  readonly embedded?: string | undefined;
}

const DEFAULT_ADDRESS = 'localhost:7233';
const DEFAULT_NAMESPACE = 'default';

/** A server that is there answers within milliseconds; one that is not should not be waited for. */
const CONNECT_TIMEOUT_MS = 5000;

/** Longest wait before a connection that was lost is made again; gRPC's own is two minutes, long after a restart. */
const RECONNECT_WITHIN_MS = 3000;

export interface TemporalTarget {
  readonly connectionOptions: TemporalConnectConfig['connectionOptions'];
  readonly namespace: string;
  /** As given, for messages. */
  readonly address: string;
}

/** @throws HalfspaceError `BadSettings` when Temporal's own configuration cannot be read. */
export function temporalTarget({ embedded }: ConnectOptions = {}): TemporalTarget {
  if (embedded !== undefined) {
    return { connectionOptions: { address: embedded }, namespace: DEFAULT_NAMESPACE, address: embedded };
  }
  const { variables } = readEnvironment();
  const overrideEnvVars = Object.fromEntries(
    Object.entries(variables).flatMap(([name, value]) => (value === undefined || value === '' ? [] : [[name, value]])),
  );
  checkConfigFile(variables.TEMPORAL_CONFIG_FILE);
  checkTls(variables.TEMPORAL_TLS);
  for (const name of CERTIFICATES) checkCertificate(name, variables[name]);
  try {
    const { connectionOptions, namespace = DEFAULT_NAMESPACE } = loadClientConnectConfig({ overrideEnvVars });
    const address = connectionOptions.address ?? DEFAULT_ADDRESS;
    checkAddress(address);
    checkApiKey(connectionOptions.apiKey);
    return { connectionOptions: { ...connectionOptions, address }, namespace, address };
  } catch (error) {
    if (error instanceof HalfspaceError) throw error;
    const why = error instanceof Error ? error.message : String(error);
    throw new HalfspaceError('BadSettings', `Temporal's configuration cannot be read: ${why}`, { cause: error });
  }
}

function checkAddress(address: string): void {
  const port = /:(\d+)$/.exec(address)?.[1];
  if (port === undefined || (Number(port) > 0 && Number(port) < 65_536)) return;
  throw new HalfspaceError(
    'BadSettings',
    `Expected TEMPORAL_ADDRESS to be host:port, a port in 1..65535, got \`${address}\``,
  );
}

/** The gRPC library would quote the key in its complaint. */
function checkApiKey(key: TemporalConnectConfig['connectionOptions']['apiKey']): void {
  if (typeof key !== 'string' || /^[\x20-\x7e]*$/.test(key)) return;
  throw new HalfspaceError(
    'BadSettings',
    'TEMPORAL_API_KEY holds a line break or another character that no header can carry; copy the key again',
  );
}

/** Temporal's own reader takes whatever it does not know for "off". */
function checkTls(tls: string | undefined): void {
  if (tls === undefined || tls === '' || /^(?:true|false|1|0)$/.test(tls)) return;
  throw new HalfspaceError('BadSettings', `Expected TEMPORAL_TLS to be true or false, got \`${tls}\``);
}

const CERTIFICATES = [
  'TEMPORAL_TLS_CLIENT_CERT_PATH',
  'TEMPORAL_TLS_CLIENT_KEY_PATH',
  'TEMPORAL_TLS_SERVER_CA_CERT_PATH',
] as const;

function checkCertificate(name: string, file: string | undefined): void {
  if (file === undefined || file === '' || existsSync(file)) return;
  throw new HalfspaceError('BadSettings', `${name} names ${file}, which does not exist; correct it or leave it out`);
}

/** Temporal's own reader takes a file that is not there for an empty one. */
function checkConfigFile(file: string | undefined): void {
  if (file === undefined || file === '' || existsSync(file)) return;
  throw new HalfspaceError(
    'BadSettings',
    `TEMPORAL_CONFIG_FILE names ${file}, which does not exist; correct it or leave it out`,
  );
}

/**
 * The one place that makes a Temporal client. Answers at once, either way: the server is asked for the namespace first, in a
 * call that waits for no server to come.
 * @throws HalfspaceError as `temporalFailure` sorts it: `Unreachable`, `BadCredentials` or `BadSettings`.
 */
export async function connectTemporal(options: ConnectOptions = {}): Promise<TemporalClient> {
  const { connectionOptions, namespace, address } = temporalTarget(options);
  const { apiKey, tls, metadata } = connectionOptions;
  const known: ConnectionOptions = {
    address,
    connectTimeout: CONNECT_TIMEOUT_MS,
    channelArgs: { 'grpc.max_reconnect_backoff_ms': RECONNECT_WITHIN_MS },
    ...(apiKey === undefined ? {} : { apiKey }),
    ...(tls === undefined ? {} : { tls }),
    ...(metadata === undefined ? {} : { metadata }),
  };
  try {
    await askFor(namespace, known);
    const retries = retriesUntilClosed();
    const connection = await Connection.connect({ ...known, interceptors: retries.interceptors });
    const client = new Client({ connection, namespace });
    const close = async (): Promise<void> => {
      retries.end();
      await connection.close();
    };
    return { client, operatorService: connection.operatorService, namespace, address, close };
  } catch (error) {
    throw temporalFailure({ address, namespace, secret: typeof apiKey === 'string' ? apiKey : undefined }, error);
  }
}

/** Fails as the server does, without the retries that a lasting connection has. */
async function askFor(namespace: string, options: ConnectionOptions): Promise<void> {
  const probe = Connection.lazy({ ...options, interceptors: [] });
  try {
    const ask = () => probe.workflowService.describeNamespace({ namespace });
    await probe.withDeadline(Date.now() + CONNECT_TIMEOUT_MS, ask);
  } finally {
    await probe.close();
  }
}

export interface Started<F extends Workflow> {
  readonly handle: WorkflowHandleWithFirstExecutionRunId<F>;
  /** False when the same was going on already and is joined, or when its key is known. */
  readonly isNew: boolean;
}

export type StartedRun = Started<typeof detectionRun>;
export type StartedBackfill = Started<typeof backfillRun>;

export interface RunRequest extends RunInput {
  readonly taskQueue: string;
  /** A caller's name for this run, as RUN_KEY has it: under one key a pipeline runs once, as long as the server remembers. */
  readonly key?: string | undefined;
}

/** Starts a run of a pipeline, or joins the one that is going on; under a key, finds the one that was started before. */
export async function startRun(
  { client }: TemporalClient,
  { taskQueue, key, ...input }: RunRequest,
): Promise<StartedRun> {
  const { pipeline, until } = input;
  return startOrJoin<typeof detectionRun>(client, 'detectionRun', {
    workflowId: runWorkflowId(pipeline, key),
    workflowIdReusePolicy: key === undefined ? 'ALLOW_DUPLICATE' : 'REJECT_DUPLICATE',
    taskQueue,
    args: [input],
    staticSummary: `detect ${pipeline}`,
    memo: { pipeline, ...(until === undefined ? {} : { until }) },
  });
}

/**
 * Starts the backfill of a range, or joins the one of the same range that is going on.
 * @throws HalfspaceError `BadWindow` while another one fills a part of the range: both would write the same scores.
 */
export async function startBackfill(
  temporal: TemporalClient,
  { taskQueue, ...input }: BackfillInput & { readonly taskQueue: string },
): Promise<StartedBackfill> {
  const { client } = temporal;
  const { pipeline, range } = input;
  const other = await overlappingBackfill(temporal, pipeline, range);
  if (other !== null) {
    throw new HalfspaceError(
      'BadWindow',
      `${other} is going on and fills a part of the same range of \`${pipeline}\`; wait for its end, or choose a range beside it`,
    );
  }
  const [from, to] = [isoFromNanos(BigInt(range.from)), isoFromNanos(BigInt(range.to))];
  return startOrJoin<typeof backfillRun>(client, 'backfillRun', {
    workflowId: backfillWorkflowId(pipeline, range),
    taskQueue,
    args: [input],
    staticSummary: `backfill ${pipeline}: ${from} to ${to}`,
    memo: { pipeline, from, to },
  });
}

/** Id of a backfill that is going on over a part of `range` but not the same one, as far as the server has noted it. */
async function overlappingBackfill(
  { client }: TemporalClient,
  pipeline: string,
  range: Window,
): Promise<string | null> {
  const own = backfillWorkflowId(pipeline, range);
  const [begin, end] = [BigInt(range.from), BigInt(range.to)];
  const query = "WorkflowType = 'backfillRun' AND ExecutionStatus = 'Running'";
  for await (const { workflowId } of client.workflow.list({ query })) {
    const filled = workflowId === own ? null : backfillRangeOf(workflowId, pipeline);
    if (filled !== null && BigInt(filled.from) < end && BigInt(filled.to) > begin) return workflowId;
  }
  return null;
}

/** How far a backfill is; null when nobody answers that now (no worker, or it has ended). */
export async function backfillProgress(
  { handle }: StartedBackfill,
  { client }: TemporalClient,
  signal: AbortSignal,
): Promise<BackfillProgress | null> {
  // By its id alone: the run that was started may have continued as a new one.
  const current = client.workflow.getHandle(handle.workflowId);
  const ask = () => current.query<BackfillProgress>(BACKFILL_PROGRESS);
  return client.withAbortSignal(oneCall(signal), ask).catch(() => null);
}

/** The SDK leaves a listener on the signal at each call: one that is asked again and again would collect them. */
export function oneCall(signal: AbortSignal): AbortSignal {
  return AbortSignal.any([signal]);
}

async function startOrJoin<F extends Workflow>(
  client: Client,
  workflowType: string,
  options: WorkflowStartOptions<F>,
): Promise<Started<F>> {
  try {
    return { handle: await client.workflow.start<F>(workflowType, options), isNew: true };
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    const running = client.workflow.getHandle<F>(options.workflowId);
    const { runId } = await running.describe();
    return { handle: Object.assign(running, { firstExecutionRunId: runId }), isNew: false };
  }
}

/** False also when there has never been such a workflow. */
export async function isWorkflowRunning({ client }: TemporalClient, workflowId: string): Promise<boolean> {
  try {
    const { status } = await client.workflow.getHandle(workflowId).describe();
    return status.name === 'RUNNING';
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return false;
    throw error;
  }
}

/** Ids of a pipeline's runs that are going on, as far as the server has noted them: it may take a second. */
export async function runsGoingOn({ client }: TemporalClient, pipeline: string): Promise<string[]> {
  const found: string[] = [];
  const id = runWorkflowId(pipeline);
  const query = `WorkflowType = '${DETECTION_RUN}' AND ExecutionStatus = 'Running'`;
  for await (const { workflowId, memo } of client.workflow.list({ query })) {
    const isNamed = workflowId === id || workflowId.startsWith(`${id}/`);
    if (isNamed || memo?.pipeline === pipeline) found.push(workflowId);
  }
  return found;
}

/** A worker polls at least once a minute; a killed one stays listed for five. */
const FRESH_POLL_MS = 70_000;

/**
 * Identities of the workers that poll the queue; a hint, because the server forgets a killed one only after minutes.
 * @param sinceMs who has not polled since (server's clock, milliseconds since the epoch) does not count.
 */
async function listWorkers(
  workflowService: WorkflowService,
  namespace: string,
  taskQueue: string,
  sinceMs = Date.now() - FRESH_POLL_MS,
): Promise<string[]> {
  const { pollers } = await workflowService.describeTaskQueue({
    namespace,
    taskQueue: { name: taskQueue },
    taskQueueType: 1, // TASK_QUEUE_TYPE_WORKFLOW
  });
  return (pollers ?? [])
    .filter(({ lastAccessTime }) => msOf(lastAccessTime) > sinceMs)
    .map((poller) => poller.identity ?? '');
}

/** The workers' own task queues, as {@link listWorkers} sees them. */
export async function listHomes(
  workflowService: WorkflowService,
  namespace: string,
  taskQueue: string,
): Promise<string[]> {
  const identities = await listWorkers(workflowService, namespace, taskQueue);
  return identities.map((identity) => homeQueue(taskQueue, identity));
}

/** How many workers poll the queue, as {@link listWorkers} sees it. */
export async function countWorkers(
  { client, namespace }: TemporalClient,
  taskQueue: string,
  sinceMs?: number,
): Promise<number> {
  return (await listWorkers(client.workflowService, namespace, taskQueue, sinceMs)).length;
}

/** A time of the server's as milliseconds since the epoch; 0 for none. */
export function msOf(time: ServerTime): number {
  return Number(time?.seconds ?? 0) * 1000 + Math.floor((time?.nanos ?? 0) / 1e6);
}

type ServerTime = { readonly seconds?: unknown; readonly nanos?: number | null } | null | undefined;

/** Address of a run in the Temporal UI. */
export function runUrl(uiUrl: string, namespace: string, workflowId: string, runId: string): string {
  const path = ['namespaces', namespace, 'workflows', workflowId, runId].map(encodeURIComponent);
  return `${uiUrl.replace(/\/$/, '')}/${path.join('/')}`;
}
