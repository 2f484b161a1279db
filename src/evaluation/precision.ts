import type { PointCounts } from './pointwise.js';

/** Shares of what was called and of what was meant, 0..1; null where there is nothing to share. */
export interface PrecisionRecall {
  readonly precision: number | null;
  readonly recall: number | null;
  /** Harmonic mean of the two; null where one of them is, 0 where both are 0. */
  readonly f1: number | null;
}

/** Of the rows called anomalous those that are, and of those that are the ones that were called. */
export function precisionOfPoints({ truePositives, falsePositives, falseNegatives }: PointCounts): PrecisionRecall {
  return precisionRecall(
    shareOrNull(truePositives, truePositives + falsePositives),
    shareOrNull(truePositives, truePositives + falseNegatives),
  );
}

export function precisionRecall(precision: number | null, recall: number | null): PrecisionRecall {
  if (precision === null || recall === null) return { precision, recall, f1: null };
  const sum = precision + recall;
  return { precision, recall, f1: sum === 0 ? 0 : (2 * precision * recall) / sum };
}

/** Null where there is no whole. */
export function shareOrNull(part: number, whole: number): number | null {
  return whole === 0 ? null : part / whole;
}
