import type { PipelineSettings } from '../contract/pipeline.js';
import type { Slice } from '../contract/slice.js';
import { type EventCounts, poolEvents, type Stretch } from '../evaluation/eventwise.js';
import { type PointCounts, poolPoints } from '../evaluation/pointwise.js';
import { compareCodePoints } from '../shape/code-point-order.js';
import { type FleetLearning, fleetLearning } from './learning.js';
import { MachineBacktest, type MachineOutcome } from './machine-backtest.js';
import { type Span, TimeGrid } from './time-grid.js';
import { ValuePixels } from './value-pixels.js';

/** One set of settings that is tried. */
export interface Variant {
  readonly name: string;
  /** What differs from the settings file, as it was asked for; empty for the file's own. */
  readonly changes: readonly string[];
  readonly settings: PipelineSettings;
}

export interface BacktestInput {
  readonly pipeline: string;
  /** At least one; they read the same source. */
  readonly variants: readonly Variant[];
  /** What is drawn. */
  readonly span: Span;
  /** Labelled stretches by unique_id; null: there are no labels. */
  readonly labels: ReadonlyMap<string, readonly Stretch[]> | null;
}

/** One machine under every variant. */
export interface MachineResult {
  readonly uniqueId: string;
  readonly rows: number;
  readonly first: bigint;
  readonly last: bigint;
  readonly values: ValuePixels;
  /** In the order of the variants. */
  readonly outcomes: readonly MachineOutcome[];
  /** Null: there are no labels at all. */
  readonly labels: readonly Stretch[] | null;
}

/** All machines under one variant. */
export type Totals = Pick<
  MachineOutcome,
  'rows' | 'unscored' | 'anomalies' | 'causes' | 'events' | 'told' | 'points' | 'eventwise'
> &
  FleetLearning & {
    /** Machines with at least one event. */
    readonly eventful: number;
    /** What would have been sent: a message an event that is told and channel. */
    readonly messages: number;
  };

export interface BacktestResult extends BacktestInput {
  readonly grid: TimeGrid;
  /** By unique_id in code point order. */
  readonly machines: readonly MachineResult[];
  /** In the order of the variants. */
  readonly totals: readonly Totals[];
  readonly rows: number;
}

/** Pixel columns of a plot: what a screen shows, whatever the number of rows. */
const COLUMNS = 720;
/** Value columns that are drawn of each machine. */
export const SHOWN_COLUMNS = 3;

interface MachineState {
  rows: number;
  readonly first: bigint;
  last: bigint;
  readonly values: ValuePixels;
  readonly variants: readonly MachineBacktest[];
}

/** A pipeline's settings, and others beside them, over history: each with new models, all in one pass over the rows. */
export class Backtest {
  readonly grid: TimeGrid;
  readonly #input: BacktestInput;
  readonly #machines = new Map<string, MachineState>();
  #rows = 0;

  constructor(input: BacktestInput) {
    this.#input = input;
    this.grid = new TimeGrid(input.span, COLUMNS);
  }

  /** Takes the next rows of one machine, in steps; yields now and then, so that a caller can report and stop. */
  *add(slice: Slice): Generator<void, void> {
    if (slice.rows === 0) return;
    const first = slice.times[0] ?? 0n;
    let state = this.#machines.get(slice.uniqueId);
    if (state === undefined) {
      state = { rows: 0, first, last: first, values: this.#pixels(), variants: this.#variantsOf(slice) };
      this.#machines.set(slice.uniqueId, state);
    }
    state.values.add(slice);
    state.rows += slice.rows;
    state.last = slice.times[slice.rows - 1] ?? state.last;
    this.#rows += slice.rows;
    for (const variant of state.variants) {
      const steps = variant.add(slice);
      while (!steps.next().done) yield;
    }
  }

  /** After the last rows. */
  finish(): BacktestResult {
    const labels = this.#input.labels;
    const machines = [...this.#machines].map(([uniqueId, { rows, first, last, values, variants }]) => ({
      uniqueId,
      rows,
      first,
      last,
      values,
      outcomes: variants.map((variant) => variant.finish()),
      labels: labels === null ? null : (labels.get(uniqueId) ?? []),
    }));
    machines.sort((a, b) => compareCodePoints(a.uniqueId, b.uniqueId));
    const totals = this.#input.variants.map(({ settings }, i) =>
      totalsOf(
        machines.flatMap(({ outcomes }) => outcomes[i] ?? []),
        settings.alerts.length,
      ),
    );
    return { ...this.#input, grid: this.grid, machines, totals, rows: this.#rows };
  }

  #pixels(): ValuePixels {
    const columns = this.#input.variants[0]?.settings.source.values.length ?? 0;
    return new ValuePixels(this.grid, Math.min(columns, SHOWN_COLUMNS));
  }

  #variantsOf({ uniqueId, ids }: Slice): MachineBacktest[] {
    const { pipeline, variants, labels } = this.#input;
    const own = labels === null ? null : (labels.get(uniqueId) ?? []);
    const owner = { pipeline, uniqueId, ids };
    return variants.map(({ settings }) => new MachineBacktest({ owner, settings, grid: this.grid, labels: own }));
  }
}

function totalsOf(outcomes: readonly MachineOutcome[], channels: number): Totals {
  const sum = (of: (outcome: MachineOutcome) => number) => outcomes.reduce((total, each) => total + of(each), 0);
  const told = sum((outcome) => outcome.told);
  return {
    rows: sum((outcome) => outcome.rows),
    unscored: sum((outcome) => outcome.unscored),
    anomalies: sum((outcome) => outcome.anomalies),
    ...fleetLearning(outcomes),
    causes: {
      score: sum(({ causes }) => causes.score),
      range: sum(({ causes }) => causes.range),
      stuck: sum(({ causes }) => causes.stuck),
    },
    events: sum((outcome) => outcome.events),
    told,
    eventful: outcomes.filter((outcome) => outcome.events > 0).length,
    messages: told * channels,
    points: pooled<PointCounts>(outcomes, (outcome) => outcome.points, poolPoints),
    eventwise: pooled<EventCounts>(outcomes, (outcome) => outcome.eventwise, poolEvents),
  };
}

/** Null where there are no labels. */
function pooled<T>(
  outcomes: readonly MachineOutcome[],
  of: (outcome: MachineOutcome) => T | null,
  pool: (counts: readonly T[]) => T,
): T | null {
  const counts = outcomes.map(of).filter((each) => each !== null);
  return counts.length === 0 ? null : pool(counts);
}
