import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import {
  CancellationScope,
  continueAsNew,
  executeChild,
  isCancellation,
  proxyActivities,
  setCurrentDetails,
  workflowInfo,
} from '@temporalio/workflow';
import type { Activities } from '../activities/index.js';
import { machineWorkflowId } from '../contract/names.js';
import type { ContinuedRun, MachineEntry, RunInput, RunPlan, RunResult } from '../contract/run.js';
import { isoFromNanos } from '../contract/time.js';
import { failureReason } from './failure-reason.js';
import { machineDetection } from './machine-detection.js';
import { BOOKKEEPING, LOAD, MACHINE_CHILD, TRANSFORM } from './policies.js';
import { addOutcome, type MachineOutcome, NO_TOTALS } from './run-totals.js';

const { planRun, readMachines, recordLaggards, finishRun } = proxyActivities<Activities>(BOOKKEEPING);
const { loadInfluxData } = proxyActivities<Activities>(LOAD);
const { transformData } = proxyActivities<Activities>(TRANSFORM);

/** One execution of a pipeline: load, shape, one child a machine, finish. */
export async function detectionRun(input: RunInput): Promise<RunResult> {
  let run = input.continued ?? (await beginRun(input));
  let handled = 0;
  while (run.offset < run.shaped.machines) {
    if (handled >= run.plan.machinesPerExecution) {
      return continueAsNew<typeof detectionRun>({ pipeline: input.pipeline, continued: run });
    }
    const { plan, shaped, offset } = run;
    const page = await readMachines({ manifest: shaped.manifest, offset, limit: plan.machinesAtOnce });
    run = await detectPage(run, page);
    handled += page.length;
    setCurrentDetails(detailsOf(run));
  }
  const { plan, loaded, shaped, totals, laggards, startedAtMs } = run;
  const result = await finishRun({
    plan,
    loaded,
    shaped,
    totals,
    laggards,
    seconds: (Date.now() - startedAtMs) / 1000,
  });
  setCurrentDetails(detailsOf(run));
  return result;
}

async function beginRun(input: RunInput): Promise<ContinuedRun> {
  const startedAtMs = Date.now();
  const { firstExecutionRunId } = workflowInfo();
  const plan = await planRun({
    pipeline: input.pipeline,
    until: input.until,
    nowMs: startedAtMs,
    runId: firstExecutionRunId,
  });
  const loaded = await loadInfluxData.executeWithOptions({ summary: windowText(plan) }, [{ plan }]);
  const shaped = await transformData.executeWithOptions({ summary: `${loaded.rows} rows` }, [{ plan, loaded }]);
  const run: ContinuedRun = { plan, loaded, shaped, offset: 0, totals: NO_TOTALS, laggards: [], startedAtMs };
  setCurrentDetails(detailsOf(run));
  return run;
}

/** Runs a page's children and waits for every one of them, so that nothing of the page outlives this execution. */
async function detectPage(run: ContinuedRun, page: readonly MachineEntry[]): Promise<ContinuedRun> {
  const settled = await Promise.allSettled(page.map((machine) => detectMachine(run.plan, machine)));
  const stopped = settled.find((end) => end.status === 'rejected');
  if (stopped !== undefined) throw stopped.reason;
  if (CancellationScope.current().consideredCancelled) await CancellationScope.current().cancelRequested;

  const outcomes = settled.flatMap((end) => (end.status === 'fulfilled' ? [end.value] : []));
  const lagging = outcomes.flatMap((outcome, index) => {
    const machine = page[index];
    const why = lagOf(outcome);
    return machine === undefined || why === null ? [] : [{ uniqueId: machine.uniqueId, ids: machine.ids, why }];
  });
  const recorded = lagging.length === 0 ? [] : [await recordLaggards({ plan: run.plan, lagging })];
  return {
    ...run,
    offset: run.offset + page.length,
    totals: outcomes.reduce(addOutcome, run.totals),
    laggards: [...run.laggards, ...recorded],
  };
}

/** One machine's trouble stays its own: whatever its child meets comes back as an outcome, except a cancellation. */
async function detectMachine(plan: RunPlan, machine: MachineEntry): Promise<MachineOutcome> {
  const { uniqueId } = machine;
  const { workflowId, runId } = workflowInfo();
  try {
    const result = await executeChild(machineDetection, {
      ...MACHINE_CHILD,
      workflowId: machineWorkflowId(plan.pipeline, uniqueId),
      args: [{ plan, machine, run: { workflowId, runId } }],
      staticSummary: `${plan.pipeline}: ${uniqueId}, ${machine.rows} rows`,
      staticDetails: windowText(plan),
      memo: { pipeline: plan.pipeline, machine: uniqueId, rows: machine.rows },
    });
    return { kind: 'done', result };
  } catch (error) {
    if (isCancellation(error)) throw error;
    if (error instanceof WorkflowExecutionAlreadyStartedError) {
      return { kind: 'busy', problem: { uniqueId, reason: `held by another run of ${plan.pipeline}` } };
    }
    return { kind: 'failed', problem: { uniqueId, reason: failureReason(error) } };
  }
}

function lagOf(outcome: MachineOutcome): 'failed' | 'busy' | 'undelivered' | null {
  if (outcome.kind !== 'done') return outcome.kind;
  return outcome.result.alerts.some((alert) => alert.status === 'failed') ? 'undelivered' : null;
}

function windowText(plan: RunPlan): string {
  const { from, to } = plan.window;
  return `${plan.pipeline}: ${isoFromNanos(BigInt(from))} to ${isoFromNanos(BigInt(to))}`;
}

function detailsOf(run: ContinuedRun): string {
  const { plan, loaded, shaped, totals } = run;
  return [
    `- window: ${windowText(plan)}`,
    `- rows loaded: ${loaded.rows}`,
    `- machines: ${totals.machines} of ${shaped.machines} (${totals.failedCount} failed, ${totals.busyCount} busy)`,
    `- anomalous rows: ${totals.anomalies} in ${totals.events} events`,
    ...totals.plots.slice(0, 5).map((plot) => `- plot: ${plot}`),
  ].join('\n');
}
