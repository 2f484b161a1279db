import { columnOfFeature } from '../contract/features.js';
import type { PipelineSettings } from '../contract/pipeline.js';
import type { Batch, Detector, DetectorOutput, LearningOrder } from '../detectors/detector.js';

/**
 * The same detector, whose explanations name value columns (indexes into `source.values`) in place of features. What it expects
 * of a feature that is made of a column says nothing in the column's own units and is left unknown.
 */
export class ColumnExplanations implements Detector {
  readonly views: readonly string[];
  readonly #detector: Detector;
  /** Of each feature its column; -1: none. */
  readonly #columns: readonly number[];
  readonly #isColumn: readonly boolean[];

  constructor(detector: Detector, { source, features }: Pick<PipelineSettings, 'source' | 'features'>) {
    this.#detector = detector;
    this.views = detector.views;
    this.#columns = features.map((feature) => source.values.indexOf(columnOfFeature(feature) ?? ''));
    this.#isColumn = features.map(({ kind }) => kind === 'value');
  }

  get rows(): number {
    return this.#detector.rows;
  }

  get sizeBytes(): number {
    return this.#detector.sizeBytes;
  }

  process(batch: Batch, from: number, to: number, order: LearningOrder, out: DetectorOutput): void {
    this.#detector.process(batch, from, to, order, out);
    const { explained } = out;
    if (explained === null) return;
    for (let row = from; row < to; row++) {
      const feature = explained.feature[row] ?? -1;
      explained.feature[row] = this.#columns[feature] ?? -1;
      if (this.#isColumn[feature] === true) continue;
      explained.expected[row] = Number.NaN;
      explained.lower[row] = Number.NaN;
      explained.upper[row] = Number.NaN;
    }
  }

  toBytes(): Uint8Array {
    return this.#detector.toBytes();
  }
}
