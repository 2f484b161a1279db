import { HalfspaceError } from '../contract/failures.js';
import type { DetectorSettings } from '../contract/pipeline.js';
import type { Detector } from './detector.js';
import { DriftGate } from './drift-gate.js';
import { HalfSpaceTrees } from './half-space-trees.js';

/** A new detector over `features`, the columns of the batches to come. Throws BadSettings for settings out of range. */
export function createDetector(settings: DetectorSettings, features: readonly string[]): Detector {
  switch (settings.kind) {
    case 'half_space_trees':
      return new HalfSpaceTrees(settings, features);
    case 'drift_gate':
      return new DriftGate(settings, features);
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
    default:
      return unknownKind(settings);
  }
}

function unknownKind(settings: never): never {
  throw new HalfspaceError(
    'BadSettings',
    `Expected \`detector.kind\` to be half_space_trees or drift_gate, got \`${JSON.stringify(settings)}\`.`,
  );
}
