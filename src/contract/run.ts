import type { AnomalyEvent } from './anomaly-event.js';
import type { ArtifactRef } from './artifact.js';
import type { Nanos } from './time.js';

/** What starts a run. */
export interface RunInput {
  readonly pipeline: string;
  /** The window ends here instead of now minus `settle`. */
  readonly until?: Nanos | undefined;
  /** Set only when a run continues itself as new. */
  readonly continued?: ContinuedRun;
}

/** Rows with `from <= time < to`. */
export interface Window {
  readonly from: Nanos;
  readonly to: Nanos;
}

/** What a machine's steps need of the run's plan. It is part of each of their inputs, so it stays short. */
export interface MachinePlan {
  readonly pipeline: string;
  readonly mode: 'incremental' | 'replay';
  readonly window: Window;
  /** `RunPlanDocument` as JSON. */
  readonly document: ArtifactRef;
  /** Store folder of the run's artifacts. */
  readonly folder: string;
  /** Channel names. */
  readonly channels: readonly string[];
}

/** The frozen decisions of a run: all that later steps need of settings. The settings themselves are in the artifact. */
export interface RunPlan extends MachinePlan {
  readonly laggards: number;
  /** Task queues of the workers that were there when the run began, sorted; none with fewer than two workers. */
  readonly homes: readonly string[];
  /** Children open at a time. */
  readonly machinesAtOnce: number;
  /** Machines after which the run continues as new, so that its history stays short. */
  readonly machinesPerExecution: number;
  readonly warnings: readonly string[];
}

/** Rows as they were loaded; `parts` are tables in order. */
export interface LoadedData {
  readonly manifest: ArtifactRef;
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
  readonly warnings: readonly string[];
}

/** Where one machine's slice is. */
export interface MachineEntry {
  readonly uniqueId: string;
  readonly ids: readonly string[];
  readonly rows: number;
  /** A pack of slices and this one's place in it. */
  readonly pack: ArtifactRef;
  readonly offset: number;
  readonly bytes: number;
}

export interface MachineInput {
  readonly plan: MachinePlan;
  readonly machine: MachineEntry;
  readonly run: RunIdentity;
}

/** What a machine's child starts with. */
export interface MachineChildInput extends MachineInput {
  /** Task queue of the worker that holds the machine's model, if any does; null: the shared queue. */
  readonly home: string | null;
}

/** The run's workflow, for links. */
export interface RunIdentity {
  readonly workflowId: string;
  readonly runId: string;
}

/** What the gate says. */
export interface ModelGate {
  /** Name of the newest snapshot; null: the machine starts with a new model. */
  readonly base: string | null;
  /** True when the base need not be read from the store: it is in this worker's memory, or there is none. */
  readonly cached: boolean;
  /** The token that fences this attempt. */
  readonly token: number;
  /** Rows at or before this are learned already; null: none. */
  readonly watermark: Nanos | null;
  readonly why: 'cached' | 'not cached' | 'no snapshot' | 'settings changed' | 'replay';
}

export interface Detection {
  /** A table: time, score, is_anomaly and the value columns. */
  readonly scores: ArtifactRef;
  /** `WindowEvents` as JSON; null when no row is anomalous and no event is open. */
  readonly events: ArtifactRef | null;
  /** The next snapshot, staged; null in replay mode. */
  readonly snapshot: { readonly name: string; readonly bytes: ArtifactRef } | null;
  readonly rows: number;
  readonly trimmed: number;
  readonly anomalies: number;
}

/** Events worth a plot and a message; `latest` is the one to tell, `others` counts those that came before it in this window. */
export interface CheckedAnomalies {
  readonly latest: AnomalyEvent | null;
  readonly events: number;
  /** Channels that have not been told of `latest` yet. */
  readonly channels: readonly string[];
  /** True when there is something new to look at. */
  readonly isPlotted: boolean;
}

export interface PlotResult {
  readonly key: string;
  /** Public address, when one is configured. */
  readonly url: string | null;
  /** Where it is in the store: a file's path, or `s3://bucket/…`. */
  readonly path: string;
}

export interface AlertOutcome {
  readonly uniqueId: string;
  readonly event: string;
  readonly channel: string;
  readonly status: 'delivered' | 'logged' | 'failed';
  readonly reason?: string;
}

export interface WriteResult {
  readonly scoresWritten: number;
  readonly published: boolean;
}

export interface MachineProblem {
  readonly uniqueId: string;
  readonly reason: string;
}

/** How one machine's child ended. */
export interface MachineResult {
  readonly uniqueId: string;
  readonly rows: number;
  readonly anomalies: number;
  readonly events: number;
  readonly scoresWritten: number;
  readonly model: ModelGate['why'];
  readonly plot: string | null;
  readonly alerts: readonly AlertOutcome[];
  /** The machine's home when nobody answered there; its steps were done by other workers. */
  readonly deadHome: string | null;
}

export interface RunTotals {
  readonly machines: number;
  readonly done: number;
  readonly rows: number;
  readonly anomalies: number;
  readonly events: number;
  readonly scoresWritten: number;
  readonly models: { readonly cached: number; readonly loaded: number; readonly fresh: number };
  /** The first few of each; the counts are whole. */
  readonly alerts: readonly AlertOutcome[];
  readonly plots: readonly string[];
  readonly failed: readonly MachineProblem[];
  readonly failedCount: number;
  readonly busy: readonly MachineProblem[];
  readonly busyCount: number;
}

/** Carried through continue-as-new. */
export interface ContinuedRun {
  readonly plan: RunPlan;
  readonly loaded: LoadedData;
  readonly shaped: ShapedData;
  readonly offset: number;
  readonly totals: RunTotals;
  /** `Laggard[]` as JSON, one artifact a page that had any. */
  readonly laggards: readonly ArtifactRef[];
  /** Homes where nobody answered; none of the machines still to come is sent there. */
  readonly deadHomes: readonly string[];
  readonly startedAtMs: number;
}

/** What a run says at its end. */
export interface RunResult extends RunTotals {
  readonly pipeline: string;
  readonly window: Window;
  readonly loadedRows: number;
  readonly lagging: number;
  readonly refused: readonly MachineProblem[];
  readonly refusedCount: number;
  readonly warnings: readonly string[];
  readonly seconds: number;
}
