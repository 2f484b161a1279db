import type { QuantileSettings } from '../contract/pipeline.js';
import type { ByteReader, ByteWriter } from './byte-codec.js';
import type { ColumnPlan, ColumnRule, Finding } from './column-detector.js';
import type { LearningOrder } from './detector.js';
import { scoreOfRatio } from './size-bound.js';
import { SortedWindow } from './sorted-window.js';

const MIDDLE = 0.5;

/**
 * Values beyond quantiles of the last `memory` values: 0.5 at the quantile, measured by its distance from the median. After
 * `QuantileAD` of ADTK 0.6.2, whose quantiles come from a training series and stay; these move on with the rows. Nothing
 * is scored until as many values are known as it takes for one to lie beyond a quantile.
 */
export function quantilePlan(settings: QuantileSettings): ColumnPlan {
  return { settings, view: 'value', asksTime: false, createRule: () => new QuantileRule(settings) };
}

/** Values of which one is expected beyond the outermost quantile. */
export function leastValues({ low, high }: Pick<QuantileSettings, 'low' | 'high'>): number {
  const tail = Math.min(low ?? 1, high === null ? 1 : 1 - high);
  return Math.ceil(1 / tail - 1e-9); // 1 - 0.99 is a little above 0.01, 1 - 0.999 a little below 0.001
}

class QuantileRule implements ColumnRule {
  readonly #low: number | null;
  readonly #high: number | null;
  readonly #least: number;
  readonly #values: SortedWindow;

  constructor(settings: QuantileSettings) {
    this.#low = settings.low;
    this.#high = settings.high;
    this.#least = Math.min(leastValues(settings), settings.memory);
    this.#values = new SortedWindow(settings.memory);
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
  }

  #judge(value: number, finding: Finding): void {
    const middle = this.#values.quantile(MIDDLE);
    finding.isKnown = true;
    finding.expected = middle;
    if (this.#low !== null) finding.lower = this.#values.quantile(this.#low);
    if (this.#high !== null) finding.upper = this.#values.quantile(this.#high);
    const bound = value < middle ? finding.lower : finding.upper;
    finding.score = scoreOfRatio(share(value, middle, bound));
  }

  #learn(value: number): void {
    if (Number.isFinite(value)) this.#values.push(value);
  }
}

/** How much of the way from `middle` to `bound` lies before `value`; each halved, so that no difference is endless. */
function share(value: number, middle: number, bound: number): number {
  return Math.abs(value / 2 - middle / 2) / Math.abs(bound / 2 - middle / 2);
}
