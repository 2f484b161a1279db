import type { AnomalyEvent } from './anomaly-event.js';
import type { ArtifactRef } from './artifact.js';
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
  /** True when there is a message about it whatever its rows say: one an earlier run could not deliver, or a silence. */
  readonly owesAlert: boolean;
  /** Set while the machine is silent: it has had no rows since this one. */
  readonly silent?: { readonly since: Nanos; readonly isNew: boolean };
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
  /** Set when newer snapshots cannot be used and the machine goes on without them. */
  readonly passedOver?: PassedOver;
  /** Set once late rows have been dealt with: the base is the model from before them, or why it could not be. */
  readonly late?: LateRows;
}

/** Snapshots that cannot be used. */
export interface PassedOver {
  /** Their names, newest first. */
  readonly names: readonly string[];
  /** What is wrong with the newest. */
  readonly reason: string;
}

/** The answer where a machine must go on from an earlier model and the rows since are not at hand: the next run loads them. */
export interface SetBack {
  readonly kind: 'set back';
  /** What is wrong with the newest snapshot. */
  readonly reason: string;
  /** Rows from here on are to be learned again. */
  readonly from: Nanos;
}

/** Rows of a machine that came after their window was read. */
export interface LateRows {
  /** At least this many. */
  readonly rows: number;
  /** No late row is before this. */
  readonly first: Nanos;
  /** The model learned again from here on, and these rows with the others; null: they were only counted. */
  readonly rescoredFrom: Nanos | null;
  /** Why they could not be learned although they should have been. */
  readonly problem: string | null;
  /** Of rows that were not learned again, those that the model had not passed yet: learned with the others. Absent: none. */
  readonly learned?: number;
}

/** The answer of a detection that must begin again at an earlier model; nothing was staged. */
export interface RollBack {
  readonly kind: 'roll back';
  /** The late rows: at least this many, none before `first`. */
  readonly rows: number;
  readonly first: Nanos;
  /** Start of the first stretch with late rows: the earlier model has learned no row that comes after one of them. */
  readonly before: Nanos;
}

export interface Detection {
  readonly kind: 'detection';
  /** A table: time, score, verdict, what was expected, and the value columns. */
  readonly scores: ArtifactRef;
  /** `WindowEvents` as JSON; null when no row is anomalous and no event is open. */
  readonly events: ArtifactRef | null;
  /** The next snapshot, staged; null in replay mode. */
  readonly snapshot: StagedSnapshot | null;
  /** Published before `snapshot`: the model as it is where late rows may come next, so that there is one to go back to. */
  readonly checkpoint: StagedSnapshot | null;
  /** Null when no row came late. */
  readonly late: LateRows | null;
  readonly rows: number;
  readonly trimmed: number;
  readonly anomalies: number;
}

export interface StagedSnapshot {
  readonly name: string;
  readonly bytes: ArtifactRef;
}

/** Events worth a plot and a message. */
export interface CheckedAnomalies {
  /** The one to tell. */
  readonly latest: AnomalyEvent | null;
  /** Events with rows that were learned now, apart from those that an earlier chunk of the run has counted. */
  readonly events: number;
  /** Channels that have not been told of `latest` yet. */
  readonly channels: readonly string[];
  /** True when `latest` began before this run's window and came to light with late rows. */
  readonly isFoundLate: boolean;
  /** Events that were told and are none since late rows came; the oldest few. */
  readonly revised: readonly RevisedEvent[];
  /** Absent while the machine is not silent. */
  readonly silence?: ToldEvent;
  /** True when there is something new to look at. */
  readonly isPlotted: boolean;
}

/** An event, and the channels that have not been told of it. */
export interface ToldEvent {
  readonly event: AnomalyEvent;
  readonly channels: readonly string[];
}

export interface RevisedEvent {
  readonly event: AnomalyEvent;
  /** Channels that were told of the event and not yet of this. */
  readonly channels: readonly string[];
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
  /** What was to be told. */
  readonly kind: 'event' | 'revised';
  readonly status: 'delivered' | 'logged' | 'failed';
  /** How many events before it the message speaks of; absent: none. */
  readonly earlierEvents?: number;
  readonly reason?: string;
}

export interface WriteResult {
  readonly scoresWritten: number;
  readonly published: boolean;
}

/** What became of a run's aggregates. */
export interface AggregateOutcome {
  /** Points, one a machine and bucket. */
  readonly written: number;
  /** True when they could not be written: the next run begins with them. */
  readonly isOwed: boolean;
  readonly warnings: readonly string[];
}

export interface MachineProblem {
  readonly uniqueId: string;
  readonly reason: string;
}

/** How one machine's child ended: done, or to be taken up again by the next run. */
export type MachineAnswer = MachineResult | SetBack;

export interface MachineResult {
  readonly kind: 'done';
  readonly uniqueId: string;
  readonly rows: number;
  readonly anomalies: number;
  readonly events: number;
  readonly scoresWritten: number;
  readonly model: ModelGate['why'];
  readonly late: LateRows | null;
  /** Why newer snapshots were passed over; null when none was. */
  readonly damaged: string | null;
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
  /** Of this execution, its chunk under way included. */
  readonly rows: number;
  readonly anomalies: number;
}
