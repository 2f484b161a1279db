import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import { CancellationScope, executeChild, isCancellation, proxyActivities, workflowInfo } from '@temporalio/workflow';
import type { Activities } from '../activities/index.js';
import type { ArtifactRef } from '../contract/artifact.js';
import { homeOf } from '../contract/homes.js';
import { machineWorkflowId } from '../contract/names.js';
import type { ChunkUnderWay } from '../contract/run-input.js';
import type { MachineEntry, MachinePlan, RunPlan } from '../contract/run-plan.js';
import { failureReason } from './failure-reason.js';
import { machineDetection } from './machine-detection.js';
import { BOOKKEEPING, MACHINE_CHILD } from './policies.js';
import { addOutcome, type MachineOutcome } from './run-totals.js';
import { machineNames } from './search-attributes.js';
import { SlidingWindow } from './sliding-window.js';
import { counted, damageText, windowText } from './texts.js';

type Lagging = Parameters<Activities['recordLaggards']>[0]['lagging'];

/** Machines that were read together, and how each of them ended; null: not yet. */
interface Page {
  readonly machines: readonly MachineEntry[];
  readonly outcomes: (MachineOutcome | null)[];
}

const { readMachines, recordLaggards } = proxyActivities<Activities>(BOOKKEEPING);

/**
 * Runs as many machines as one execution's history has room for, and waits for every one of them, so that nothing of
 * them outlives it. What they add to the chunk is taken in the order of the machines, whichever ends first.
 * @param onProgress called with the chunk as it stands.
 */
export async function detectMachines(
  begun: ChunkUnderWay,
  onProgress: (run: ChunkUnderWay) => void,
): Promise<ChunkUnderWay> {
  const { plan, shaped, offset } = begun;
  const end = Math.min(shaped.machines, offset + plan.machinesPerExecution);
  const window = new SlidingWindow(plan.machinesAtOnce);
  const deadHomes = new Set(begun.deadHomes);
  const pages: Page[] = [];
  try {
    for (let next = offset; next < end; ) {
      const machines = await readPage(begun, next, end);
      const outcomes: Page['outcomes'] = machines.map(() => null);
      pages.push({ machines, outcomes });
      next += machines.length;
      for (const [index, machine] of machines.entries()) {
        await window.start(async () => {
          const live = plan.homes.filter((home) => !deadHomes.has(home));
          const outcome = await detectMachine(plan, machine, homeOf(machine.uniqueId, live));
          if (outcome.kind === 'done' && outcome.result.deadHome !== null) deadHomes.add(outcome.result.deadHome);
          outcomes[index] = outcome;
        });
      }
      onProgress(withOutcomes(begun, pages));
    }
  } finally {
    await window.drain();
  }
  if (CancellationScope.current().consideredCancelled) await CancellationScope.current().cancelRequested;
  const laggards = [...begun.laggards];
  for (const page of pages) {
    const lagging = laggingOf(page);
    if (lagging.length > 0) laggards.push(await recordPage(plan, lagging));
  }
  const run = { ...withOutcomes(begun, pages), offset: end, laggards, deadHomes: [...deadHomes].sort() };
  onProgress(run);
  return run;
}

async function readPage({ plan, shaped }: ChunkUnderWay, offset: number, end: number): Promise<MachineEntry[]> {
  const summary = `from ${offset + 1} of ${counted(shaped.machines, 'machine')}`;
  const limit = Math.min(plan.machinesAtOnce, end - offset);
  return readMachines.executeWithOptions({ summary }, [{ manifest: shaped.manifest, offset, limit }]);
}

function withOutcomes(run: ChunkUnderWay, pages: readonly Page[]): ChunkUnderWay {
  const ended = pages.flatMap(({ outcomes }) => outcomes.filter((outcome) => outcome !== null));
  return { ...run, totals: ended.reduce(addOutcome, run.totals) };
}

function laggingOf({ machines, outcomes }: Page): Lagging {
  return machines.flatMap(({ uniqueId, ids }, index) => {
    const outcome = outcomes[index] ?? null;
    const lag = outcome === null ? null : lagOf(outcome);
    return lag === null ? [] : [{ uniqueId, ids, ...lag }];
  });
}

async function recordPage(plan: RunPlan, lagging: Lagging): Promise<ArtifactRef> {
  const summary = counted(lagging.length, 'machine');
  return recordLaggards.executeWithOptions({ summary }, [{ plan, lagging }]);
}

/** One machine's trouble stays its own: whatever its child meets comes back as an outcome, except a cancellation. */
async function detectMachine(plan: RunPlan, machine: MachineEntry, home: string | null): Promise<MachineOutcome> {
  const { uniqueId } = machine;
  const { workflowId, runId } = workflowInfo();
  try {
    const answer = await executeChild(machineDetection, {
      ...MACHINE_CHILD,
      workflowId: machineWorkflowId(plan.scope, uniqueId),
      args: [{ plan: machinePlan(plan), machine, run: { workflowId, runId }, home }],
      staticSummary: `${plan.pipeline}: ${uniqueId}, ${counted(machine.rows, 'row')}`,
      staticDetails: windowText(plan),
      typedSearchAttributes: machineNames(plan, uniqueId),
      memo: { pipeline: plan.pipeline, machine: uniqueId, rows: machine.rows },
    });
    if (answer.kind === 'done') return { kind: 'done', result: answer };
    const { from, reason } = answer;
    return { kind: 'set back', problem: { uniqueId, reason: damageText(reason, from) }, from };
  } catch (error) {
    if (isCancellation(error)) throw error;
    if (error instanceof WorkflowExecutionAlreadyStartedError) {
      return { kind: 'busy', problem: { uniqueId, reason: `held by another run of ${plan.scope}` } };
    }
    return { kind: 'failed', problem: { uniqueId, reason: failureReason(error) } };
  }
}

/** All of the plan that is not the run's own affair. */
function machinePlan({
  homes: _homes,
  laggards: _laggards,
  machinesAtOnce: _atOnce,
  machinesPerExecution: _perExecution,
  warnings: _warnings,
  ...plan
}: RunPlan): MachinePlan {
  return plan;
}

function lagOf(outcome: MachineOutcome): Pick<Lagging[number], 'why' | 'from'> | null {
  if (outcome.kind === 'set back') return { why: outcome.kind, from: outcome.from };
  if (outcome.kind !== 'done') return { why: outcome.kind };
  return outcome.result.alerts.some((alert) => alert.status === 'failed') ? { why: 'undelivered' } : null;
}
