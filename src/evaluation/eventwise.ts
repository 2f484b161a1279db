import { type PrecisionRecall, precisionRecall, shareOrNull } from './precision.js';

/** A stretch of time, nanoseconds since the epoch, both ends included. */
export interface Stretch {
  readonly first: bigint;
  readonly last: bigint;
}

/** How events compare with labelled stretches. */
export interface EventCounts {
  /** Events that touch a labelled stretch, and those that touch none. */
  readonly trueEvents: number;
  readonly falseEvents: number;
  /** Labelled stretches with an anomalous row inside, and those without one. */
  readonly found: number;
  readonly missed: number;
  /** Milliseconds from a stretch's begin to the first anomalous row in it, summed over those found. */
  readonly delayMs: number;
}

/** Precision is the share of the events that touch a labelled stretch, recall that of the stretches that were found. */
export interface EventRates extends PrecisionRecall {
  /** Milliseconds, over the stretches that were found; null where none was. */
  readonly meanDelayMs: number | null;
}

const NANOS_PER_MS = 1e6;

/** Counts one machine's events as its rows come, in the order of time. */
export class EventCounter {
  readonly #labels: readonly Stretch[];
  readonly #firstInside: (bigint | null)[];
  #trueEvents = 0;
  #falseEvents = 0;

  /** @param labels in any order; they may overlap. */
  constructor(labels: readonly Stretch[]) {
    this.#labels = labels;
    this.#firstInside = labels.map(() => null);
  }

  addAnomalous(time: bigint): void {
    this.#labels.forEach(({ first, last }, i) => {
      if (this.#firstInside[i] === null && time >= first && time <= last) this.#firstInside[i] = time;
    });
  }

  addEvent({ first, last }: Stretch): void {
    if (this.#labels.some((label) => label.first <= last && label.last >= first)) this.#trueEvents++;
    else this.#falseEvents++;
  }

  counts(): EventCounts {
    const delays = this.#firstInside.flatMap((time, i) => {
      const begin = this.#labels[i]?.first;
      return time === null || begin === undefined ? [] : [Number(time - begin) / NANOS_PER_MS];
    });
    return {
      trueEvents: this.#trueEvents,
      falseEvents: this.#falseEvents,
      found: delays.length,
      missed: this.#labels.length - delays.length,
      delayMs: delays.reduce((sum, delay) => sum + delay, 0),
    };
  }
}

/** The counts of several machines as if they were one. */
export function poolEvents(counts: readonly EventCounts[]): EventCounts {
  const sum = (key: keyof EventCounts) => counts.reduce((total, each) => total + each[key], 0);
  return {
    trueEvents: sum('trueEvents'),
    falseEvents: sum('falseEvents'),
    found: sum('found'),
    missed: sum('missed'),
    delayMs: sum('delayMs'),
  };
}

export function eventRatesOf({ trueEvents, falseEvents, found, missed, delayMs }: EventCounts): EventRates {
  return {
    ...precisionRecall(shareOrNull(trueEvents, trueEvents + falseEvents), shareOrNull(found, found + missed)),
    meanDelayMs: shareOrNull(delayMs, found),
  };
}
