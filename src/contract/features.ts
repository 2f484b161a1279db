import type { FeatureSettings, PipelineSettings } from './pipeline.js';

/** A feature's name: its column's own, or with what is made of it behind it, e.g. `power_lag_3`; `hour` and `weekday`. */
export function featureName(feature: FeatureSettings): string {
  switch (feature.kind) {
    case 'value':
      return feature.column;
    case 'difference':
      return `${feature.column}_difference`;
    case 'rolling_mean':
    case 'rolling_deviation':
    case 'lag':
      return `${feature.column}_${feature.kind}_${feature.rows}`;
    case 'hour':
    case 'weekday':
      return feature.kind;
  }
}

/** What the detector sees of a pipeline's rows, in the order of its batches. */
export function featureNames({ features }: Pick<PipelineSettings, 'features'>): string[] {
  return features.map(featureName);
}

/** The value column a feature is made of; null for one that the row's time alone makes. */
export function columnOfFeature(feature: FeatureSettings): string | null {
  return 'zone' in feature ? null : feature.column;
}

/** What calendar features can ever be, for `normalise` with declared limits. */
export const CALENDAR_LIMITS = { hour: [0, 23], weekday: [0, 6] } as const;

/** True where gaps are filled, and rows of the scores table say so. */
export function fillsGaps({ resample }: Pick<PipelineSettings, 'resample'>): boolean {
  return resample !== null && resample.fill !== 'none';
}
