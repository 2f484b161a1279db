import type { VerdictSettings } from '../contract/pipeline.js';

/**
 * Marks the anomalous rows.
 * @param scores 0..1, n rows; NaN (not scored) is never anomalous.
 * @returns 1 where the row is anomalous, n rows.
 */
export function judgeRows(scores: Float64Array, settings: Pick<VerdictSettings, 'threshold'>): Uint8Array {
  const { threshold } = settings;
  const anomalous = new Uint8Array(scores.length);
  for (let row = 0; row < scores.length; row++) {
    if (Number(scores[row]) > threshold) anomalous[row] = 1;
  }
  return anomalous;
}

/** Why a row is anomalous, in the words that scores, plots and messages show. */
export function reasonOf(score: number, settings: Pick<VerdictSettings, 'threshold'>): string {
  return `score ${score.toFixed(3)} above ${settings.threshold}`;
}
