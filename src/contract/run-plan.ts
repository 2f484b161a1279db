import type { ArtifactRef } from './artifact.js';
import type { Nanos } from './time.js';

/** Rows with `from <= time < to`. */
export interface Window {
  readonly from: Nanos;
  readonly to: Nanos;
}

/** What a machine's steps need of the run's plan. It is part of each of their inputs, so it stays short. */
export interface MachinePlan {
  /** Names the settings, the scores' tag and what people read. */
  readonly pipeline: string;
  /** Names the state this run works on: progress, snapshots, children, records. The pipeline's name but in a backfill. */
  readonly scope: string;
  readonly mode: 'incremental' | 'replay';
  /** All that the run covers, from its first chunk to its last. */
  readonly span: Window;
  /** This chunk of it. */
  readonly window: Window;
  readonly chunk: ChunkNumber;
  /** `RunPlanDocument` as JSON. */
  readonly document: ArtifactRef;
  /** Store folder of the run's artifacts. */
  readonly folder: string;
  /** Whether an event is told when it is found, or only noted for a digest. */
  readonly events: 'told' | 'noted';
  /** Names of the channels that are told. */
  readonly channels: readonly string[];
  /** Whether the namespace has the search attributes; absent in plans from before there were any: no. */
  readonly isSearchable?: boolean;
}

/** The frozen decisions of a run: all that later steps need of settings. The settings themselves are in the artifact. */
export interface RunPlan extends MachinePlan {
  readonly laggards: number;
  /** Where aggregates are written; null, or absent in plans from before there were any: nowhere. */
  readonly aggregateTable?: string | null;
  /** Task queues of the workers that were there when the run began, sorted; none with fewer than two workers. */
  readonly homes: readonly string[];
  /** Children open at a time. */
  readonly machinesAtOnce: number;
  /** Machines after which the run continues as new, so that its history stays short. */
  readonly machinesPerExecution: number;
  readonly warnings: readonly string[];
}

/** What `planRun` says in place of a plan while the run must wait (`wait_for`). */
export interface RunWait {
  readonly kind: 'wait';
  /** In words, e.g. `rows of machine_data from 2026-01-31T12:00:00Z on`. */
  readonly missing: string;
  /** Milliseconds since the epoch: the wait ends then at the latest. */
  readonly untilMs: number;
  readonly nextLookMs: number;
  /** Looks after which the run continues as new, so that its history stays short. */
  readonly looksPerExecution: number;
}

/** What `planRun` says in place of a plan when the run has waited in vain and is to do nothing. */
export interface RunSkip {
  readonly kind: 'skip';
  readonly reason: string;
  /** Empty, where the pipeline stands. */
  readonly window: Window;
  readonly lagging: number;
}

/** Chunk `index` of `count`, from 1. */
export interface ChunkNumber {
  readonly index: number;
  readonly count: number;
}

/** Rows as they were loaded. */
export interface LoadedData {
  /** `LoadedParts` as JSON. */
  readonly manifest: ArtifactRef;
  /** Rows to learn; those read once more to look for late ones do not count. */
  readonly rows: number;
  readonly warnings: readonly string[];
}

export interface ShapedData {
  /** `MachineEntry[]` as JSON, in the order of unique_id. */
  readonly manifest: ArtifactRef;
  readonly machines: number;
  readonly rows: number;
  /** Machines that cannot be told apart or named; the first few, each with the reason. */
  readonly refused: readonly MachineProblem[];
  readonly refusedCount: number;
  /** `SeenZone` as JSON, for the next run; null where late rows are not looked for. */
  readonly seen: ArtifactRef | null;
  /** When each machine was last heard of, for the next run; absent where nobody asks for silent ones. */
  readonly heard?: ArtifactRef;
  readonly warnings: readonly string[];
}

/** Where one machine's slice is. */
export interface MachineEntry {
  readonly uniqueId: string;
  readonly ids: readonly string[];
  /** The machine's own window begins here; what its slice holds from before was looked at by earlier runs. */
  readonly from: Nanos;
  /** The slice holds every row of the machine from here on. */
  readonly covered: Nanos;
  /** Rows of its own window. */
  readonly rows: number;
  /** True when there may be a message about it whatever its rows say: one that earlier runs did not deliver, or a silence. */
  readonly owesAlert: boolean;
  /** Set while the machine is silent: it has had no rows since this one. */
  readonly silent?: { readonly since: Nanos; readonly isNew: boolean };
  /** A pack of slices and this one's place in it. */
  readonly pack: ArtifactRef;
  readonly offset: number;
  readonly bytes: number;
}

/** The run's workflow, for links. */
export interface RunIdentity {
  readonly workflowId: string;
  readonly runId: string;
}

export interface MachineProblem {
  readonly uniqueId: string;
  readonly reason: string;
}
