import { HalfspaceError } from '../contract/failures.js';
import type { DetectorSettings } from '../contract/pipeline.js';
import { ColumnDetector } from './column-detector.js';
import { columnPlan } from './column-plans.js';
import type { Detector } from './detector.js';
import { DriftGate } from './drift-gate.js';
import { HalfSpaceTrees } from './half-space-trees.js';
import { createModuleDetector, moduleDetectorFromBytes } from './module-detector.js';
import { Novelty } from './novelty.js';
import { Vote } from './vote.js';

/** A new detector over `features`, the columns of the batches to come. Throws BadSettings for settings out of range. */
export function createDetector(settings: DetectorSettings, features: readonly string[]): Detector {
  switch (settings.kind) {
    case 'half_space_trees':
      return new HalfSpaceTrees(settings, features);
    case 'drift_gate':
      return new DriftGate(settings, features);
    case 'novelty':
      return new Novelty(settings, features);
    case 'threshold':
    case 'quantile':
    case 'persist':
    case 'level_shift':
    case 'volatility_shift':
    case 'seasonal':
    case 'robust_zscore':
      return new ColumnDetector(columnPlan(settings), features);
    case 'vote':
      return new Vote(settings, features, (member) => createDetector(member, features));
    case 'module':
      return createModuleDetector(settings, features);
    default:
      return unknownKind(settings);
  }
}

/** The detector that `toBytes` was called on. Throws CorruptSnapshot for bytes of another kind, settings or features. */
export function detectorFromBytes(
  settings: DetectorSettings,
  features: readonly string[],
  bytes: Uint8Array,
): Detector {
  switch (settings.kind) {
    case 'half_space_trees':
      return HalfSpaceTrees.fromBytes(bytes, settings, features);
    case 'drift_gate':
      return DriftGate.fromBytes(bytes, settings, features);
    case 'novelty':
      return Novelty.fromBytes(bytes, settings, features);
    case 'threshold':
    case 'quantile':
    case 'persist':
    case 'level_shift':
    case 'volatility_shift':
    case 'seasonal':
    case 'robust_zscore':
      return ColumnDetector.fromBytes(columnPlan(settings), features, bytes);
    case 'vote':
      return Vote.fromBytes(bytes, settings, features, (member, saved) => detectorFromBytes(member, features, saved));
    case 'module':
      return moduleDetectorFromBytes(settings, features, bytes);
    default:
      return unknownKind(settings);
  }
}

function unknownKind(settings: never): never {
  throw new HalfspaceError('BadSettings', `Expected a known \`detector.kind\`, got \`${JSON.stringify(settings)}\`.`);
}
