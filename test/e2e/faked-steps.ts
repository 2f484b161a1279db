import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { Client, Connection } from '@temporalio/client';
import {
  bundleWorkflowCode,
  DefaultLogger,
  NativeConnection,
  Runtime,
  Worker,
  type WorkerOptions,
  type WorkflowBundleWithSourceMap,
} from '@temporalio/worker';
import { afterAll, afterEach, beforeAll, inject } from 'vitest';
import type { Activities } from '../../src/activities/index.js';
import type { MachineEntry, RunPlan } from '../../src/contract/run-plan.js';
import type { RunResult } from '../../src/contract/run-result.js';
import { machineEntry, planOf, REF } from '../run-plan.js';

/** Workflows with activities that are fakes, on a real server and a real worker: for control flow only. */
export type Fakes = { [Name in keyof Activities]?: (input: never) => Promise<unknown> };

let connection: NativeConnection;
export let client: Client;
let bundle: WorkflowBundleWithSourceMap;
export let calls: string[];
const stops: (() => Promise<void>)[] = [];
/** Unique a test, because machine ids are locks on a server that all tests share. */
export let pipeline: string;
let taskQueue: string;

beforeAll(async () => {
  Runtime.install({ logger: new DefaultLogger('ERROR') });
  const address = inject('temporalAddress');
  connection = await NativeConnection.connect({ address });
  client = new Client({ connection: await Connection.connect({ address }) });
  const workflowsPath = fileURLToPath(new URL('../../src/workflows/index.ts', import.meta.url));
  bundle = await bundleWorkflowCode({ workflowsPath });
});

afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

afterAll(async () => {
  await client.connection.close();
  await connection.close();
});

export function machineEntries(count: number): MachineEntry[] {
  return Array.from({ length: count }, (_, i) => machineEntry(`m${i}`));
}

export async function startWorker(machines: number, fakes: Fakes = {}, plan: Partial<RunPlan> = {}): Promise<void> {
  calls = [];
  pipeline = `p-${randomUUID()}`;
  taskQueue = pipeline;
  const healthy: Record<string, (input: never) => Promise<unknown>> = {
    planRun: async () => planOf({ pipeline, ...plan }),
    loadInfluxData: async () => ({ manifest: REF, rows: machines, warnings: [] }),
    transformData: async () => ({
      manifest: REF,
      machines,
      rows: machines,
      refused: [],
      refusedCount: 0,
      warnings: [],
    }),
    readMachines: async ({ offset, limit }: { offset: number; limit: number }) =>
      machineEntries(machines).slice(offset, offset + limit),
    modelIsCached: async () => ({ base: 'b', cached: true, token: 1, watermark: '0', why: 'cached' }),
    loadModel: async () => {},
    detectAnomalies: async () => ({
      kind: 'detection',
      scores: REF,
      events: null,
      snapshot: { name: 'n', bytes: REF },
      checkpoint: null,
      late: null,
      rows: 1,
      trimmed: 0,
      anomalies: 0,
    }),
    checkAnomalies: async () => ({ latest: null, events: 0, channels: [], revised: [], isPlotted: false }),
    plotAnomalies: async () => ({ key: 'plot', url: null, path: '/store/plot' }),
    sendAlert: async () => 'delivered',
    writeScores: async () => ({ scoresWritten: 1, published: true }),
    recordLaggards: async () => REF,
    finishRun: async ({ totals }: { totals: object }) => totals,
    closeRun: async () => {},
    ...fakes,
  };
  const activities = Object.fromEntries(
    Object.entries(healthy).map(([name, run]) => [
      name,
      async (input: never) => {
        calls.push(name);
        return run(input);
      },
    ]),
  );
  await runWorker({ taskQueue, workflowBundle: bundle, activities });
}

async function runWorker(options: Omit<WorkerOptions, 'connection'>): Promise<void> {
  const worker = await Worker.create({ connection, ...options });
  const running = worker.run();
  stops.push(async () => {
    worker.shutdown();
    await running;
  });
}

/** A worker on a queue of its own; its steps are called `<queue> <step>`. */
export async function startHome(queue: string, fakes: Fakes): Promise<void> {
  const activities = Object.entries(fakes).map(([name, run]) => [
    name,
    async (input: never) => {
      calls.push(`${queue} ${name}`);
      return run(input);
    },
  ]);
  await runWorker({ taskQueue: queue, activities: Object.fromEntries(activities) });
}

export function run(): Promise<RunResult> {
  return client.workflow.execute('detectionRun', {
    workflowId: `detect/${pipeline}`,
    taskQueue,
    args: [{ pipeline }],
  });
}

export const WITH_EVENT = {
  detectAnomalies: async () => ({
    scores: REF,
    events: REF,
    snapshot: null,
    late: null,
    rows: 1,
    trimmed: 0,
    anomalies: 1,
  }),
  checkAnomalies: async () => ({
    latest: { key: 'event' },
    events: 1,
    channels: ['a', 'b'],
    revised: [],
    isPlotted: true,
  }),
} satisfies Fakes;

/** Something to wait for. */
export function gate(): { readonly opened: Promise<void>; readonly open: () => void } {
  let open = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}

/** The steps that a home takes, all in order. */
export const AT_HOME = {
  modelIsCached: async () => ({ base: 'b', cached: true, token: 1, watermark: '0', why: 'cached' }),
  detectAnomalies: async () => ({
    scores: REF,
    events: null,
    snapshot: null,
    late: null,
    rows: 1,
    trimmed: 0,
    anomalies: 0,
  }),
  writeScores: async () => ({ scoresWritten: 1, published: true }),
} satisfies Fakes;

/** Steps of machines on the shared queue. */
export function sharedSteps(): string[] {
  return calls.filter((name) => name in AT_HOME);
}
