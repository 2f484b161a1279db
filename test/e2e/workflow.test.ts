import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { ApplicationFailure, Context } from '@temporalio/activity';
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
import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest';
import type { Activities } from '../../src/activities/index.js';
import type { PlanRunInput } from '../../src/activities/plan-run.js';
import type { ArtifactRef } from '../../src/contract/artifact.js';
import { homeOf } from '../../src/contract/homes.js';
import { machineWorkflowId } from '../../src/contract/names.js';
import type { MachineEntry, RunPlan, RunResult, RunTotals } from '../../src/contract/run.js';

/** Control flow only: the activities are fakes, the server and the worker are real. */
const REF: ArtifactRef = { key: 'k', sha256: 's', bytes: 1 };

type Fakes = { [Name in keyof Activities]?: (input: never) => Promise<unknown> };

let connection: NativeConnection;
let client: Client;
let bundle: WorkflowBundleWithSourceMap;
let calls: string[];
const stops: (() => Promise<void>)[] = [];
/** Unique a test, because machine ids are locks on a server that all tests share. */
let pipeline: string;
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

function machineEntries(count: number): MachineEntry[] {
  return Array.from({ length: count }, (_, i) => ({
    uniqueId: `m${i}`,
    ids: [`m${i}`],
    from: '0',
    covered: '0',
    rows: 1,
    owesAlert: false,
    pack: REF,
    offset: 0,
    bytes: 1,
  }));
}

function planOf(change: Partial<RunPlan>): RunPlan {
  return {
    pipeline,
    scope: pipeline,
    mode: 'incremental',
    span: { from: '0', to: '10' },
    window: { from: '0', to: '10' },
    chunk: { index: 1, count: 1 },
    events: 'told',
    document: REF,
    folder: 'f',
    channels: [],
    laggards: 0,
    homes: [],
    machinesAtOnce: 10,
    machinesPerExecution: 500,
    warnings: [],
    ...change,
  };
}

