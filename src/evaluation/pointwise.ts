/** How rows that were called anomalous compare with their labels. */
export interface PointCounts {
  readonly truePositives: number;
  readonly falsePositives: number;
  readonly falseNegatives: number;
  readonly trueNegatives: number;
}

/** Counts of rows `from <= i`; both arrays hold 1 where a row is anomalous, n rows. */
export function countPoints(anomalous: Uint8Array, labels: Uint8Array, from = 0): PointCounts {
  let [truePositives, falsePositives, falseNegatives, trueNegatives] = [0, 0, 0, 0];
  for (let i = from; i < labels.length; i++) {
    const [called, meant] = [anomalous[i] === 1, labels[i] === 1];
    if (called && meant) truePositives++;
    else if (called) falsePositives++;
    else if (meant) falseNegatives++;
    else trueNegatives++;
  }
  return { truePositives, falsePositives, falseNegatives, trueNegatives };
}

/** The counts of several series as if they were one. */
export function poolPoints(counts: readonly PointCounts[]): PointCounts {
  const sum = (key: keyof PointCounts) => counts.reduce((total, each) => total + each[key], 0);
  return {
    truePositives: sum('truePositives'),
    falsePositives: sum('falsePositives'),
    falseNegatives: sum('falseNegatives'),
    trueNegatives: sum('trueNegatives'),
  };
}

export interface PointRates {
  /** Harmonic mean of precision and recall, 0..1; 0 where nothing was found. */
  readonly f1: number;
  /** False alarms in percent of the ordinary rows; 0 where there are none. */
  readonly far: number;
  /** Missed rows in percent of the anomalous ones; 0 where there are none. */
  readonly mar: number;
}

/** F1, false alarm rate and missed alarm rate as the Skoltech Anomaly Benchmark has them (github.com/waico/SKAB). */
export function ratesOf({ truePositives, falsePositives, falseNegatives, trueNegatives }: PointCounts): PointRates {
  return {
    f1: shareOf(truePositives, truePositives + (falsePositives + falseNegatives) / 2),
    far: 100 * shareOf(falsePositives, falsePositives + trueNegatives),
    mar: 100 * shareOf(falseNegatives, falseNegatives + truePositives),
  };
}

function shareOf(part: number, whole: number): number {
  return whole === 0 ? 0 : part / whole;
}
