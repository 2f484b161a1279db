import type { RobustZscoreSettings } from '../contract/pipeline.js';
import type { ByteReader, ByteWriter } from './byte-codec.js';
import type { ColumnPlan, ColumnRule, Finding } from './column-detector.js';
import type { LearningOrder } from './detector.js';
import { scoreOfRatio } from './size-bound.js';
import { SortedWindow } from './sorted-window.js';

const LEAST_VALUES = 100; // known before anything is judged by them; the spread is then known to about a tenth
const NORMAL_MEDIAN = 0.6744897501960817; // median of a standard normal variable's size
const TAIL_SHARE = 0.9;
const NORMAL_TAIL = 1.6448536269514722; // what nine in ten of such sizes are below
const LARGEST = Number.MAX_VALUE / 4; // values are learned within this, so that no difference is endless

/**
 * How far a value is from the median of the last `window` ones, in standard deviations that come from their median absolute
 * deviation: 0.5 at `limit`. The modified z-score of Iglewicz and Hoaglin, "How to Detect and Handle Outliers" (ASQC, 1993),
 * who propose 3.5. Up to half of the window may be anomalous without much effect. Where more than half of the values
 * are one and the same, the deviation that nine in ten keep takes its place; where that is 0 too, any other value scores 1.
 */
export function robustZscorePlan(settings: RobustZscoreSettings): ColumnPlan {
  return { settings, view: 'value', asksTime: false, createRule: () => new RobustZscoreRule(settings) };
}

class RobustZscoreRule implements ColumnRule {
  readonly #limit: number;
  readonly #least: number;
  readonly #values: SortedWindow;
  /** Of the values in the window; the width is where the limit lies on either side. */
  #median = Number.NaN;
  #width = Number.NaN;

  constructor({ window, limit }: RobustZscoreSettings) {
    this.#limit = limit;
    this.#least = Math.min(LEAST_VALUES, window);
    this.#values = new SortedWindow(window);
  }

  get sizeBytes(): number {
    return this.#values.sizeBytes;
  }

  take(value: number, _time: bigint | null, order: LearningOrder, finding: Finding): void {
    if (order === 'learn_then_score') this.#learn(value);
    if (this.#values.count >= this.#least) this.#judge(value, finding);
    if (order === 'score_then_learn') this.#learn(value);
  }

  write(writer: ByteWriter): void {
    this.#values.write(writer);
  }

  read(reader: ByteReader): void {
    this.#values.read(reader);
    this.#measure();
  }

  #judge(value: number, finding: Finding): void {
    finding.isKnown = true;
    finding.expected = this.#median;
    finding.lower = this.#median - this.#width;
    finding.upper = this.#median + this.#width;
    const away = Math.abs(value - this.#median);
    finding.score = away === 0 ? 0 : scoreOfRatio(away / this.#width);
  }

  #learn(value: number): void {
    if (!Number.isFinite(value)) return;
    this.#values.push(Math.min(Math.max(value, -LARGEST), LARGEST));
    this.#measure();
  }

  #measure(): void {
    if (this.#values.count < this.#least) return;
    const deviation = this.#values.medianDeviation() / NORMAL_MEDIAN;
    this.#median = this.#values.quantile(0.5);
    this.#width = this.#limit * (deviation === 0 ? this.#values.deviationOf(TAIL_SHARE) / NORMAL_TAIL : deviation);
  }
}
