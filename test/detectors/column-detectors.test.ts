import { describe, expect, it } from 'vitest';
import type { DetectorSettings } from '../../src/contract/pipeline.js';
import { type Batch, createExplanations, type Explanations, type LearningOrder } from '../../src/detectors/detector.js';
import { createDetector } from '../../src/detectors/registry.js';
import { Xorshift32 } from './random-rows.js';

const HOUR = 3_600_000_000_000n;
const MONDAY = 1_763_942_400n * 1_000_000_000n; // 2025-11-24T00:00:00Z
const DAY_MS = 86_400_000;

interface Said {
  readonly scores: number[];
  readonly explained: Explanations;
}

/** What a detector says of the rows, which are an hour apart. */
function say(
  settings: DetectorSettings,
  rows: readonly (readonly number[])[],
  order: LearningOrder,
  names: string[],
): Said {
  const raw = Float64Array.from(rows.flat());
  const times = BigInt64Array.from({ length: rows.length }, (_, i) => MONDAY + BigInt(i) * HOUR);
  const batch: Batch = { rows: rows.length, times, raw, values: raw, missing: null };
  const scores = new Float64Array(rows.length);
  const explained = createExplanations(rows.length);
  createDetector(settings, names).process(batch, 0, rows.length, order, { scores, explained });
  return { scores: [...scores], explained };
}

function sayOf(settings: DetectorSettings, values: readonly number[], order: LearningOrder = 'score_then_learn'): Said {
  return say(
    settings,
    values.map((value) => [value]),
    order,
    ['power'],
  );
}

/** About normal, mean 0 and deviation 1: the sum of twelve uniform numbers. */
function noise(count: number, seed: number): number[] {
  const random = new Xorshift32(seed);
  return Array.from({ length: count }, () => {
    let sum = -6;
    for (let i = 0; i < 12; i++) sum += random.draw();
    return sum;
  });
}

/** Rows whose score is above a half. */
function alarms({ scores }: Said): number[] {
  return scores.flatMap((score, row) => (score > 0.5 ? [row] : []));
}

describe('threshold', () => {
  it('scores 1 outside its limits and 0 on and within them', () => {
    const said = sayOf({ kind: 'threshold', low: -1, high: 3 }, [
      -1.5,
      -1,
      0,
      3,
      3.0000000000000004,
      Number.POSITIVE_INFINITY,
    ]);
    expect(said.scores).toEqual([1, 0, 0, 0, 1, 1]);
    expect([said.explained.lower[2], said.explained.upper[2], said.explained.feature[2]]).toEqual([-1, 3, 0]);
  });

  it('takes each column by its own limits and names the one that is outside', () => {
    const settings = { kind: 'threshold', low: null, high: { load: 1, power: 400 } } as const;
    const { scores, explained } = say(
      settings,
      [
        [399, 0.5],
        [399, 2],
        [401, 0.5],
      ],
      'score_then_learn',
      ['power', 'load'],
    );
    expect(scores).toEqual([0, 1, 1]);
    expect([...explained.feature].slice(1)).toEqual([1, 0]);
    expect([...explained.upper].slice(1)).toEqual([1, 400]);
    expect(explained.lower).toEqual(new Float64Array(3).fill(Number.NaN));
  });
});

