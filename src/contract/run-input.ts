import type { ArtifactRef } from './artifact.js';
import type { LoadedData, RunPlan, ShapedData, Window } from './run-plan.js';
import type { RunResult, RunTotals } from './run-result.js';
import type { Nanos } from './time.js';

/** What starts a run. */
export interface RunInput {
  readonly pipeline: string;
  /** The window ends here instead of now minus `settle`. */
  readonly until?: Nanos | undefined;
  /** Set only when a run continues itself as new. */
  readonly continued?: ContinuedRun | undefined;
}

/** What starts a backfill: rows of the past, learned by models of its own. */
export interface BackfillInput {
  readonly pipeline: string;
  readonly range: Window;
  /** `digest`: one message at the end. */
  readonly alerts: 'off' | 'digest';
  /** Scores that live runs have written may be replaced. */
  readonly overwrite: boolean;
  /** What an earlier backfill of this range has done is forgotten first. */
  readonly again: boolean;
  /** Set only when a backfill continues itself as new. */
  readonly continued?: ContinuedRun | undefined;
}

/** Carried through continue-as-new. */
export interface ContinuedRun {
  /** When its work began; while it waits for data, when it began to wait. */
  readonly startedAtMs: number;
  /** What the run covers in all: a backfill's range, else fixed by the first chunk. */
  readonly span: Window | undefined;
  /** What the chunks before gave; null in the first. */
  readonly earlier: RunResult | null;
  /** Homes where nobody answered; none of the machines still to come is sent there. */
  readonly deadHomes: readonly string[];
  /** The chunk under way; null between two. */
  readonly chunk: ChunkUnderWay | null;
}

export interface ChunkUnderWay {
  readonly plan: RunPlan;
  readonly loaded: LoadedData;
  readonly shaped: ShapedData;
  /** Machines that have had their child. */
  readonly offset: number;
  readonly totals: RunTotals;
  /** `Laggard[]` as JSON, one artifact a page that had any. */
  readonly laggards: readonly ArtifactRef[];
  /** Homes where nobody answered; none of the machines still to come is sent there. */
  readonly deadHomes: readonly string[];
}
