import { columnOfFeature, featureName } from '../contract/features.js';
import type { PipelineSettings } from '../contract/pipeline.js';
import type { Batch, Detector, DetectorOutput, LearningOrder } from '../detectors/detector.js';
import { UNTOLD_VIEWS } from '../detectors/per-column.js';
import { NO_VIEW } from '../verdict/judge.js';

/**
 * The same detector, whose explanations name value columns (indexes into `source.values`) in place of features. What it expects
 * of a feature that is made of a column says nothing in the column's own units and is left unknown; its name goes into the view.
 */
export class ColumnExplanations implements Detector {
  readonly views: readonly string[];
  readonly #detector: Detector;
  /** Of each feature its column; -1: none. */
  readonly #columns: readonly number[];
  readonly #isColumn: readonly boolean[];
  /** Views that each feature has; 0: views have no features in their names. */
  readonly #detectorViews: number;

  constructor(detector: Detector, { source, features }: Pick<PipelineSettings, 'source' | 'features'>) {
    this.#detector = detector;
    this.views = viewsOf(
      detector,
      features.map((feature) => (feature.kind === 'value' ? '' : featureName(feature))),
    );
    this.#detectorViews = this.views === detector.views ? 0 : detector.views.length;
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
      if (feature >= 0) explained.view[row] = feature * this.#detectorViews + Number(explained.view[row]);
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

/** Names of what a detector's explanations are about, by `view`; empty where there is nothing but values to speak of. */
export function namedViews(detector: Detector): readonly string[] {
  const { views } = detector;
  const isNamed = detector instanceof ColumnExplanations && views !== UNTOLD_VIEWS;
  return isNamed || views.length > 1 ? views : [];
}

/**
 * A name for each view of each feature, those of one feature together; '' where it is the value of a column. The detector's
 * own where these are too many to point at, or its views name no feature for sure.
 * @param derived of each feature its name; '' for one that is a column itself.
 */
function viewsOf({ views }: Detector, derived: readonly string[]): readonly string[] {
  if (views.length * derived.length > NO_VIEW || views === UNTOLD_VIEWS) return views;
  return derived.flatMap((name) =>
    views.map((view) => (views.length === 1 ? name : name === '' ? view : `${name} ${view}`)),
  );
}