describe('quantile', () => {
  const settings = { kind: 'quantile', low: 0.1, high: 0.9, memory: 11 } as const;

  it('has its bounds where pandas has them, and scores a half there', () => {
    const values = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10];
    const { scores, explained } = sayOf(settings, [...values, 9]);
    // Of 0 to 10: median 5, tenth 1, ninetieth 9.
    expect([explained.expected[11], explained.lower[11], explained.upper[11]]).toEqual([5, 1, 9]);
    expect(scores[11]).toBe(0.5);
  });

  it('scores nothing until one value in as many is expected beyond the bound', () => {
    const { scores, explained } = sayOf(
      { ...settings, low: null, memory: 1000 },
      Array.from({ length: 12 }, (_, i) => i),
    );
    expect(scores.slice(0, 10)).toEqual(new Array(10).fill(0));
    expect(explained.feature[9]).toBe(-1);
    expect(scores[10]).toBeGreaterThan(0.5);
    expect(explained.feature[10]).toBe(0);
  });

  it('forgets what is older than its memory', () => {
    const values = [...new Array(50).fill(1000), ...new Array(10).fill(0), 1, 1];
    const said = sayOf(settings, [...values.map((value, i) => value + (i % 5)), 500]);
    expect(said.scores.at(-1)).toBeGreaterThan(0.5);
    expect(said.explained.upper.at(-1)).toBeLessThan(10);
  });

  it('counts a row itself when it learns first', () => {
    const values = [...noise(200, 3), 50];
    const after = sayOf({ ...settings, memory: 500 }, values, 'learn_then_score').scores.at(-1) ?? 0;
    const before = sayOf({ ...settings, memory: 500 }, values).scores.at(-1) ?? 0;
    expect(before).toBeGreaterThan(after);
    expect(after).toBeGreaterThan(0.9);
  });
});

describe('persist', () => {
  const settings = { kind: 'persist', window: 1, agg: 'median', c: 3, side: 'both', memory: 1000 } as const;

  it('finds a leap and the way back, and says what was expected', () => {
    const values = [...noise(500, 7), 30, ...noise(50, 8)];
    const said = sayOf(settings, values);
    expect(alarms(said)).toEqual([500, 501]);
    expect(said.explained.expected[500]).toBe(values[499]);
    const limit = (said.explained.upper[500] ?? 0) - (values[499] ?? 0);
    // Differences of normal numbers: Q1 and Q3 of their sizes are 0.45 and 1.63 deviations.
    expect(limit).toBeGreaterThan(4);
    expect(limit).toBeLessThan(7);
  });

  it('counts one side alone where it is asked to', () => {
    const values = [...noise(500, 7), 30, ...noise(50, 8)];
    const up = sayOf({ ...settings, side: 'positive' }, values);
    expect(alarms(up)).toEqual([500]);
    expect(up.scores[501]).toBe(0);
    expect(up.explained.lower[500]).toBeNaN();
    expect(alarms(sayOf({ ...settings, side: 'negative' }, values))).toEqual([501]);
  });

  it('does not see a single row in the median of the rows before', () => {
    const values = [...noise(500, 7), 30, ...noise(50, 8)];
    expect(alarms(sayOf({ ...settings, window: 5 }, values))).toEqual([500]);
    expect(alarms(sayOf({ ...settings, window: 5, agg: 'mean' }, values)).length).toBeGreaterThan(1);
  });

  it('scores a value that never changes 0, and the first that differs 1', () => {
    const said = sayOf({ ...settings, window: 3, agg: 'mean' }, [...new Array(300).fill(0.1), 0.2]);
    expect(new Set(said.scores.slice(0, 300))).toEqual(new Set([0]));
    expect(said.scores[300]).toBe(1);
  });
});

