import type { AnomalyEvent } from './anomaly-event.js';
import type { ArtifactRef } from './artifact.js';
import type { MachineEntry, MachinePlan, RunIdentity } from './run-plan.js';
import type { Nanos } from './time.js';

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
  /** The source's rows that were learned. */
  readonly rows: number;
  /** Rows with a score: fewer than `rows` on a grid, and where rows hold no value. Absent in what began before it was counted. */
  readonly scored?: number;
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
  /** Events that were told and are none since late rows came; as many as one run tells. */
  readonly revised: readonly RevisedEvent[];
  /** Events that earlier runs could not tell; as many as one run tells. Absent: there are none. */
  readonly untold?: readonly ToldEvent[];
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

/** How one machine's child ended: done, or to be taken up again by the next run. */
export type MachineAnswer = MachineResult | SetBack;

export interface MachineResult {
  readonly kind: 'done';
  readonly uniqueId: string;
  readonly rows: number;
  /** As in {@link Detection}. */
  readonly scored?: number;
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
