import type { QuantileSettings } from '../contract/pipeline.js';
import type { ColumnPlan } from './column-detector.js';
import { scoreOfRatio } from './size-bound.js';
import { type ValueWindowPlan, ValueWindowRule } from './value-window-rule.js';

const MIDDLE = 0.5;

/**
 * Values beyond quantiles of the last `memory` values: 0.5 at the quantile, measured by its distance from the median. After
 * `QuantileAD` of ADTK 0.6.2, whose quantiles come from a training series and stay; these move on with the rows. Nothing
 * is scored until as many values are known as it takes for one to lie beyond a quantile.
 */
export function quantilePlan(settings: QuantileSettings): ColumnPlan {
  const plan = valueWindowPlan(settings);
  return { settings, view: 'value', asksTime: false, createRule: () => new ValueWindowRule(plan) };
}

/** Values of which one is expected beyond the outermost quantile. */
export function leastValues({ low, high }: Pick<QuantileSettings, 'low' | 'high'>): number {
  const tail = Math.min(low ?? 1, high === null ? 1 : 1 - high);
  return Math.ceil(1 / tail - 1e-9); // 1 - 0.99 is a little above 0.01, 1 - 0.999 a little below 0.001
}

function valueWindowPlan(settings: QuantileSettings): ValueWindowPlan {
  const { low, high, memory } = settings;
  return {
    capacity: memory,
    least: Math.min(leastValues(settings), memory),
    largest: Number.MAX_VALUE,
    judge: (value, values, finding) => {
      const middle = values.quantile(MIDDLE);
      finding.expected = middle;
      if (low !== null) finding.lower = values.quantile(low);
      if (high !== null) finding.upper = values.quantile(high);
      const bound = value < middle ? finding.lower : finding.upper;
      finding.score = scoreOfRatio(share(value, middle, bound));
    },
  };
}

/** How much of the way from `middle` to `bound` lies before `value`; each halved, so that no difference is endless. */
function share(value: number, middle: number, bound: number): number {
  return Math.abs(value / 2 - middle / 2) / Math.abs(bound / 2 - middle / 2);
}
