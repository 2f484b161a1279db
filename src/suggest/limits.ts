/**
 * Limits around an observed range: half its width more on both sides, then outwards to round numbers; never below zero
 * when nothing observed is.
 */
export function proposeLimits([low, high]: readonly [number, number]): readonly [number, number] {
  const width = high > low ? high - low : Math.max(Math.abs(low), 1);
  const step = 10 ** Math.floor(Math.log10(width));
  const [from, to] = [Math.floor((low - width / 2) / step), Math.ceil((high + width / 2) / step)];
  // Digits rather than a product, because 3 * 0.1 is not 0.3.
  const rounded = (count: number) => Number((count * step).toPrecision(12));
  return [low >= 0 ? Math.max(0, rounded(from)) : rounded(from), rounded(to)];
}

/** Limits that hold these and are as round as people write them, at most a fifth of their width further out. */
export function roundLimits([low, high]: readonly [number, number]): readonly [number, number] {
  const step = 10 ** Math.floor(Math.log10((high - low) / 5));
  const rounded = (count: number) => Number((count * step).toPrecision(12));
  return [rounded(Math.floor(low / step)), rounded(Math.ceil(high / step))];
}
