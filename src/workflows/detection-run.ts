import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import {
  CancellationScope,
  ContinueAsNew,
  continueAsNew,
  executeChild,
  isCancellation,
  proxyActivities,
  setCurrentDetails,
  workflowInfo,
} from '@temporalio/workflow';
import type { Activities } from '../activities/index.js';
import type { ArtifactRef } from '../contract/artifact.js';
import { machineWorkflowId } from '../contract/names.js';
import type { ContinuedRun, MachineEntry, RunInput, RunPlan, RunResult } from '../contract/run.js';
import { failureReason } from './failure-reason.js';
import { machineDetection } from './machine-detection.js';
import { BOOKKEEPING, CLOSING, LOAD, MACHINE_CHILD, TRANSFORM } from './policies.js';
import { addOutcome, type MachineOutcome, NO_TOTALS } from './run-totals.js';
import { counted, windowText } from './texts.js';

type Lagging = Parameters<Activities['recordLaggards']>[0]['lagging'];

const { planRun, readMachines, recordLaggards, finishRun } = proxyActivities<Activities>(BOOKKEEPING);
const { closeRun } = proxyActivities<Activities>(CLOSING);
const { loadInfluxData } = proxyActivities<Activities>(LOAD);
const { transformData } = proxyActivities<Activities>(TRANSFORM);

/** One execution of a pipeline: load, shape, one child a machine, finish. */
export async function detectionRun(input: RunInput): Promise<RunResult> {
  const startedAtMs = input.continued?.startedAtMs ?? Date.now();
  const plan = input.continued?.plan ?? (await makePlan(input, startedAtMs));
  try {
    const run = await detectAll(input, input.continued ?? (await beginRun(plan, startedAtMs)));
    const { loaded, shaped, totals, laggards } = run;
    const seconds = (Date.now() - startedAtMs) / 1000;
    const summary = `${counted(totals.done, 'machine')} done`;
    return await finishRun.executeWithOptions({ summary }, [{ plan, loaded, shaped, totals, laggards, seconds }]);
  } catch (error) {
    // One who cancels waits for the end; what a cancelled run leaves behind is removed when it is old.
    const isOver = !(error instanceof ContinueAsNew) && !isCancellation(error);
    if (isOver) await giveArtifactsFree(plan);
    throw error;
  }
}

async function makePlan({ pipeline, until }: RunInput, nowMs: number): Promise<RunPlan> {
  const runId = workflowInfo().firstExecutionRunId;
  return planRun.executeWithOptions({ summary: pipeline }, [{ pipeline, until, nowMs, runId }]);
}

async function beginRun(plan: RunPlan, startedAtMs: number): Promise<ContinuedRun> {
  const loaded = await loadInfluxData.executeWithOptions({ summary: windowText(plan) }, [{ plan }]);
  const summary = counted(loaded.rows, 'row');
  const shaped = await transformData.executeWithOptions({ summary }, [{ plan, loaded }]);
  const run: ContinuedRun = { plan, loaded, shaped, offset: 0, totals: NO_TOTALS, laggards: [], startedAtMs };
  setCurrentDetails(detailsOf(run));
  return run;
}

async function detectAll(input: RunInput, begun: ContinuedRun): Promise<ContinuedRun> {
  let run = begun;
  let handled = 0;
  while (run.offset < run.shaped.machines) {
    if (handled >= run.plan.machinesPerExecution) {
      return continueAsNew<typeof detectionRun>({ pipeline: input.pipeline, continued: run });
    }
    const { plan, shaped, offset } = run;
    const summary = `from ${offset + 1} of ${counted(shaped.machines, 'machine')}`;
    const args = { manifest: shaped.manifest, offset, limit: plan.machinesAtOnce };
    const page = await readMachines.executeWithOptions({ summary }, [args]);
    run = await detectPage(run, page);
    handled += page.length;
    setCurrentDetails(detailsOf(run));
  }
  return run;
}

/** The run has failed: that is what the one who waits must hear, whatever happens here. */
async function giveArtifactsFree(plan: RunPlan): Promise<void> {
  await closeRun.executeWithOptions({ summary: plan.pipeline }, [{ plan }]).catch(() => {});
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
  const recorded = lagging.length === 0 ? [] : [await recordPage(run.plan, lagging)];
  return {
    ...run,
    offset: run.offset + page.length,
    totals: outcomes.reduce(addOutcome, run.totals),
    laggards: [...run.laggards, ...recorded],
  };
}

async function recordPage(plan: RunPlan, lagging: Lagging): Promise<ArtifactRef> {
  const summary = counted(lagging.length, 'machine');
  return recordLaggards.executeWithOptions({ summary }, [{ plan, lagging }]);
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
      staticSummary: `${plan.pipeline}: ${uniqueId}, ${counted(machine.rows, 'row')}`,
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

function detailsOf(run: ContinuedRun): string {
  const { plan, loaded, shaped, totals } = run;
  return [
    `- window: ${windowText(plan)}`,
    `- rows loaded: ${loaded.rows}`,
    `- machines: ${totals.machines} of ${shaped.machines} (${totals.failedCount} failed, ${totals.busyCount} busy)`,
    `- anomalous rows: ${totals.anomalies} in ${counted(totals.events, 'event')}`,
    ...totals.plots.slice(0, 5).map((plot) => `- plot: ${plot}`),
  ].join('\n');
}
