import type { ColumnDetectorSettings } from '../contract/pipeline.js';
import type { ColumnPlan } from './column-detector.js';
import { persistPlan } from './persist.js';
import { quantilePlan } from './quantile.js';
import { robustZscorePlan } from './robust-zscore.js';
import { seasonalPlan } from './seasonal.js';
import { levelShiftPlan, volatilityShiftPlan } from './shift.js';
import { thresholdPlan } from './threshold.js';

/** The plan of a detector that looks at one column at a time. */
export function columnPlan(settings: ColumnDetectorSettings): ColumnPlan {
  switch (settings.kind) {
    case 'threshold':
      return thresholdPlan(settings);
    case 'quantile':
      return quantilePlan(settings);
    case 'persist':
      return persistPlan(settings);
    case 'level_shift':
      return levelShiftPlan(settings);
    case 'volatility_shift':
      return volatilityShiftPlan(settings);
    case 'seasonal':
      return seasonalPlan(settings);
    case 'robust_zscore':
      return robustZscorePlan(settings);
  }
}
