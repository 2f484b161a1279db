import type { MachineResult } from '../contract/machine-run.js';
import type { MachineProblem, Window } from '../contract/run-plan.js';
import type { RunResult, RunTotals } from '../contract/run-result.js';
import type { Nanos } from '../contract/time.js';

/** How one machine ended, as its run saw it. */
export type MachineOutcome =
  | { readonly kind: 'done'; readonly result: MachineResult }
  | { readonly kind: 'failed' | 'busy'; readonly problem: MachineProblem }
  /** Nothing was learned: the next run learns again from `from`. */
  | { readonly kind: 'set back'; readonly problem: MachineProblem; readonly from: Nanos };

/** A result lists this many of each, so that it fits a payload; the counts are always whole. */
const LONGEST_LIST = 20;

export const NO_TOTALS: RunTotals = {
  machines: 0,
  done: 0,
  rows: 0,
  scored: 0,
  anomalies: 0,
  events: 0,
  scoresWritten: 0,
  models: { cached: 0, loaded: 0, fresh: 0 },
  lateRows: 0,
  lateMachines: 0,
  lateScored: 0,
  rescoredCount: 0,
  rescored: [],
  notRescored: [],
  notRescoredCount: 0,
  damaged: [],
  damagedCount: 0,
  alerts: [],
  plots: [],
  failed: [],
  failedCount: 0,
  busy: [],
  busyCount: 0,
};

/** The result of a run that had nothing to do; `window` is empty. */
export function nothingDone(pipeline: string, window: Window): RunResult {
  return {
    ...NO_TOTALS,
    pipeline,
    window,
    chunks: 0,
    loadedRows: 0,
    aggregatesWritten: 0,
    lagging: 0,
    refused: [],
    refusedCount: 0,
    warnings: [],
    seconds: 0,
  };
}

export function addOutcome(totals: RunTotals, outcome: MachineOutcome): RunTotals {
  const machines = totals.machines + 1;
  switch (outcome.kind) {
    case 'failed':
      return {
        ...totals,
        machines,
        failed: append(totals.failed, [outcome.problem], LONGEST_LIST),
        failedCount: totals.failedCount + 1,
      };
    case 'busy':
      return {
        ...totals,
        machines,
        busy: append(totals.busy, [outcome.problem], LONGEST_LIST),
        busyCount: totals.busyCount + 1,
      };
    case 'set back':
      return { ...totals, machines, ...addDamaged(totals, [outcome.problem]) };
    case 'done': {
      const { result } = outcome;
      const { cached, loaded, fresh } = totals.models;
      const { uniqueId, damaged } = result;
      const problems = damaged === null ? [] : [{ uniqueId, reason: damaged }];
      return {
        ...totals,
        machines,
        done: totals.done + 1,
        rows: totals.rows + result.rows,
        scored: scoredOf(totals) + scoredOf(result),
        anomalies: totals.anomalies + result.anomalies,
        events: totals.events + result.events,
        scoresWritten: totals.scoresWritten + result.scoresWritten,
        models: {
          cached: cached + (result.model === 'cached' ? 1 : 0),
          loaded: loaded + (result.model === 'not cached' ? 1 : 0),
          fresh: fresh + (result.model === 'cached' || result.model === 'not cached' ? 0 : 1),
        },
        ...addLate(totals, result),
        ...addDamaged(totals, problems),
        alerts: append(totals.alerts, result.alerts, LONGEST_LIST),
        plots: append(totals.plots, result.plot === null ? [] : [result.plot], LONGEST_LIST),
      };
    }
  }
}

/** Where it was not counted yet, every row was taken for a scored one. */
function scoredOf({ rows, scored = rows }: Pick<RunTotals, 'rows' | 'scored'>): number {
  return scored;
}

const MORE_WARNINGS = 'there are more warnings, left out here';

