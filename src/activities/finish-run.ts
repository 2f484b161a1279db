import type { ArtifactRef } from '../contract/artifact.js';
import type { PipelineSettings } from '../contract/pipeline.js';
import type { LoadedData, RunPlan, ShapedData } from '../contract/run-plan.js';
import type { AggregateOutcome, RunResult, RunTotals } from '../contract/run-result.js';
import { earlierOf, isoFromNanos, laterOf } from '../contract/time.js';
import { putArtifact } from '../store/artifacts.js';
import { readBegunSettings, writeBegunSettings } from '../store/begun-settings.js';
import { type DeadHome, type Laggard, readProgress, writeProgress } from '../store/progress.js';
import { endRun } from '../store/runs.js';
import type { ActivityDeps } from './deps.js';
import type { JsonArtifacts, RunPlanDocument } from './plan-document.js';
import { keepHeard } from './silent-machines.js';

export interface RecordLaggardsInput {
  readonly plan: RunPlan;
  /** `from` is given for machines that are set back; the others stand where they stood. */
  readonly lagging: readonly (Omit<Laggard, 'from'> & Partial<Pick<Laggard, 'from'>>)[];
}

export interface FinishRunInput {
  readonly plan: RunPlan;
  readonly loaded: LoadedData;
  readonly shaped: ShapedData;
  readonly totals: RunTotals;
  readonly laggards: readonly ArtifactRef[];
  /** Absent in runs that began before there were any. */
  readonly aggregates?: AggregateOutcome;
  /** Homes where nobody answered; absent when all did. */
  readonly deadHomes?: readonly DeadHome[];
  readonly seconds: number;
}

const NO_AGGREGATES: AggregateOutcome = { written: 0, isOwed: false, warnings: [] };

/** Keeps a page's unfinished machines in the store: a fleet of them would not fit a payload. */
export async function recordLaggards(
  deps: ActivityDeps,
  documents: JsonArtifacts,
  { plan, lagging }: RecordLaggardsInput,
): Promise<ArtifactRef> {
  const { laggards: earlier } = await documents.get<RunPlanDocument>(plan.document);
  const since = new Map(earlier.map((laggard) => [laggard.uniqueId, laggard.from]));
  const records: Laggard[] = lagging.map((machine) => ({
    ...machine,
    from:
      machine.from ??
      (machine.why === 'undelivered' ? plan.window.to : (since.get(machine.uniqueId) ?? plan.window.from)),
  }));
  return putArtifact(deps.storage, plan.folder, 'laggards', new TextEncoder().encode(JSON.stringify(records)), '.json');
}

/** Moves the scope's progress to the window's end, with the machines that are still behind. */
export async function finishRun(
  deps: ActivityDeps,
  documents: JsonArtifacts,
  input: FinishRunInput,
): Promise<RunResult> {
  const { plan, loaded, shaped, totals, aggregates = NO_AGGREGATES, seconds } = input;
  const { late, settingsHash, aggregateFrom, settings } = await documents.get<RunPlanDocument>(plan.document);
  const lagging: Laggard[] = [];
  for (const ref of input.laggards) lagging.push(...(await documents.get<Laggard[]>(ref)));
  if (plan.mode === 'incremental') {
    const current = await readProgress(deps.storage, plan.scope);
    // An overlapping run that got further has seen this window's rows too: its word stands. One of other learning settings
    // has not: these begin further back.
    const isAhead = current?.settingsHash === settingsHash && BigInt(current.to) > BigInt(plan.window.to);
    if (!isAhead) {
      const heard = await keepHeard(deps.storage, plan.scope, shaped.heard);
      await writeProgress(deps.storage, plan.scope, {
        origin: earlierOf(current?.origin ?? plan.window.from, plan.window.from),
        to: plan.window.to,
        // An overlapping run may have gone further than this one set out for.
        target: laterOf(plan.span.to, plan.window.to),
        settingsHash,
        lagging,
        ...(aggregates.isOwed && aggregateFrom !== null ? { owedAggregates: aggregateFrom } : {}),
        ...(late === null ? {} : { late: { since: late.since, seen: shaped.seen } }),
        ...(heard === undefined ? {} : { heard }),
        ...deadHomesOf(current?.deadHomes, input.deadHomes),
      });
      await endUnder(deps, plan.scope, settingsHash);
      const before = current?.heard;
      if (before !== undefined && before.key !== heard?.key) await deps.storage.remove(before.key);
    }
  }
  await closeRun(deps, { plan });
  return {
    ...totals,
    pipeline: plan.pipeline,
    window: plan.window,
    chunks: plan.chunk.index,
    loadedRows: loaded.rows,
    aggregatesWritten: aggregates.written,
    lagging: lagging.length,
    refused: shaped.refused,
    refusedCount: shaped.refusedCount,
    warnings: [
      ...plan.warnings,
      ...quietWarnings(input, settings.source.table),
      ...loaded.warnings,
      ...shaped.warnings,
      ...aggregates.warnings,
      ...lateWarnings(totals),
      ...mostlyAnomalous(totals, settings),
    ],
    seconds,
  };
}