describe('level_shift', () => {
  const settings = { kind: 'level_shift', window: 20, c: 6, side: 'both', memory: 1000 } as const;
  const shifted = [...noise(600, 11), ...noise(100, 12).map((value) => value + 15)];

  it('finds a new level once half of a window lies behind it, and calls it ordinary two windows later', () => {
    const said = sayOf(settings, shifted);
    const rows = alarms(said);
    expect(rows[0]).toBeGreaterThanOrEqual(609);
    expect(rows[0]).toBeLessThanOrEqual(612);
    expect(rows.at(-1)).toBeLessThan(640);
    expect(Math.abs(said.explained.expected[615] ?? 99)).toBeLessThan(1);
  });

  it('does not take a few rows far away for a level', () => {
    const values = noise(700, 13).map((value, row) => (row >= 600 && row < 608 ? 1e6 : value));
    expect(alarms(sayOf(settings, values))).toEqual([]);
  });

  it('knows up from down', () => {
    expect(alarms(sayOf({ ...settings, side: 'negative' }, shifted))).toEqual([]);
    expect(alarms(sayOf({ ...settings, side: 'positive' }, shifted))).toEqual(alarms(sayOf(settings, shifted)));
  });

  it('sees rows that are scored only pass by, and a level as ordinary again after them', () => {
    const detector = createDetector(settings, ['power']);
    const raw = Float64Array.from([...noise(600, 11), ...noise(60, 12).map((value) => value + 15)]);
    const batch: Batch = { rows: 660, times: null, raw, values: raw, missing: null };
    const scores = new Float64Array(660);
    detector.process(batch, 0, 600, 'score_then_learn', { scores, explained: null });
    detector.process(batch, 600, 660, 'score_only', { scores, explained: null });
    expect(Math.max(...scores.slice(610, 620))).toBeGreaterThan(0.5);
    expect(Math.max(...scores.slice(645))).toBeLessThan(0.5);
    expect(detector.rows).toBe(600);
  });
});

describe('volatility_shift', () => {
  const settings = { kind: 'volatility_shift', window: 30, agg: 'std', c: 6, side: 'both', memory: 1000 } as const;
  const shaken = [...noise(600, 17), ...noise(100, 18).map((value) => 12 * value)];

  it.each(['std', 'iqr', 'idr'] as const)('finds a spread that has grown, as %s', (agg) => {
    const rows = alarms(sayOf({ ...settings, agg }, shaken));
    expect(rows[0]).toBeGreaterThanOrEqual(600);
    expect(rows[0]).toBeLessThanOrEqual(620);
    expect(rows.at(-1)).toBeLessThan(665);
  });

  it.each(['std', 'iqr', 'idr'] as const)('finds noise after thousands of equal values, as %s', (agg) => {
    const values = [...new Array<number>(3000).fill(50), ...noise(100, 31).map((value) => 50 + 10 * value)];
    const { scores } = sayOf({ ...settings, agg }, values);
    expect(Math.max(...scores.slice(0, 3000))).toBe(0);
    expect(Math.min(...scores.slice(3025, 3040))).toBe(1);
  });

  it.each([1e-6, 0])('finds noise that falls to %d of what it was', (share) => {
    const values = [...noise(600, 17), ...noise(100, 18).map((value) => share * value)];
    const said = sayOf(settings, values);
    expect(alarms(said)[0]).toBeGreaterThanOrEqual(600);
    expect(alarms(said)).toContain(635);
    expect(alarms(sayOf({ ...settings, side: 'positive' }, values)).filter((row) => row < 660)).toEqual([]);
    expect(alarms(sayOf({ ...settings, side: 'negative' }, values))).toContain(635);
  });

  it('measures a loss of noise as the gain that would undo it', () => {
    const sizes = [17, 19, 37, 41].map((seed) => {
      const [quiet, loud] = [noise(400, seed), noise(400, seed + 1).map((value) => 6 * value)];
      const highest = (values: number[]) => Math.max(...sayOf(settings, values).scores.slice(400, 460));
      return [highest([...quiet, ...loud]) > 0.5, highest([...loud, ...quiet]) > 0.5];
    });
    expect(sizes).toEqual(new Array(4).fill([true, true]));
  });

  it('does not mind a new level of the same spread, once it has passed', () => {
    const said = sayOf({ ...settings, agg: 'iqr' }, [...noise(600, 19), ...noise(200, 20).map((value) => value + 50)]);
    expect(alarms(said).filter((row) => row >= 660)).toEqual([]);
  });

  it('names the feature and no bounds, which would be none of its values', () => {
    const { explained } = sayOf(settings, shaken);
    expect(explained.feature[605]).toBe(0);
    expect(explained.expected[605]).toBeNaN();
    expect(explained.upper[605]).toBeNaN();
  });

  it('measures spreads of the largest and smallest numbers there are', () => {
    const huge = sayOf(
      settings,
      shaken.map((value) => value * 1e305),
    );
    const tiny = sayOf(
      settings,
      shaken.map((value) => value * 1e-300),
    );
    const plain = sayOf(settings, shaken);
    expect(alarms(huge)).toEqual(alarms(plain));
    expect(alarms(tiny)).toEqual(alarms(plain));
  });
});

