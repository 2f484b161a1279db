import {
  ContinueAsNew,
  continueAsNew,
  isCancellation,
  proxyActivities,
  setCurrentDetails,
  workflowInfo,
} from '@temporalio/workflow';
import type { Activities } from '../activities/index.js';
import type { ContinuedRun, RunInput, RunPlan, RunResult } from '../contract/run.js';
import { detectMachines } from './detect-machines.js';
import { BOOKKEEPING, CLOSING, LOAD, TRANSFORM } from './policies.js';
import { NO_TOTALS } from './run-totals.js';
import { counted, windowText } from './texts.js';

const { planRun, finishRun } = proxyActivities<Activities>(BOOKKEEPING);
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
  const run: ContinuedRun = {
    plan,
    loaded,
    shaped,
    offset: 0,
    totals: NO_TOTALS,
    laggards: [],
    deadHomes: [],
    startedAtMs,
  };
  setCurrentDetails(detailsOf(run));
  return run;
}

async function detectAll(input: RunInput, begun: ContinuedRun): Promise<ContinuedRun> {
  const run = await detectMachines(begun, (at) => setCurrentDetails(detailsOf(at)));
  if (run.offset < run.shaped.machines) {
    return continueAsNew<typeof detectionRun>({ pipeline: input.pipeline, continued: run });
  }
  return run;
}

/** The run has failed: that is what the one who waits must hear, whatever happens here. */
async function giveArtifactsFree(plan: RunPlan): Promise<void> {
  await closeRun.executeWithOptions({ summary: plan.pipeline }, [{ plan }]).catch(() => {});
}

function detailsOf(run: ContinuedRun): string {
  const { plan, loaded, shaped, totals, deadHomes } = run;
  return [
    `- window: ${windowText(plan)}`,
    `- rows loaded: ${loaded.rows}`,
    `- machines: ${totals.machines} of ${shaped.machines} (${totals.failedCount} failed, ${totals.busyCount} busy)`,
    `- anomalous rows: ${totals.anomalies} in ${counted(totals.events, 'event')}`,
    ...deadHomes.map((home) => `- nobody answered at ${home}: its machines went elsewhere`),
    ...totals.plots.slice(0, 5).map((plot) => `- plot: ${plot}`),
  ].join('\n');
}