/** The result of all chunks so far, from that of those before and that of the newest. */
export function addChunk(earlier: RunResult | null, chunk: RunResult): RunResult {
  if (earlier === null) return chunk;
  const known = new Set(earlier.refused.map(({ uniqueId }) => uniqueId));
  const refusedNow = chunk.refused.filter(({ uniqueId }) => !known.has(uniqueId));
  const refused = append(earlier.refused, refusedNow, LONGEST_LIST);
  const warnings = [...new Set([...earlier.warnings, ...chunk.warnings])];
  const { cached, loaded, fresh } = earlier.models;
  return {
    ...chunk,
    window: { from: earlier.window.from, to: chunk.window.to },
    machines: Math.max(earlier.machines, chunk.machines),
    done: Math.max(earlier.done, chunk.done),
    rows: earlier.rows + chunk.rows,
    scored: scoredOf(earlier) + scoredOf(chunk),
    loadedRows: earlier.loadedRows + chunk.loadedRows,
    anomalies: earlier.anomalies + chunk.anomalies,
    events: earlier.events + chunk.events,
    scoresWritten: earlier.scoresWritten + chunk.scoresWritten,
    aggregatesWritten: earlier.aggregatesWritten + chunk.aggregatesWritten,
    models: {
      cached: cached + chunk.models.cached,
      loaded: loaded + chunk.models.loaded,
      fresh: fresh + chunk.models.fresh,
    },
    lateRows: earlier.lateRows + chunk.lateRows,
    lateMachines: Math.max(earlier.lateMachines, chunk.lateMachines),
    lateScored: (earlier.lateScored ?? 0) + (chunk.lateScored ?? 0),
    rescored: append(earlier.rescored, chunk.rescored, LONGEST_LIST),
    rescoredCount: earlier.rescoredCount + chunk.rescoredCount,
    notRescored: append(earlier.notRescored, chunk.notRescored, LONGEST_LIST),
    notRescoredCount: earlier.notRescoredCount + chunk.notRescoredCount,
    damaged: append(earlier.damaged, chunk.damaged, LONGEST_LIST),
    damagedCount: earlier.damagedCount + chunk.damagedCount,
    alerts: append(earlier.alerts, chunk.alerts, LONGEST_LIST),
    plots: append(earlier.plots, chunk.plots, LONGEST_LIST),
    refused,
    refusedCount: Math.max(earlier.refusedCount, chunk.refusedCount, refused.length),
    warnings: warnings.length > LONGEST_LIST ? [...warnings.slice(0, LONGEST_LIST - 1), MORE_WARNINGS] : warnings,
  };
}

type DamageTotals = Pick<RunTotals, 'damaged' | 'damagedCount'>;

function addDamaged({ damaged, damagedCount }: DamageTotals, problems: readonly MachineProblem[]): DamageTotals {
  return { damaged: append(damaged, problems, LONGEST_LIST), damagedCount: damagedCount + problems.length };
}

type LateTotals = Pick<
  RunTotals,
  'lateRows' | 'lateMachines' | 'lateScored' | 'rescored' | 'rescoredCount' | 'notRescored' | 'notRescoredCount'
>;

function addLate(totals: LateTotals, { uniqueId, late }: MachineResult): Partial<LateTotals> {
  if (late === null) return {};
  const { rescoredFrom, problem } = late;
  const rescored = rescoredFrom === null ? [] : [uniqueId];
  const notRescored = problem === null ? [] : [{ uniqueId, reason: problem }];
  return {
    lateRows: totals.lateRows + late.rows,
    lateMachines: totals.lateMachines + 1,
    lateScored: (totals.lateScored ?? 0) + (rescoredFrom === null ? (late.learned ?? 0) : late.rows),
    rescored: append(totals.rescored, rescored, LONGEST_LIST),
    rescoredCount: totals.rescoredCount + rescored.length,
    notRescored: append(totals.notRescored, notRescored, LONGEST_LIST),
    notRescoredCount: totals.notRescoredCount + notRescored.length,
  };
}

function append<T>(list: readonly T[], more: readonly T[], longest: number): readonly T[] {
  return [...list, ...more].slice(0, longest);
}
