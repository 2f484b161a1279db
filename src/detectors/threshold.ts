import type { ColumnBound, ThresholdSettings } from '../contract/pipeline.js';
import type { ColumnPlan, ColumnRule, Finding } from './column-detector.js';

/**
 * Values below `low` or above `high` are anomalous: score 1, else 0. As `ThresholdAD` of ADTK 0.6.2, with limits a column
 * where they are given by name. It learns nothing.
 */
export function thresholdPlan(settings: ThresholdSettings): ColumnPlan {
  return {
    settings,
    view: 'limit',
    asksTime: false,
    createRule: (feature) => new ThresholdRule(boundOf(settings.low, feature), boundOf(settings.high, feature)),
  };
}

/** NaN: no limit on that side. */
function boundOf(bound: ColumnBound | null, feature: string): number {
  if (bound === null || typeof bound === 'number') return bound ?? Number.NaN;
  return Object.hasOwn(bound, feature) ? bound[feature]! : Number.NaN;
}

class ThresholdRule implements ColumnRule {
  readonly sizeBytes = 16;
  readonly #low: number;
  readonly #high: number;

  constructor(low: number, high: number) {
    this.#low = low;
    this.#high = high;
  }

  take(value: number, _time: bigint | null, _order: unknown, finding: Finding): void {
    finding.score = value < this.#low || value > this.#high ? 1 : 0;
    finding.isKnown = !(Number.isNaN(this.#low) && Number.isNaN(this.#high));
    finding.lower = this.#low;
    finding.upper = this.#high;
  }

  write(): void {}

  read(): void {}
}