describe('seasonal', () => {
  const settings = {
    kind: 'seasonal',
    period: DAY_MS,
    cells: 24,
    periods: 7,
    c: 3,
    side: 'both',
    memory: 1000,
  } as const;
  const hours = (count: number) =>
    noise(count, 23).map((value, hour) => 100 * Math.sin((2 * Math.PI * hour) / 24) + value);

  it('finds a value that is ordinary at another hour', () => {
    const values = hours(24 * 21);
    values[24 * 20] = 100; // midnight as if it were six
    const said = sayOf(settings, values);
    expect(alarms(said)).toContain(24 * 20);
    expect(alarms(said).length).toBeLessThan(5);
    expect(Math.abs(said.explained.expected[24 * 20] ?? 99)).toBeLessThan(2);
  });

  it('says nothing before a time of day has come a second time', () => {
    const said = sayOf(settings, hours(24));
    expect(said.explained.feature).toEqual(new Int32Array(24).fill(-1));
  });

  it('does not compare a fault with itself while its hour lasts', () => {
    // Rows are an hour apart: a season of 600 hours has ten cells of sixty rows.
    const long = { ...settings, period: 600 * 3_600_000, cells: 10 };
    const lead = new Array<number>(Number((-MONDAY / HOUR) % 600n) + 600).fill(5); // to where a season begins
    const season = (fault: number) => [
      ...new Array<number>(60).fill(5 + fault),
      ...noise(540, 29).map((value) => 5 + value),
    ];
    const said = sayOf(long, [...lead, ...season(0), ...season(0), ...season(0), ...season(40)]);
    const first = lead.length + 1800;
    expect(Math.min(...said.scores.slice(first, first + 60))).toBeGreaterThan(0.5);
    expect(said.explained.expected[first + 59]).toBe(said.explained.expected[first]);
  });

  it('knows the last visit of an hour also where rows of no other hour came since', () => {
    const days = 130;
    const raw = Float64Array.from({ length: days }, (_, day) => day);
    const times = BigInt64Array.from({ length: days }, (_, day) => MONDAY + BigInt(day) * 24n * HOUR);
    const explained = createExplanations(days);
    const out = { scores: new Float64Array(days), explained };
    const batch: Batch = { rows: days, times, raw, values: raw, missing: null };
    createDetector({ ...settings, periods: 1 }, ['power']).process(batch, 0, days, 'score_then_learn', out);
    // One period is remembered: each day is expected to be as the day before.
    expect([...explained.expected.subarray(110)]).toEqual(Array.from({ length: 20 }, (_, i) => 109 + i));
  });

  it('follows a season that has changed, within its periods', () => {
    const values = hours(24 * 30).map((value, hour) => (hour >= 24 * 10 ? -value : value));
    const rows = alarms(sayOf({ ...settings, periods: 2 }, values));
    expect(rows.some((row) => row >= 240 && row < 264)).toBe(true);
    expect(rows.every((row) => row < 24 * 20)).toBe(true);
  });

  it('counts seasons before 1970 as those after', () => {
    const raw = Float64Array.from(hours(24 * 10));
    const scored = (start: bigint) => {
      const times = BigInt64Array.from({ length: raw.length }, (_, i) => start + BigInt(i) * HOUR);
      const scores = new Float64Array(raw.length);
      const batch: Batch = { rows: raw.length, times, raw, values: raw, missing: null };
      createDetector(settings, ['power']).process(batch, 0, raw.length, 'score_then_learn', {
        scores,
        explained: null,
      });
      return scores;
    };
    expect(scored(-5n * 24n * HOUR + 1n)).toEqual(scored(1n));
  });
});