async function startWorker(machines: number, fakes: Fakes = {}, plan: Partial<RunPlan> = {}): Promise<void> {
  calls = [];
  pipeline = `p-${randomUUID()}`;
  taskQueue = pipeline;
  const healthy: Record<string, (input: never) => Promise<unknown>> = {
    planRun: async () => planOf(plan),
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
async function startHome(queue: string, fakes: Fakes): Promise<void> {
  const activities = Object.entries(fakes).map(([name, run]) => [
    name,
    async (input: never) => {
      calls.push(`${queue} ${name}`);
      return run(input);
    },
  ]);
  await runWorker({ taskQueue: queue, activities: Object.fromEntries(activities) });
}

function run(): Promise<RunResult> {
  return client.workflow.execute('detectionRun', {
    workflowId: `detect/${pipeline}`,
    taskQueue,
    args: [{ pipeline }],
  });
}

const WITH_EVENT = {
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

describe('a machine', () => {
  it('costs two activities and a look when it is healthy and its model is in memory', async () => {
    await startWorker(1);
    await run();
    expect(calls.slice(4, -1)).toEqual(['modelIsCached', 'detectAnomalies', 'writeScores']);
    const { events } = await client.workflow.getHandle(machineWorkflowId(pipeline, 'm0')).fetchHistory();
    const scheduled = (events ?? []).map((event) => event.activityTaskScheduledEventAttributes?.activityType?.name);
    expect(scheduled.filter((name) => name !== undefined)).toEqual(['detectAnomalies', 'writeScores']);
  });

  it('has its model loaded only when the gate says no', async () => {
    await startWorker(1, {
      modelIsCached: async () => ({ base: 'b', cached: false, token: 1, watermark: '0', why: 'not cached' }),
    });
    const result = await run();
    expect(calls.slice(4, -1)).toEqual(['modelIsCached', 'loadModel', 'detectAnomalies', 'writeScores']);
    expect(result.models).toEqual({ cached: 0, loaded: 1, fresh: 0 });
  });

  it('is checked, plotted and told of before its scores are published', async () => {
    await startWorker(1, WITH_EVENT);
    await run();
    expect(calls.slice(4, -1)).toEqual([
      'modelIsCached',
      'detectAnomalies',
      'checkAnomalies',
      'plotAnomalies',
      'sendAlert',
      'sendAlert',
      'writeScores',
    ]);
  });

  it('tells of a silence beside the event', async () => {
    const told: unknown[] = [];
    await startWorker(1, {
      ...WITH_EVENT,
      checkAnomalies: async () => ({
        ...(await WITH_EVENT.checkAnomalies()),
        silence: { event: { key: 'silence' }, channels: ['b'] },
      }),
      sendAlert: async ({ event, channel }: { event: { key: string }; channel: string }) => {
        told.push([event.key, channel]);
        return 'delivered';
      },
    });
    await run();
    expect(told.at(-1)).toEqual(['silence', 'b']);
    expect(told).toHaveLength(3);
  });

  it('is published also when its plot and a channel fail', async () => {
    await startWorker(1, {
      ...WITH_EVENT,
      plotAnomalies: async () => {
        throw ApplicationFailure.nonRetryable('no canvas');
      },
      sendAlert: async ({ channel }: { channel: string }) => {
        if (channel === 'a') throw ApplicationFailure.nonRetryable('no_service');
        return 'delivered';
      },
    });
    const result = await run();
    expect(result.done).toBe(1);
    expect(result.alerts.map(({ status, reason }) => [status, reason])).toEqual([
      ['failed', 'no_service'],
      ['delivered', undefined],
    ]);
    expect(calls).toContain('writeScores');
    expect(calls).toContain('recordLaggards');
  });
});

/** Something to wait for. */
function gate(): { readonly opened: Promise<void>; readonly open: () => void } {
  let open = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}

/** The steps that a home takes, all in order. */
const AT_HOME = {
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
function sharedSteps(): string[] {
  return calls.filter((name) => name in AT_HOME);
}

describe('a home', () => {
  it('takes the steps that need the model of its machines, and no others', async () => {
    const homes = ['home-a', 'home-b'];
    await startWorker(8, WITH_EVENT, { homes });
    for (const home of homes) {
      await startHome(home, { ...AT_HOME, detectAnomalies: WITH_EVENT.detectAnomalies });
    }
    expect(await run()).toMatchObject({ done: 8, models: { cached: 8, loaded: 0, fresh: 0 } });
    expect(sharedSteps()).toEqual([]);
    expect(calls.filter((name) => name === 'checkAnomalies')).toHaveLength(8);
    const wanted = machineEntries(8).map(({ uniqueId }) => homeOf(uniqueId, homes));
    for (const home of homes) {
      const own = calls.filter((name) => name === `${home} writeScores`);
      expect(own).toHaveLength(wanted.filter((queue) => queue === home).length);
    }
  });

  it('where nobody answers costs one machine a moment and is left out for the rest of the run', async () => {
    const [live, dead] = ['home-live', 'home-dead'];
    const homes = [live, dead];
    const wanted = machineEntries(12).map(({ uniqueId }) => homeOf(uniqueId, homes));
    for (const execution of [wanted.slice(0, 5), wanted.slice(5, 10), wanted.slice(10)]) {
      expect(new Set(execution)).toEqual(new Set(homes));
    }
    await startWorker(12, {}, { homes, machinesAtOnce: 1, machinesPerExecution: 5 });
    await startHome(live, AT_HOME);
    expect(await run()).toMatchObject({ machines: 12, done: 12 });
    expect(sharedSteps()).toEqual(Object.keys(AT_HOME));
  });

  it('that falls silent in the middle of a step has that step done elsewhere', async () => {
    const home = 'home-silent';
    const end = gate();
    await startWorker(1, {}, { homes: [home] });
    await startHome(home, { ...AT_HOME, detectAnomalies: () => end.opened });
    const result = await run();
    end.open();
    expect(result).toMatchObject({ done: 1, failedCount: 0 });
    expect(sharedSteps()).toEqual(['detectAnomalies', 'writeScores']);
  });

  it('that cannot do a step hands it on, unless it would fail anywhere', async () => {
    const home = 'home-weak';
    await startWorker(2, {}, { homes: [home] });
    await startHome(home, {
      ...AT_HOME,
      detectAnomalies: async ({ machine }: { machine: MachineEntry }) => {
        if (machine.uniqueId === 'm0') throw ApplicationFailure.retryable('store is away', 'StoreFault');
        throw ApplicationFailure.nonRetryable('poison row');
      },
    });
    expect(await run()).toMatchObject({ done: 1, failedCount: 1, failed: [{ uniqueId: 'm1', reason: 'poison row' }] });
    expect(calls.filter((name) => name.endsWith('detectAnomalies'))).toHaveLength(3);
  });
});

describe('a run', () => {
  it('begins the next machine as soon as any one is done', async () => {
    const done: string[] = [];
    const others = gate();
    await startWorker(
      7,
      {
        detectAnomalies: async ({ machine }: { machine: MachineEntry }) => {
          if (machine.uniqueId === 'm0') await others.opened;
          done.push(machine.uniqueId);
          if (done.length === 6) others.open();
          return AT_HOME.detectAnomalies();
        },
      },
      { machinesAtOnce: 2 },
    );
    expect(await run()).toMatchObject({ done: 7 });
    expect(done.at(-1)).toBe('m0');
  });

  it('names a machine that fails and finishes the others', async () => {
    await startWorker(3, {
      detectAnomalies: async ({ machine }: { machine: MachineEntry }) => {
        if (machine.uniqueId === 'm1') throw ApplicationFailure.nonRetryable('poison row');
        return { scores: REF, events: null, snapshot: null, late: null, rows: 1, trimmed: 0, anomalies: 0 };
      },
    });
    const result = await run();
    expect(result).toMatchObject({ done: 2, failedCount: 1, failed: [{ uniqueId: 'm1', reason: 'poison row' }] });
  });

  it('lists a machine whose lock another run holds as busy', async () => {
    await startWorker(2);
    const holder = await client.workflow.start('machineDetection', {
      workflowId: machineWorkflowId(pipeline, 'm0'),
      taskQueue: `nobody-${pipeline}`,
      args: [{}],
    });
    const result = await run();
    await holder.terminate();
    expect(result).toMatchObject({ done: 1, busyCount: 1, busy: [{ uniqueId: 'm0' }] });
    expect(calls).toContain('recordLaggards');
  });

  it('continues as new with its totals when it has handled enough machines', async () => {
    await startWorker(25, {}, { machinesAtOnce: 5, machinesPerExecution: 10 });
    const result = await run();
    expect(result).toMatchObject({ machines: 25, done: 25, rows: 25 });
    expect(calls.filter((name) => name === 'planRun')).toHaveLength(1);
    expect(calls.filter((name) => name === 'readMachines')).toHaveLength(5);
    const description = await client.workflow.getHandle(`detect/${pipeline}`).describe();
    expect(description.historyLength).toBeLessThan(60);
  });

  it('of several chunks continues as new after each, towards the end that the first one fixed', async () => {
    const inputs: PlanRunInput[] = [];
    const windowOf = (chunk: number) => ({ from: String(10 * chunk), to: String(10 * chunk + 10) });
    let isPoisoned = true;
    await startWorker(2, {
      planRun: async (input: PlanRunInput) => {
        inputs.push(input);
        return planOf({
          span: { from: '0', to: '30' },
          window: windowOf(input.chunksDone),
          chunk: { index: input.chunksDone + 1, count: 3 },
        });
      },
      detectAnomalies: async ({ machine }: { machine: MachineEntry }) => {
        if (machine.uniqueId === 'm1' && isPoisoned) throw ApplicationFailure.nonRetryable('poison row');
        return { scores: REF, events: null, snapshot: null, late: null, rows: 1, trimmed: 0, anomalies: 0 };
      },
      finishRun: async ({ plan, totals, laggards }: { plan: RunPlan; totals: RunTotals; laggards: unknown[] }) => {
        isPoisoned = false;
        const { window, chunk } = plan;
        const rest = {
          loadedRows: 2,
          lagging: laggards.length,
          refused: [],
          refusedCount: 0,
          warnings: [],
          seconds: 1,
        };
        return { ...totals, pipeline, window, chunks: chunk.index, ...rest };
      },
    });
    const result = await run();
    expect(result).toMatchObject({
      window: { from: '0', to: '30' },
      chunks: 3,
      machines: 2,
      rows: 5,
      loadedRows: 6,
      failedCount: 0,
      lagging: 0,
    });
    const span = { from: '0', to: '30' };
    expect(inputs.map((input) => [input.chunksDone, input.span])).toEqual([
      [0, undefined],
      [1, span],
      [2, span],
    ]);
    const description = await client.workflow.getHandle(`detect/${pipeline}`).describe();
    expect(description.memo).toMatchObject({ chunk: '3 of 3' });
    expect(description.historyLength).toBeLessThan(60);
  });

  it('fails at once, without any machine, when loading cannot succeed', async () => {
    await startWorker(1, {
      loadInfluxData: async () => {
        throw ApplicationFailure.nonRetryable('no such table', 'MissingTable');
      },
    });
    await expect(run()).rejects.toMatchObject({ cause: { cause: { message: 'no such table' } } });
    expect(calls).toEqual(['planRun', 'loadInfluxData', 'closeRun']);
  });

  it('says why it failed also when its artifacts cannot be given free', async () => {
    await startWorker(1, {
      loadInfluxData: async () => {
        throw ApplicationFailure.nonRetryable('no such table', 'MissingTable');
      },
      closeRun: async () => {
        throw ApplicationFailure.retryable('no store', 'StoreFault');
      },
    });
    await expect(run()).rejects.toMatchObject({ cause: { cause: { message: 'no such table' } } });
    expect(calls.filter((name) => name === 'closeRun')).toHaveLength(1);
  });

  it('ends as cancelled when it is cancelled, without another step', async () => {
    let isLoading = false;
    await startWorker(1, {
      loadInfluxData: async () => {
        isLoading = true;
        const context = Context.current();
        const beat = setInterval(() => context.heartbeat(), 200);
        return context.cancelled.finally(() => clearInterval(beat));
      },
    });
    const ended = run();
    ended.catch(() => {});
    await expect.poll(() => isLoading, { timeout: 20_000 }).toBe(true);
    await client.workflow.getHandle(`detect/${pipeline}`).cancel();
    await expect(ended).rejects.toMatchObject({ cause: { name: 'CancelledFailure' } });
    expect(calls).toEqual(['planRun', 'loadInfluxData']);
  });

  it('shows what each step is about and the window in the Temporal UI', async () => {
    await startWorker(1, WITH_EVENT, { window: { from: '0', to: '1000000000' } });
    await run();
    const summaries = async (workflowId: string) => {
      const { events } = await client.workflow.getHandle(workflowId).fetchHistory();
      return (events ?? [])
        .filter(
          (event) => event.activityTaskScheduledEventAttributes != null || event.markerRecordedEventAttributes != null,
        )
        .map(({ userMetadata }) => Buffer.from(userMetadata?.summary?.data ?? []).toString());
    };
    const window = `${pipeline}: 1970-01-01T00:00:00Z to 1970-01-01T00:00:01Z`;
    expect(await summaries(`detect/${pipeline}`)).toEqual(
      [pipeline, window, '1 row', 'from 1 of 1 machine', '1 machine done'].map((text) => JSON.stringify(text)),
    );
    expect(await summaries(machineWorkflowId(pipeline, 'm0'))).toEqual(
      ['m0', 'm0: 1 row', 'm0: 1 anomalous row', 'm0: plot', 'm0: a', 'm0: b', 'm0: 1 score'].map((text) =>
        JSON.stringify(text),
      ),
    );
    const metadata = (workflowId: string) =>
      client.workflow.getHandle(workflowId).query('__temporal_workflow_metadata');
    expect(await metadata(`detect/${pipeline}`)).toMatchObject({
      currentDetails: expect.stringContaining('in 1 event\n'),
    });
    expect(await metadata(machineWorkflowId(pipeline, 'm0'))).toMatchObject({
      currentDetails: expect.stringContaining(window),
    });
  });

  it('tries again what may succeed later', async () => {
    let attempts = 0;
    await startWorker(1, {
      loadInfluxData: async () => {
        attempts++;
        if (attempts === 1) throw ApplicationFailure.retryable('unreachable', 'Unreachable');
        return { manifest: REF, rows: 1, warnings: [] };
      },
    });
    expect(await run()).toMatchObject({ done: 1 });
    expect(attempts).toBe(2);
  });
});
