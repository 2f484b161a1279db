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
  return kindOf(settings).create(features);
}

/** The detector that `toBytes` was called on. Throws CorruptSnapshot for bytes of another kind, settings or features. */
export function detectorFromBytes(
  settings: DetectorSettings,
  features: readonly string[],
  bytes: Uint8Array,
): Detector {
  return kindOf(settings).fromBytes(features, bytes);
}

/** The two ways to a detector of one kind with its settings. */
interface Kind {
  create(features: readonly string[]): Detector;
  fromBytes(features: readonly string[], bytes: Uint8Array): Detector;
}

function kindOf(settings: DetectorSettings): Kind {
  switch (settings.kind) {
    case 'half_space_trees':
      return {
        create: (features) => new HalfSpaceTrees(settings, features),
        fromBytes: (features, bytes) => HalfSpaceTrees.fromBytes(bytes, settings, features),
      };
    case 'drift_gate':
      return {
        create: (features) => new DriftGate(settings, features),
        fromBytes: (features, bytes) => DriftGate.fromBytes(bytes, settings, features),
      };
    case 'novelty':
      return {
        create: (features) => new Novelty(settings, features),
        fromBytes: (features, bytes) => Novelty.fromBytes(bytes, settings, features),
      };
    case 'threshold':
    case 'quantile':
    case 'persist':
    case 'level_shift':
    case 'volatility_shift':
    case 'seasonal':
    case 'robust_zscore':
      return {
        create: (features) => new ColumnDetector(columnPlan(settings), features),
        fromBytes: (features, bytes) => ColumnDetector.fromBytes(columnPlan(settings), features, bytes),
      };
    case 'vote':
      return {
        create: (features) => new Vote(settings, features, (member) => createDetector(member, features)),
        fromBytes: (features, bytes) =>
          Vote.fromBytes(bytes, settings, features, (member, saved) => detectorFromBytes(member, features, saved)),
      };
    case 'module':
      return {
        create: (features) => createModuleDetector(settings, features),
        fromBytes: (features, bytes) => moduleDetectorFromBytes(settings, features, bytes),
      };
    default:
      return unknownKind(settings);
  }
}

function unknownKind(settings: never): never {
  throw new HalfspaceError('BadSettings', `Expected a known \`detector.kind\`, got \`${JSON.stringify(settings)}\`.`);
}