/** Other settings that runs have begun under count for nothing now. */
async function endUnder({ storage }: ActivityDeps, scope: string, settingsHash: string): Promise<void> {
  const begun = await readBegunSettings(storage, scope);
  if (begun.some((hash) => hash !== settingsHash)) await writeBegunSettings(storage, scope, [settingsHash]);
}

/** With those of earlier runs whose time is not over. */
function deadHomesOf(
  earlier: readonly DeadHome[] = [],
  found: readonly DeadHome[] = [],
): { readonly deadHomes?: readonly DeadHome[] } {
  const latest = new Map([...earlier, ...found].map((dead) => [dead.home, dead]));
  const deadHomes = [...latest.values()].filter(({ untilMs }) => untilMs > Date.now());
  return deadHomes.length === 0 ? {} : { deadHomes };
}

/** Of many chunks one may well be empty: the run's counts tell when all are. Rows that came late are rows, too. */
function quietWarnings({ plan, loaded, totals }: FinishRunInput, table: string | null): string[] {
  if (loaded.rows > 0 || totals.rows > 0 || plan.chunk.count > 1 || plan.window.from === plan.window.to) return [];
  return [`no rows of ${table ?? 'the query'} in ${windowText(plan)}`];
}

function windowText({ mode, window }: RunPlan): string {
  if (mode === 'replay') return 'the whole source';
  return `the window from ${isoFromNanos(BigInt(window.from))} to ${isoFromNanos(BigInt(window.to))}`;
}

/** Fewer may well be one machine's incident: a window of five minutes with a row a second has 300. */
const ENOUGH_ROWS = 1000;

/** Settings that do not fit call nearly everything anomalous; nobody reads a thousand events to find that out. */
function mostlyAnomalous(
  { rows, scored = rows, anomalies }: RunTotals,
  { normalise, verdict }: PipelineSettings,
): string[] {
  if (scored < ENOUGH_ROWS || 2 * anomalies <= scored) return [];
  const limits =
    normalise === 'running' ? 'with `normalise: running` declare limits (normalise: { column: [low, high] }), or ' : '';
  return [
    `more than half of the rows are anomalous; where that is no incident, ${limits}set a higher verdict.threshold than ${verdict.threshold}`,
  ];
}

function lateWarnings(totals: RunTotals): string[] {
  const { lateRows, lateMachines, lateScored = 0, rescoredCount, notRescored, notRescoredCount } = totals;
  if (lateMachines === 0) return [];
  const scored = lateScored >= lateRows ? 'scored' : `${lateScored} scored, ${lateRows - lateScored} only reported`;
  const again = rescoredCount === 0 ? '' : `; scored again from before them: ${counted(rescoredCount, 'machine')}`;
  const what = lateScored === 0 ? 'only reported' : scored;
  const warnings = [
    `at least ${counted(lateRows, 'row')} of ${counted(lateMachines, 'machine')} came late: ${what}${again}`,
  ];
  const [example] = notRescored;
  if (example !== undefined) {
    warnings.push(
      `machines whose late rows could only be counted: ${notRescoredCount}, e.g. ${example.uniqueId}: ${example.reason}`,
    );
  }
  return warnings;
}

function counted(amount: number, word: string): string {
  return `${amount} ${word}${amount === 1 ? '' : 's'}`;
}

/** Gives a run's artifacts free, however it ended: they stay among those of the last few runs, for a look at what happened. */
export async function closeRun(deps: ActivityDeps, { plan }: { readonly plan: RunPlan }): Promise<void> {
  await endRun(deps.storage, plan.scope, plan.folder, Date.now());
}
