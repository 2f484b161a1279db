import { HalfspaceError } from '../contract/failures.js';
import type { DetectorSettings } from '../contract/pipeline.js';
import type { Detector } from './detector.js';
import { HalfSpaceTrees } from './half-space-trees.js';

/** A new detector over `features`, the columns of the batches to come. Throws BadSettings for settings out of range. */
export function createDetector(settings: DetectorSettings, features: readonly string[]): Detector {
  switch (settings.kind) {
    case 'half_space_trees':
      return new HalfSpaceTrees(settings, features);
    default:
      return unknownKind(settings.kind);
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
    default:
      return unknownKind(settings.kind);
  }
}

function unknownKind(kind: never): never {
  throw new HalfspaceError(
    'BadSettings',
    `Expected \`detector.kind\` to be half_space_trees, got \`${String(kind)}\`.`,
  );
}
