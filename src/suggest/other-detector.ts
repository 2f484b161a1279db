import type { PipelineSettings } from '../contract/pipeline.js';
import type { Suggestion } from './suggestions.js';

/** A detector as the settings file writes it. */
export interface WrittenDetector {
  readonly kind: string;
  readonly period?: string;
  readonly limit?: number;
}

/** Goes by each machine's own values. At its default limit it calls one ordinary row in 2,000 anomalous. */
export const ROBUST = { kind: 'robust_zscore', limit: 5 } as const satisfies WrittenDetector;

/** The limit of all detectors that may take the place of the general one. */
export const ALARM_LEVEL = 0.5;

/** Another detector in place of Half-Space Trees, and what changes with it. */
export function instead(
  detector: WrittenDetector,
  { clear_level: clearLevel = 0 }: PipelineSettings['verdict'],
  reason: string,
): Suggestion[] {
  const { kind } = detector;
  const clearing: Suggestion = {
    path: ['verdict', 'clear_level'],
    value: undefined,
    reason: `an event would end before it begins at ${ALARM_LEVEL}`,
  };
  return [
    { path: ['detector'], value: detector, reason },
    { path: ['normalise'], value: undefined, reason: `${kind} looks at values as measured` },
    { path: ['verdict', 'threshold'], value: ALARM_LEVEL, reason: `the limit of ${kind} lies there` },
    ...(clearLevel > ALARM_LEVEL ? [clearing] : []),
  ];
}
