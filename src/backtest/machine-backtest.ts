import type { AnomalyEvent } from '../contract/anomaly-event.js';
import type { PipelineSettings } from '../contract/pipeline.js';
import type { Slice } from '../contract/slice.js';
import { EventCounter, type EventCounts, type Stretch } from '../evaluation/eventwise.js';
import { countPoints, type PointCounts, poolPoints } from '../evaluation/pointwise.js';
import { createModel, type Model, type ScoredSlice, scoreInSteps } from '../model/model.js';
import { eventToJson } from '../verdict/event-json.js';
import type { TrackedEvent } from '../verdict/event-tracker.js';
import { CAUSES, NO_VIEW } from '../verdict/judge.js';
import { type EventOwner, toldEvent } from '../verdict/told-event.js';
import { type Learning, LearningWatch } from './learning.js';
import type { TimeGrid } from './time-grid.js';

/** Events of one machine that are kept whole; of a machine that has more, the first. */
export const EVENTS_KEPT = 100;

/** What one machine's rows came to under one set of settings. */
export interface MachineOutcome extends Learning {
  /** The source's rows; on a grid of time (`resample`) those of the grid, the filled ones too. */
  readonly rows: number;
  /** Rows without any value: neither scored nor learned. */
  readonly unscored: number;
  readonly anomalies: number;
  /** Anomalous rows by cause. */
  readonly causes: Readonly<Record<'score' | 'range' | 'stuck', number>>;
  readonly events: number;
  /** Events that people would have been told of: all but those that `repeat_after` leaves out. */
  readonly told: number;
  /** The first {@link EVENTS_KEPT} events, oldest first, and which of them are told. */
  readonly kept: readonly { readonly event: AnomalyEvent; readonly isTold: boolean }[];
  /** Highest score a pixel column; NaN where no row was scored. */
  readonly scores: Float64Array;
  /** 1 for pixel columns with an anomalous row. */
  readonly anomalous: Uint8Array;
  /** Of rows that were scored; null without labels. */
  readonly points: PointCounts | null;
  readonly eventwise: EventCounts | null;
}

export interface MachineBacktestOptions {
  readonly owner: Omit<EventOwner, 'scope'>;
  readonly settings: PipelineSettings;
  readonly grid: TimeGrid;
  /** The machine's labelled stretches; null where there are no labels at all. */
  readonly labels: readonly Stretch[] | null;
}

/** A new model that is given one machine's history, slice by slice, and what comes of it; nothing is written or sent. */
export class MachineBacktest {
  /** As a live model would be after the same rows. */
  readonly model: Model;
  readonly #options: MachineBacktestOptions;
  readonly #owner: EventOwner;
  readonly #scores: Float64Array;
  readonly #anomalous: Uint8Array;
  readonly #causes = { score: 0, range: 0, stuck: 0 };
  readonly #kept: MachineOutcome['kept'][number][] = [];
  readonly #counter: EventCounter | null;
  readonly #learning: LearningWatch;
  #points = poolPoints([]);
  #rows = 0;
  #unscored = 0;
  #anomalies = 0;
  #events = 0;
  #told = 0;

  constructor(options: MachineBacktestOptions) {
    this.#options = options;
    this.#owner = { ...options.owner, scope: options.owner.pipeline };
    this.model = createModel(options.settings);
    this.#scores = new Float64Array(options.grid.columns).fill(Number.NaN);
    this.#anomalous = new Uint8Array(options.grid.columns);
    this.#learning = new LearningWatch(options.settings, options.owner.uniqueId);
    this.#counter = options.labels === null ? null : new EventCounter(options.labels);
  }

  /** Scores and learns rows that come after all before them, in steps: yields the rows done so far, gives what was found. */
  *add(slice: Slice): Generator<number, ScoredSlice> {
    const scored = yield* scoreInSteps(this.model, slice, this.#options.settings);
    this.#rows += scored.slice.rows;
    this.#unscored += scored.unscored;
    this.#anomalies += scored.anomalies;
    this.#note(scored);
    for (const event of scored.closed) this.#keep(event, false);
    return scored;
  }

  /** After the last slice; an event that may go on counts too. */
  finish(): MachineOutcome {
    const { openEvent } = this.model;
    if (openEvent !== null) this.#keep(openEvent, true);
    return {
      rows: this.#rows,
      unscored: this.#unscored,
      anomalies: this.#anomalies,
      causes: this.#causes,
      learning: this.#learning.learning,
      scoredFrom: this.#learning.scoredFrom,
      events: this.#events,
      told: this.#told,
      kept: this.#kept,
      scores: this.#scores,
      anomalous: this.#anomalous,
      points: this.#counter === null ? null : this.#points,
      eventwise: this.#counter?.counts() ?? null,
    };
  }

  #note({ slice: { times }, scores, causes, explained }: ScoredSlice): void {
    const { grid, labels } = this.#options;
    const called = new Uint8Array(scores.length);
    const meant = new Uint8Array(scores.length);
    let scoredRows = 0;
    for (let row = 0; row < scores.length; row++) {
      const score = scores[row] ?? Number.NaN;
      if (Number.isNaN(score)) continue;
      const time = times[row] ?? 0n;
      this.#learning.see(time, score, explained.view[row] !== NO_VIEW);
      const at = grid.columnOf(time);
      if (!(score <= Number(this.#scores[at]))) this.#scores[at] = score;
      const cause = CAUSES[causes[row] ?? 0] ?? null;
      if (cause !== null) {
        this.#causes[cause]++;
        this.#anomalous[at] = 1;
        this.#counter?.addAnomalous(time);
      }
      called[scoredRows] = cause === null ? 0 : 1;
      meant[scoredRows] = labels?.some(({ first, last }) => time >= first && time <= last) ? 1 : 0;
      scoredRows++;
    }
    if (labels === null) return;
    const counts = countPoints(called.subarray(0, scoredRows), meant.subarray(0, scoredRows));
    this.#points = poolPoints([this.#points, counts]);
  }

  #keep(event: TrackedEvent, isOpen: boolean): void {
    this.#events++;
    if (!event.isRepeat) this.#told++;
    this.#counter?.addEvent(event);
    if (this.#kept.length >= EVENTS_KEPT) return;
    const told = toldEvent(eventToJson(event), isOpen, this.#owner, this.#options.settings);
    this.#kept.push({ event: told, isTold: !event.isRepeat });
  }
}
