import { ApplicationFailure, Context } from '@temporalio/activity';
import { describe, expect, it } from 'vitest';
import type { PlanRunInput } from '../../src/activities/plan-run.js';
import { machineWorkflowId } from '../../src/contract/names.js';
import type { MachineEntry, RunPlan } from '../../src/contract/run-plan.js';
import type { RunTotals } from '../../src/contract/run-result.js';
import { planOf, REF } from '../run-plan.js';
import { AT_HOME, calls, client, gate, pipeline, run, startWorker, WITH_EVENT } from './faked-steps.js';

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
          pipeline,
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
          ({ activityTaskScheduledEventAttributes: step, markerRecordedEventAttributes: marker }) =>
            step != null || marker?.markerName === 'core_local_activity',
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
