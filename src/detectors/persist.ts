import type { PersistSettings } from '../contract/pipeline.js';
import type { ByteReader, ByteWriter } from './byte-codec.js';
import type { ColumnPlan, ColumnRule, Finding } from './column-detector.js';
import type { LearningOrder } from './detector.js';
import { type Side, SizeBound, scoreOfDifference } from './size-bound.js';
import { SortedWindow } from './sorted-window.js';

const MIDDLE = 0.5;

/**
 * A value that differs from the median (or mean) of the `window` values before it by more than such differences do. After
 * `PersistAD` of ADTK 0.6.2; the bound on differences comes from the last `memory` ones and not from a training series.
 * A row that is only scored still takes its place among the values before the next.
 */
export function persistPlan(settings: PersistSettings): ColumnPlan {
  return { settings, view: 'change', asksTime: false, createRule: () => new PersistRule(settings) };
}

class PersistRule implements ColumnRule {
  readonly #agg: PersistSettings['agg'];
  readonly #side: Side;
  readonly #before: SortedWindow;
  readonly #bound: SizeBound;

  constructor({ window, agg, c, side, memory }: PersistSettings) {
    this.#agg = agg;
    this.#side = side;
    this.#before = new SortedWindow(window);
    this.#bound = new SizeBound(c, memory);
  }

  get sizeBytes(): number {
    return this.#before.sizeBytes + this.#bound.sizeBytes;
  }

  take(value: number, _time: bigint | null, order: LearningOrder, finding: Finding): void {
    const before = this.#before;
    if (before.isFull) {
      const expected = this.#agg === 'median' ? before.quantile(MIDDLE) : meanOf(before);
      const difference = value - expected;
      if (order === 'learn_then_score') this.#bound.learn(Math.abs(difference));
      tellDifference(finding, expected, difference, this.#bound.limit(), this.#side);
      if (order === 'score_then_learn') this.#bound.learn(Math.abs(difference));
    }
    if (Number.isFinite(value)) before.push(value);
  }

  write(writer: ByteWriter): void {
    this.#before.write(writer);
    this.#bound.write(writer);
  }

  read(reader: ByteReader): void {
    this.#before.read(reader);
    this.#bound.read(reader);
  }
}

/** Notes what a difference from `expected` that may be `limit` large says; nothing while the limit is not known. */
export function tellDifference(
  finding: Finding,
  expected: number,
  difference: number,
  limit: number,
  side: Side,
): void {
  if (Number.isNaN(limit)) return;
  finding.score = scoreOfDifference(difference, limit, side);
  finding.isKnown = true;
  finding.expected = expected;
  if (side !== 'positive') finding.lower = expected - limit;
  if (side !== 'negative') finding.upper = expected + limit;
}

/** In the order the values came, so that equal windows have equal means bit for bit, and from the first, so that one value is its own mean. */
function meanOf(window: SortedWindow): number {
  const first = window.at(0);
  let mean = first;
  for (let i = 1; i < window.count; i++) mean += window.at(i) / window.count - first / window.count;
  return mean;
}
