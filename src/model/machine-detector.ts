import { columnOfFeature, featureNames } from '../contract/features.js';
import type { PipelineSettings } from '../contract/pipeline.js';
import type { Detector } from '../detectors/detector.js';
import { type ColumnGroup, PerColumn } from '../detectors/per-column.js';
import { createDetector, detectorFromBytes } from '../detectors/registry.js';
import { ColumnExplanations } from './column-explanations.js';

type DetectorChoice = Pick<PipelineSettings, 'source' | 'features' | 'detector' | 'model'>;

/**
 * A new detector of a pipeline's features, one over all or one a value column, whose explanations name value columns. Throws as
 * {@link createDetector}.
 */
export function createMachineDetector(settings: DetectorChoice): Detector {
  const { detector, model } = settings;
  const names = featureNames(settings);
  return explaining(
    model === 'joint' ? createDetector(detector, names) : new PerColumn(detector, names, groupsOf(settings)),
    settings,
  );
}

/** The detector that `toBytes` was called on. Throws as {@link detectorFromBytes}. */
export function machineDetectorFromBytes(settings: DetectorChoice, bytes: Uint8Array): Detector {
  const { detector, model } = settings;
  const names = featureNames(settings);
  return explaining(
    model === 'joint'
      ? detectorFromBytes(detector, names, bytes)
      : PerColumn.fromBytes(detector, names, groupsOf(settings), bytes),
    settings,
  );
}

/** Where features are not the value columns in their order, explanations speak of columns all the same. */
function explaining(detector: Detector, settings: DetectorChoice): Detector {
  const { values } = settings.source;
  const isPlain = featureNames(settings).every((name, i) => name === values[i]);
  return isPlain ? detector : new ColumnExplanations(detector, settings);
}

/** A column's own features and the calendar's; a column without features has no model. */
function groupsOf({ source, features }: DetectorChoice): ColumnGroup[] {
  const indexesOf = (column: string | null): number[] =>
    features.flatMap((feature, index) => (columnOfFeature(feature) === column ? [index] : []));
  const calendar = indexesOf(null);
  return source.values.flatMap((column) => {
    const own = indexesOf(column);
    return own.length === 0 ? [] : [{ features: [...own, ...calendar], own: own.length }];
  });
}
