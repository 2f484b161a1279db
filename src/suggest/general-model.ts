import { detector as detectorSchema } from '../config/detector-schema.js';
import { columnOfFeature } from '../contract/features.js';
import type { PipelineSettings } from '../contract/pipeline.js';
import type { MachineFacts } from './machine-facts.js';
import { ALARM_LEVEL, instead, ROBUST } from './other-detector.js';
import type { Suggestion } from './suggestions.js';
import { treeLimits } from './tree-limits.js';
import { isAlert, isQuiet, ordinaryText, problemText, type Trial } from './trial.js';

/**
 * Limits for Half-Space Trees under which ordinary rows are ordinary and plain faults are noticed; where none do, and a detector
 * of each machine's own values does, that one.
 * @param isDetectorKept looks at limits only.
 */
export function generalModel(
  machines: readonly MachineFacts[],
  settings: PipelineSettings,
  trial: Trial,
  isDetectorKept = false,
): Suggestion[] {
  const limits = treeLimits(machines, settings, trial);
  const { detector, features, mode, verdict } = settings;
  const { clear_level: _, ...rules } = verdict;
  if (isDetectorKept || detector.kind !== 'half_space_trees' || mode === 'replay') return limits;
  if (features.some((feature) => columnOfFeature(feature) === null)) return limits;
  const [proposed] = limits;
  const normalise = (proposed?.value ?? settings.normalise) as PipelineSettings['normalise'];
  const trees = trial({ ...settings, normalise });
  if (trees === null || (isQuiet(trees) && isAlert(trees))) return limits;
  const robust = trial({
    ...settings,
    detector: detectorSchema.parse(ROBUST),
    normalise: 'none',
    verdict: { ...rules, threshold: ALARM_LEVEL },
  });
  if (robust === null || !isQuiet(robust) || !isAlert(robust)) return limits;
  const why = `${problemText(trees)} with the limits of half_space_trees that suit best; with this ${ordinaryText(robust)}, and all but a few of those rows are noticed`;
  return instead(ROBUST, verdict, why);
}
