import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { type Client, Connection, Client as TemporalClient, WorkflowFailedError } from '@temporalio/client';
import { bundleWorkflowCode, DefaultLogger, NativeConnection, Runtime } from '@temporalio/worker';
import { createActivities, ModelCache } from '../../src/activities/index.js';
import type { Channel } from '../../src/alerts/channel.js';
import { listHomes } from '../../src/client.js';
import type { PipelineSettings } from '../../src/contract/pipeline.js';
import type { RunResult } from '../../src/contract/run-result.js';
import { createInflux, type Influx } from '../../src/influx/connect.js';
import { writeAll } from '../../src/influx/write-all.js';
import { type StandIn, startStandIn } from '../../src/local/standin/server.js';
import { findSearchAttributes } from '../../src/search-attributes.js';
import { openStorage, type Storage } from '../../src/store/storage.js';
import { remedyOf } from '../../src/temporal-failures.js';
import { createWorkerPair, type WorkerPair } from '../../src/worker-pair.js';
import { pipelineOf, sourceOf } from '../pipeline.js';

export interface PlantOptions {
  readonly temporalAddress: string;
  readonly pipelines: Readonly<Record<string, PipelineSettings>>;
  readonly channels?: readonly Channel[];
  /** 1 keeps no model in memory. */
  readonly modelCacheBytes?: number;
  /** A store of the test's own instead of one in a folder. */
  readonly storage?: Storage;
  /** Wraps the store, to count or to break it. */
  readonly wrapStorage?: (storage: Storage) => Storage;
  /** Workers with a model cache each; one when left out, 0 when the test brings its own. */
  readonly workers?: number;
}

/** A whole plant on real parts: InfluxDB stand-in, store in a folder, worker on the shared Temporal server. */
export interface Plant {
  readonly influx: Influx;
  readonly standIn: StandIn;
  readonly client: Client;
  readonly storage: Storage;
  readonly storeFolder: string;
  readonly taskQueue: string;
  write(lines: Iterable<string>): Promise<void>;
  /** Runs a pipeline over everything up to `until` and gives its result. */
  run(pipeline: string, until: bigint, workflowId?: string): Promise<RunResult>;
  rows(sql: string): Promise<Record<string, unknown>[]>;
  close(): Promise<void>;
}

let isQuiet = false;
let bundle: ReturnType<typeof bundleWorkflowCode> | undefined;

/** Bundled once for all plants of a test file. */
function workflowBundle(): ReturnType<typeof bundleWorkflowCode> {
  bundle ??= bundleWorkflowCode({
    workflowsPath: fileURLToPath(new URL('../../src/workflows/index.ts', import.meta.url)),
  });
  return bundle;
}

/** Temporal's runtime says only what went wrong; one for the process, it can be set up once. */
export function quietRuntime(): void {
  if (isQuiet) return;
  isQuiet = true;
  Runtime.install({ logger: new DefaultLogger('ERROR') });
}

export async function buildPlant(options: PlantOptions): Promise<Plant> {
  quietRuntime();
  const folder = await mkdtemp(join(tmpdir(), 'halfspace-plant-'));
  const standIn = await startStandIn({ port: 0, dataDir: null, token: null });
  const influx = createInflux({ host: standIn.url, token: null, database: 'plant' });
  const bare = options.storage ?? openStorage(pathToFileURL(folder).href);
  const storage = options.wrapStorage?.(bare) ?? bare;
  const taskQueue = `plant-${randomUUID()}`;
  const clientConnection = await Connection.connect({ address: options.temporalAddress });
  const client = new TemporalClient({ connection: clientConnection });
  const pairs: WorkerPair[] = [];
  const connections: NativeConnection[] = [];
  for (let n = 0; n < (options.workers ?? 1); n++) {
    const connection = await NativeConnection.connect({ address: options.temporalAddress });
    connections.push(connection);
    const activities = createActivities({
      influx,
      storage,
      models: new ModelCache(options.modelCacheBytes ?? 64 * 1024 * 1024),
      pipelines: options.pipelines,
      channels: new Map((options.channels ?? []).map((channel) => [channel.name, channel])),
      machinesAtOnce: 100,
      homes: () => listHomes(connection.workflowService, 'default', taskQueue),
      isSearchable: async () => (await findSearchAttributes(connection, 'default')).kind === 'usable',
      links: { temporalUi: null, namespace: 'default', plots: null },
      log: () => {},
    });
    const bundle = await workflowBundle();
    pairs.push(
      await createWorkerPair({
        connection,
        namespace: 'default',
        taskQueue,
        activities,
        graceMs: 0,
        workflowBundle: bundle,
      }),
    );
  }
  const running = Promise.all(pairs.map((pair) => pair.run()));
  return {
    influx,
    standIn,
    client,
    storage,
    storeFolder: folder,
    taskQueue,
    write: async (lines) => {
      await writeAll(influx, lines);
    },
    run: (pipeline, until, workflowId = `detect/${pipeline}/${randomUUID()}`) =>
      client.workflow.execute('detectionRun', {
        workflowId,
        taskQueue,
        args: [{ pipeline, until: String(until) }],
      }),
    rows: async (sql) => {
      const found: Record<string, unknown>[] = [];
      for await (const table of influx.query(sql)) {
        for (let row = 0; row < table.rows; row++) {
          const cells = [...table.columns].map(([name, column]) => [
            name,
            column.kind === 'string' ? column.dictionary[column.codes[row] ?? -1] : column.values[row],
          ]);
          found.push(Object.fromEntries(cells));
        }
      }
      return found;
    },
    close: async () => {
      for (const pair of pairs) pair.shutdown();
      await running;
      for (const connection of connections) await connection.close();
      await clientConnection.close();
      await influx.close();
      await standIn.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Machine to its newest snapshot's name, which holds the hash of its bytes; without the token, the time of the run. */
export async function newestSnapshots(of: Plant, pipeline: string): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const machine of await of.storage.list(`snapshots/${pipeline}`)) {
    const names = await of.storage.list(`snapshots/${pipeline}/${machine.slice(0, -1)}`);
    found[machine] = (names.at(-1) ?? '').split('-').slice(1).join('-');
  }
  return found;
}

/** The reason a run failed with, as the step that failed gave it. */
export async function reasonOfFailure(run: Promise<unknown>): Promise<string> {
  try {
    await run;
  } catch (error) {
    if (!(error instanceof WorkflowFailedError)) throw error;
    let innermost: Error = error;
    while (innermost.cause instanceof Error) innermost = innermost.cause;
    return [innermost.message, remedyOf(innermost) ?? ''].join(' ').trim();
  }
  throw new Error('Expected the run to fail, it succeeded');
}

/** The shipped default pipeline, with changes. */
export function machinesPipeline(change: Partial<PipelineSettings> = {}): PipelineSettings {
  return pipelineOf({
    source: sourceOf({ table: 'machine_data', id: ['provider', 'machineID'], values: ['power'] }),
    window: { history: 24 * 3_600_000, settle: 0, catch_up: 7 * 24 * 3_600_000, chunk: null },
    late: { within: 3_600_000, action: 'report' },
    normalise: { power: [0, 500] },
    detector: { kind: 'half_space_trees', n_trees: 10, height: 8, window_size: 250, seed: 1 },
    verdict: { threshold: 0.8, clear_after: 300_000 },
    output: { table: 'machine_anomalies' },
    ...change,
  });
}
