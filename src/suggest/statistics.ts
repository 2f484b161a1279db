/** The value below which a share of ascending numbers lies, one of them; NaN of none. */
export function quantile(sorted: Float64Array, share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
}

export function medianOf(numbers: Float64Array): number {
  return quantile(numbers.slice().sort(), 0.5);
}

/** What a median absolute deviation is multiplied with to be a standard deviation of normal noise. */
const TO_DEVIATION = 1.4826;

/** Standard deviation of the noise of a series, from the differences of neighbours: drifts and single outliers do not count. */
export function noiseOf(values: Float64Array): number {
  const differences = new Float64Array(Math.max(values.length - 1, 0));
  for (let i = 0; i < differences.length; i++) {
    differences[i] = Math.abs(Number(values[i + 1]) - Number(values[i]));
  }
  return differences.length === 0 ? 0 : (TO_DEVIATION * medianOf(differences)) / Math.SQRT2;
}

/** Pearson's correlation of pairs in which both are numbers, -1..1; null for fewer than ten, or where one does not change. */
export function correlation(a: Float64Array, b: Float64Array): number | null {
  let [count, meanA, meanB, varA, varB, both] = [0, 0, 0, 0, 0, 0];
  for (let i = 0; i < Math.min(a.length, b.length); i++) {
    const [x, y] = [Number(a[i]), Number(b[i])];
    if (Number.isNaN(x) || Number.isNaN(y)) continue;
    count++;
    const [dx, dy] = [x - meanA, y - meanB];
    meanA += dx / count;
    meanB += dy / count;
    varA += dx * (x - meanA);
    varB += dy * (y - meanB);
    both += dx * (y - meanB);
  }
  const size = Math.sqrt(varA * varB);
  return count < 10 || !(size > 0) || !Number.isFinite(size) ? null : both / size;
}
