import type { AlertOutcome } from './machine-run.js';
import type { ChunkNumber, MachineProblem, Window } from './run-plan.js';
import type { Nanos } from './time.js';

/** What became of a run's aggregates. */
export interface AggregateOutcome {
  /** Points, one a machine and bucket. */
  readonly written: number;
  /** True when they could not be written: the next run begins with them. */
  readonly isOwed: boolean;
  readonly warnings: readonly string[];
}

export interface RunTotals {
  readonly machines: number;
  readonly done: number;
  /** The source's. */
  readonly rows: number;
  /** Rows with a score; absent in runs that began before they were counted, which took every row for one. */
  readonly scored?: number;
  readonly anomalies: number;
  readonly events: number;
  readonly scoresWritten: number;
  readonly models: { readonly cached: number; readonly loaded: number; readonly fresh: number };
  /** Rows that came after their window was read, and the machines they are of. */
  readonly lateRows: number;
  readonly lateMachines: number;
  /** Of those rows, the ones that have a score now; absent in runs that began before they were counted. */
  readonly lateScored?: number;
  /** Machines that learned again from before their late rows. */
  readonly rescoredCount: number;
  /** The first few of each; the counts are whole. */
  readonly rescored: readonly string[];
  /** Machines that should have, each with the reason. */
  readonly notRescored: readonly MachineProblem[];
  readonly notRescoredCount: number;
  /** Machines whose newest snapshot cannot be used, each with the reason and how it goes on. */
  readonly damaged: readonly MachineProblem[];
  readonly damagedCount: number;
  readonly alerts: readonly AlertOutcome[];
  readonly plots: readonly string[];
  readonly failed: readonly MachineProblem[];
  readonly failedCount: number;
  readonly busy: readonly MachineProblem[];
  readonly busyCount: number;
}

/**
 * What a run says at its end, over all its chunks: rows, events, scores and models are added up; `machines` and `done` are
 * those of the chunk with the most; failed, busy and lagging machines are those of the last, which tried the earlier ones'
 * again.
 */
export interface RunResult extends RunTotals {
  readonly pipeline: string;
  readonly window: Window;
  readonly chunks: number;
  readonly loadedRows: number;
  readonly aggregatesWritten: number;
  readonly lagging: number;
  readonly refused: readonly MachineProblem[];
  readonly refusedCount: number;
  readonly warnings: readonly string[];
  readonly seconds: number;
  /** Why the run did nothing (`wait_for`); absent when it went on. */
  readonly skipped?: string;
}

/** What a backfill says at its end; the totals are those of this execution, which may have resumed an earlier one. */
export interface BackfillResult extends RunResult {
  readonly range: Window;
  /** It was finished before: nothing was done now. */
  readonly wasFinished: boolean;
  readonly digest: readonly DigestOutcome[];
}

export interface DigestOutcome {
  readonly channel: string;
  readonly status: 'delivered' | 'logged' | 'failed';
  readonly reason?: string;
}

/** How far a backfill is; what its query answers. */
export interface BackfillProgress {
  readonly range: Window;
  /** Everything before this is done. */
  readonly done: Nanos;
  /** Null before the first chunk is planned. */
  readonly chunk: ChunkNumber | null;
  /** How far the chunk is; absent before its rows are read. */
  readonly underWay?: { readonly to: Nanos; readonly machines: number; readonly ofMachines: number };
  /** Of this execution, its chunk under way included. */
  readonly rows: number;
  readonly anomalies: number;
}
