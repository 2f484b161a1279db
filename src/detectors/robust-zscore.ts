import type { RobustZscoreSettings } from '../contract/pipeline.js';
import type { ColumnPlan } from './column-detector.js';
import { scoreOfRatio } from './size-bound.js';
import { type ValueWindowPlan, ValueWindowRule } from './value-window-rule.js';

const LEAST_VALUES = 100; // known before anything is judged by them; the spread is then known to about a tenth
const NORMAL_MEDIAN = 0.6744897501960817; // median of a standard normal variable's size
const TAIL_SHARE = 0.9;
const NORMAL_TAIL = 1.6448536269514722; // what nine in ten of such sizes are below
const LARGEST = Number.MAX_VALUE / 4; // values are learned within this, so that no difference is endless

/**
 * How far a value is from the median of the last `window` ones, in standard deviations that come from their median absolute
 * deviation: 0.5 at `limit`. The modified z-score of Iglewicz and Hoaglin, "How to Detect and Handle Outliers" (ASQC, 1993),
 * who propose 3.5. Up to half of the window may be anomalous without much effect. Where more than half of the values
 * are one and the same, the deviation that nine in ten keep takes its place; where that is 0 too, any other value scores 1.
 */
export function robustZscorePlan(settings: RobustZscoreSettings): ColumnPlan {
  const plan = valueWindowPlan(settings);
  return { settings, view: 'value', asksTime: false, createRule: () => new ValueWindowRule(plan) };
}

function valueWindowPlan({ window, limit }: RobustZscoreSettings): ValueWindowPlan {
  return {
    capacity: window,
    least: Math.min(LEAST_VALUES, window),
    largest: LARGEST,
    judge: (value, values, finding) => {
      const median = values.quantile(0.5);
      const deviation = values.medianDeviation() / NORMAL_MEDIAN;
      const width = limit * (deviation === 0 ? values.deviationOf(TAIL_SHARE) / NORMAL_TAIL : deviation);
      finding.expected = median;
      finding.lower = median - width;
      finding.upper = median + width;
      const away = Math.abs(value - median);
      finding.score = away === 0 ? 0 : scoreOfRatio(away / width);
    },
  };
}
