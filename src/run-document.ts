import type { AlertOutcome } from './contract/machine-run.js';
import type { MachineProblem } from './contract/run-plan.js';
import type { RunResult } from './contract/run-result.js';
import { isoFromNanos } from './contract/time.js';

/** A run's result as `--json` prints it: snake_case keys, times as RFC 3339 in UTC, exact to the nanosecond. */
export function runDocument(result: RunResult): Record<string, unknown> {
  const { window, models } = result;
  return {
    pipeline: result.pipeline,
    window: { from: isoFromNanos(BigInt(window.from)), to: isoFromNanos(BigInt(window.to)) },
    chunks: result.chunks,
    machines: result.machines,
    done: result.done,
    rows_loaded: result.loadedRows,
    rows: result.rows,
    rows_scored: result.scored ?? result.rows,
    anomalies: result.anomalies,
    events: result.events,
    scores_written: result.scoresWritten,
    aggregates_written: result.aggregatesWritten,
    models: { cached: models.cached, loaded: models.loaded, fresh: models.fresh },
    late_rows: result.lateRows,
    late_machines: result.lateMachines,
    late_scored: result.lateScored ?? 0,
    rescored: result.rescored,
    rescored_count: result.rescoredCount,
    not_rescored: result.notRescored.map(problemDocument),
    not_rescored_count: result.notRescoredCount,
    damaged: result.damaged.map(problemDocument),
    damaged_count: result.damagedCount,
    alerts: result.alerts.map(alertDocument),
    plots: result.plots,
    failed: result.failed.map(problemDocument),
    failed_count: result.failedCount,
    refused: result.refused.map(problemDocument),
    refused_count: result.refusedCount,
    busy: result.busy.map(problemDocument),
    busy_count: result.busyCount,
    lagging: result.lagging,
    warnings: result.warnings,
    seconds: result.seconds,
    ...(result.skipped === undefined ? {} : { skipped: result.skipped }),
  };
}

function alertDocument({ uniqueId, event, kind, channel, status, ...more }: AlertOutcome): Record<string, unknown> {
  const { earlierEvents, reason } = more;
  const earlier = earlierEvents === undefined ? {} : { earlier_events: earlierEvents };
  return { unique_id: uniqueId, event, kind, channel, status, ...earlier, ...(reason === undefined ? {} : { reason }) };
}

function problemDocument({ uniqueId, reason }: MachineProblem): Record<string, unknown> {
  return { unique_id: uniqueId, reason };
}
