import { isCancellation, proxyActivities, setCurrentDetails, upsertMemo } from '@temporalio/workflow';
import type { Activities } from '../activities/index.js';
import type { ChunkUnderWay, ContinuedRun } from '../contract/run-input.js';
import type { RunPlan, Window } from '../contract/run-plan.js';
import type { RunResult, RunTotals } from '../contract/run-result.js';
import { aggregate } from './aggregate.js';
import { detectMachines } from './detect-machines.js';
import { planWhenReady } from './plan-when-ready.js';
import { BOOKKEEPING, CLOSING, LOAD, TRANSFORM } from './policies.js';
import { addChunk, NO_TOTALS, nothingDone } from './run-totals.js';
import { nameRun, noteAnomalies } from './search-attributes.js';
import { counted, rangeText, windowText } from './texts.js';

const { finishRun } = proxyActivities<Activities>(BOOKKEEPING);
const { closeRun } = proxyActivities<Activities>(CLOSING);
const { loadInfluxData } = proxyActivities<Activities>(LOAD);
const { transformData } = proxyActivities<Activities>(TRANSFORM);

/** What a run works through, the same for all its chunks. */
export interface RunJob extends Pick<RunPlan, 'pipeline' | 'scope' | 'events'> {
  /** The window ends here instead of now minus `settle`. */
  readonly until: string | undefined;
  /** Fixed in advance (a backfill), instead of from the last window done to now. */
  readonly range: Window | undefined;
}

/** The run's result, or what its next execution goes on with. */
export type ChunkEnd =
  | { readonly isLast: true; readonly result: RunResult }
  | { readonly isLast: false; readonly run: ContinuedRun };

/**
 * One chunk of a run, or as much of it as one execution may hold: wait for data, load, shape, one child a machine, finish. A
 * finished chunk has moved the progress: however the run ends later, the next one goes on behind it.
 * @param onProgress told of the run as it stands, whenever that changes.
 */
export async function runChunk(
  job: RunJob,
  continued: ContinuedRun | undefined,
  onProgress: (run: ContinuedRun) => void = () => {},
): Promise<ChunkEnd> {
  const begin = continued ?? { startedAtMs: Date.now(), span: job.range, earlier: null, deadHomes: [], chunk: null };
  if (begin.chunk !== null) return workThrough(begin, begin.chunk.plan, onProgress);
  const planned = await planWhenReady(job, begin);
  switch (planned.kind) {
    case 'plan':
      return workThrough(planned.run, planned.plan, onProgress);
    case 'wait':
      return { isLast: false, run: begin };
    case 'skip': {
      const { reason, window, lagging } = planned;
      const seconds = (Date.now() - begin.startedAtMs) / 1000;
      return { isLast: true, result: { ...nothingDone(job.pipeline, window), lagging, seconds, skipped: reason } };
    }
  }
}

/** The server forgets a worker that has ended after five minutes; one that was only busy has its machines back after ten. */
const DEAD_HOME_MS = 600_000;

async function workThrough(
  run: ContinuedRun,
  plan: RunPlan,
  onProgress: (run: ContinuedRun) => void,
): Promise<ChunkEnd> {
  const { index, count } = plan.chunk;
  nameRun(plan);
  if (count > 1) upsertMemo({ chunk: `${index} of ${count}` });
  const stand = (chunk: ChunkUnderWay): ContinuedRun => ({ ...run, span: plan.span, chunk });
  try {
    const begun = run.chunk ?? (await beginChunk(plan, run.deadHomes));
    const show = (at: ChunkUnderWay): void => {
      setCurrentDetails(detailsOf(at));
      onProgress(stand(at));
    };
    show(begun);
    const chunk = await detectMachines(begun, show);
    if (chunk.offset < chunk.shaped.machines) return { isLast: false, run: stand(chunk) };
    const { loaded, shaped, totals, laggards } = chunk;
    // Nobody waits for aggregates: what was to be told has been told.
    const aggregates = await aggregate(plan);
    const seconds = (Date.now() - run.startedAtMs) / 1000;
    const summary = `${counted(totals.done, 'machine')} done`;
    const untilMs = Date.now() + DEAD_HOME_MS;
    const deadHomes = chunk.deadHomes.map((home) => ({ home, untilMs }));
    const input = {
      plan,
      loaded,
      shaped,
      totals,
      laggards,
      aggregates,
      seconds,
      ...(deadHomes.length === 0 ? {} : { deadHomes }),
    };
    const result = addChunk(run.earlier, await finishRun.executeWithOptions({ summary }, [input]));
    noteAnomalies(plan, result.anomalies);
    if (index >= count) return { isLast: true, result };
    return {
      isLast: false,
      run: { ...run, span: plan.span, earlier: result, deadHomes: chunk.deadHomes, chunk: null },
    };
  } catch (error) {
    // One who cancels waits for the end; what a cancelled run leaves behind is removed when it is old.
    if (!isCancellation(error)) await giveArtifactsFree(plan);
    throw error;
  }
}

async function beginChunk(plan: RunPlan, deadHomes: readonly string[]): Promise<ChunkUnderWay> {
  const loaded = await loadInfluxData.executeWithOptions({ summary: windowText(plan) }, [{ plan }]);
  const summary = counted(loaded.rows, 'row');
  const shaped = await transformData.executeWithOptions({ summary }, [{ plan, loaded }]);
  return { plan, loaded, shaped, offset: 0, totals: NO_TOTALS, laggards: [], deadHomes };
}

/** The run has failed: that is what the one who waits must hear, whatever happens here. */
async function giveArtifactsFree(plan: RunPlan): Promise<void> {
  await closeRun.executeWithOptions({ summary: plan.pipeline }, [{ plan }]).catch(() => {});
}

function detailsOf({ plan, loaded, shaped, totals, deadHomes }: ChunkUnderWay): string {
  return [
    ...(plan.chunk.count === 1 ? [] : [`- in all: ${rangeText(plan.span)}`]),
    `- window: ${windowText(plan)}`,
    `- rows loaded: ${loaded.rows}`,
    `- machines: ${totals.machines} of ${shaped.machines} (${totals.failedCount} failed, ${totals.busyCount} busy)`,
    `- anomalous rows: ${totals.anomalies} in ${counted(totals.events, 'event')}`,
    ...deadHomes.map((home) => `- nobody answered at ${home}: its machines went elsewhere`),
    ...(totals.damagedCount === 0 ? [] : [`- models that could not be used: ${totals.damagedCount}`]),
    ...(totals.lateMachines === 0 ? [] : [lateLine(totals)]),
    ...totals.plots.slice(0, 5).map((plot) => `- plot: ${plot}`),
  ].join('\n');
}

function lateLine({ lateRows, lateMachines, rescoredCount }: RunTotals): string {
  return `- late rows: ${lateRows} of ${counted(lateMachines, 'machine')}, ${rescoredCount} scored again`;
}
