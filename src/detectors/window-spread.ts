import type { VolatilityShiftSettings } from '../contract/pipeline.js';
import type { SortedWindow } from './sorted-window.js';

/** How far apart a window's numbers lie: standard deviation (of a sample, as pandas has it), interquartile or interdecile range. */
export function spreadOf(window: SortedWindow, agg: VolatilityShiftSettings['agg']): number {
  switch (agg) {
    case 'std':
      return deviationOf(window);
    case 'iqr':
      return window.quantile(0.75) - window.quantile(0.25);
    case 'idr':
      return window.quantile(0.9) - window.quantile(0.1);
  }
}

/** In the order the numbers came, so that equal windows have equal deviations bit for bit. */
function deviationOf(window: SortedWindow): number {
  const { count } = window;
  // Numbers are scaled by the largest, whose square may be too large or too small to hold.
  const largest = Math.max(Math.abs(window.quantile(0)), Math.abs(window.quantile(1)));
  if (largest === 0) return 0;
  let mean = 0;
  for (let i = 0; i < count; i++) mean += window.at(i) / largest;
  mean /= count;
  let squares = 0;
  for (let i = 0; i < count; i++) squares += (window.at(i) / largest - mean) ** 2;
  return Math.sqrt(squares / (count - 1)) * largest;
}
