import { describe, expect, it } from 'vitest';
import { nabScore, type RowWindow, rowsInside } from '../../src/evaluation/nab-score.js';

const ROWS = 100; // of which the first 15 do not count
const WINDOW: RowWindow = [40, 49];

/** 100 rows of which `alarms` score 1 and the others 0. */
function scoresWith(...alarms: number[]): Float64Array {
  const scores = new Float64Array(ROWS);
  for (const row of alarms) scores[row] = 1;
  return scores;
}

function standard(scores: Float64Array, windows: readonly RowWindow[] = [WINDOW]): number {
  return nabScore([{ scores, windows }]).standard;
}

/** 2 / (1 + e^(5x)) - 1, NAB's curve. */
const curve = (x: number) => 2 / (1 + Math.exp(5 * x)) - 1;

describe('nabScore', () => {
  it('gives 100 to an alarm at the first row of the only window and no other', () => {
    expect(nabScore([{ scores: scoresWith(40), windows: [WINDOW] }])).toEqual({
      standard: 100,
      low_fp: 100,
      low_fn: 100,
      threshold: 1,
    });
  });

  it('gives 0 to a detector that says nothing, and no threshold to one whose alarms cost more than they earn', () => {
    expect(standard(new Float64Array(ROWS))).toBe(0);
    expect(nabScore([{ scores: scoresWith(20), windows: [WINDOW] }])).toMatchObject({
      standard: 0,
      threshold: Number.POSITIVE_INFINITY,
    });
  });

  it('counts a detection the less the later it comes, and only the first of a window', () => {
    // Row 44 of 40..49 lies at -(49 - 44 + 1) / 10 = -0.6; -0.98661 is the left edge, at -1.
    expect(standard(scoresWith(44))).toBeCloseTo((100 * (0.905148 / 0.986614 + 1)) / 2, 3);
    expect(standard(scoresWith(44, 45, 49))).toBe(standard(scoresWith(44)));
  });

  it('makes a false alarm cost 0.11, twice that in low FP, and half as much beside windows that count double', () => {
    const scored = nabScore([{ scores: scoresWith(20, 40), windows: [WINDOW] }]);
    expect(scored.standard).toBeCloseTo((100 * (1 - 0.11 + 1)) / 2, 9);
    expect(scored.low_fp).toBeCloseTo((100 * (1 - 0.22 + 1)) / 2, 9);
    expect(scored.low_fn).toBeCloseTo((100 * (1 - 0.11 + 2)) / 3, 9);
  });

  it('makes a false alarm cheaper the closer it comes after a window', () => {
    const cost = (row: number) => 2 * (1 - standard(scoresWith(40, row)) / 100);
    // A width less one, nine rows, after the window is 1 on the curve; three of them and all rows before it cost in full.
    expect(cost(58)).toBeCloseTo(-0.11 * curve(1), 9);
    expect(cost(52)).toBeCloseTo(-0.11 * curve(1 / 3), 9);
    expect(cost(76)).toBeCloseTo(0.11, 9);
    expect(cost(39)).toBeCloseTo(0.11, 9);
  });

  it('leaves the first 15 % of a series out, and 750 rows at most', () => {
    expect(standard(scoresWith(14, 40))).toBe(100);
    expect(standard(scoresWith(15, 40))).toBeLessThan(100);
    const long = (alarm: number) => {
      const scores = new Float64Array(20_000);
      for (const row of [alarm, 9000]) scores[row] = 1;
      return standard(scores, [[9000, 9100]]);
    };
    expect(long(749)).toBe(100);
    expect(long(750)).toBeLessThan(100);
  });

  it('counts what remains of a window that begins before, and no window that ends there', () => {
    const scores = scoresWith(15, 40);
    expect(standard(scores, [[10, 19], WINDOW])).toBeCloseTo((100 * (1 + curve(-0.5) / curve(-1) + 2)) / 4, 9);
    expect(standard(scoresWith(40), [[3, 9], WINDOW])).toBe(100);
  });

  it('takes one threshold for all series, the best one', () => {
    const quiet = new Float64Array(ROWS);
    quiet[40] = 0.4;
    quiet[20] = 0.3;
    const loud = new Float64Array(ROWS).fill(0.35);
    loud[40] = 0.9;
    const both = nabScore([
      { scores: quiet, windows: [WINDOW] },
      { scores: loud, windows: [WINDOW] },
    ]);
    expect(both).toMatchObject({ standard: 100, threshold: 0.4 });
    loud.fill(0.45, 50);
    // Now 0.4 would raise fifty false alarms in the other series.
    expect(
      nabScore([
        { scores: quiet, windows: [WINDOW] },
        { scores: loud, windows: [WINDOW] },
      ]),
    ).toMatchObject({ standard: 50, threshold: 0.9 });
  });

  it('takes rows that were not scored for the least anomalous', () => {
    const scores = scoresWith(40);
    scores.fill(Number.NaN, 60, 80);
    expect(standard(scores)).toBe(100);
  });

  it('has no number for series without windows, and refuses windows that are not ascending rows', () => {
    expect(standard(scoresWith(40), [])).toBeNaN();
    for (const windows of [[[40, 39]], [[90, 100]], [WINDOW, [49, 60]]] as const) {
      expect(() => standard(scoresWith(40), windows)).toThrow(RangeError);
    }
  });
});

describe('rowsInside', () => {
  it('is the first and the last row of a stretch of time, both ends included', () => {
    const times = BigInt64Array.of(10n, 20n, 30n, 40n);
    expect(rowsInside(times, 20n, 30n)).toEqual([1, 2]);
    expect(rowsInside(times, 5n, 45n)).toEqual([0, 3]);
    expect(rowsInside(times, 21n, 29n)).toBeNull();
    expect(rowsInside(times, 41n, 50n)).toBeNull();
  });
});
