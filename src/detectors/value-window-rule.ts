import type { ByteReader, ByteWriter } from './byte-codec.js';
import type { ColumnRule, Finding } from './column-detector.js';
import type { LearningOrder } from './detector.js';
import { SortedWindow } from './sorted-window.js';

/** How a value is judged by the column's last ones. */
export interface ValueWindowPlan {
  /** Values held. */
  readonly capacity: number;
  /** Values that must be known before one is judged by them. */
  readonly least: number;
  /** Values are learned as if they were no further than this from 0. */
  readonly largest: number;
  /** Fills in the finding; `values` holds at least `least` numbers. */
  judge(value: number, values: SortedWindow, finding: Finding): void;
}

/** The state of a column whose values are judged by the last finite ones before, or with, them. */
export class ValueWindowRule implements ColumnRule {
  readonly #plan: ValueWindowPlan;
  readonly #values: SortedWindow;

  constructor(plan: ValueWindowPlan) {
    this.#plan = plan;
    this.#values = new SortedWindow(plan.capacity);
  }

  get sizeBytes(): number {
    return this.#values.sizeBytes;
  }

  take(value: number, _time: bigint | null, order: LearningOrder, finding: Finding): void {
    if (order === 'learn_then_score') this.#learn(value);
    if (this.#values.count >= this.#plan.least) {
      finding.isKnown = true;
      this.#plan.judge(value, this.#values, finding);
    }
    if (order === 'score_then_learn') this.#learn(value);
  }

  write(writer: ByteWriter): void {
    this.#values.write(writer);
  }

  read(reader: ByteReader): void {
    this.#values.read(reader);
  }

  #learn(value: number): void {
    const { largest } = this.#plan;
    if (Number.isFinite(value)) this.#values.push(Math.min(Math.max(value, -largest), largest));
  }
}
