import { describe, expect, it } from 'vitest';
import type { VerdictRules } from '../../src/contract/pipeline.js';
import { createExplanations } from '../../src/detectors/detector.js';
import { CAUSES, RowJudge, type RowsToJudge } from '../../src/verdict/judge.js';
import { RuleState } from '../../src/verdict/rule-state.js';
import { randomFrom, testSeed } from '../random.js';

const SECOND = 1_000_000_000n;
const NONE = Number.NaN;

/** Rows a second; of one column. */
function rowsOf(values: readonly number[], scores: readonly number[], everySeconds = 1): RowsToJudge {
  return {
    times: BigInt64Array.from(values, (_, row) => BigInt(row * everySeconds) * SECOND),
    values: Float64Array.from(values),
    scores: Float64Array.from(scores),
    explained: createExplanations(values.length),
    causes: new Uint8Array(values.length),
  };
}

function judged(rules: Partial<VerdictRules>, rows: RowsToJudge, columns: readonly string[] = ['x']): string {
  const all = { threshold: 0.8, clear_after: 5000, ...rules };
  new RowJudge(new RuleState(columns.length), all, columns).judge(rows, 0, rows.causes.length);
  return [...rows.causes].map((cause) => (CAUSES[cause] ?? '-').charAt(0)).join('');
}

/** Ordinary rows around 100, then those given. */
function ordinaryThen(ordinary: number, values: readonly number[], score = 0.9): RowsToJudge {
  const before = Array.from({ length: ordinary }, (_, i) => 98 + (i % 5));
  return rowsOf([...before, ...values], [...before.map(() => 0.1), ...values.map(() => score)]);
}

/** Verdicts on the last rows alone. */
function last(verdicts: string, count: number): string {
  return verdicts.slice(-count);
}

describe('the threshold', () => {
  it('makes rows anomalous whose score is above it, and no others', () => {
    expect(judged({}, rowsOf([1, 200, 3, 400], [0.8, 0.81, NONE, 0.9]))).toBe('-s-s');
  });

  it('counts only from the first row past warm_up_rows on', () => {
    const rows = () => rowsOf([1, 200, 3, 400], [0, 0.9, 0.9, 0.9]);
    expect(judged({}, rows())).toBe('-sss');
    expect(judged({ warm_up_rows: 2 }, rows())).toBe('--ss');
  });

  it('lets go at clear_level, not before', () => {
    const rows = () => rowsOf([1, 200, 200, 200, 200], [0.7, 0.9, 0.7, 0.6, 0.7]);
    expect(judged({ clear_level: 0.6 }, rows())).toBe('-ss--');
    expect(judged({}, rows())).toBe('-s---');
  });
});

describe('hold', () => {
  it('waits for as many rows one after the other', () => {
    const scores = [0.1, 0.9, 0.9, 0.1, 0.9, 0.9, 0.9, 0.9];
    expect(judged({ hold_rows: 3 }, rowsOf([1, 9, 9, 1, 9, 9, 9, 9], scores))).toBe('------ss');
  });

  it('waits for a time, counted from the first of these rows', () => {
    const scores = [0.1, 0.9, 0.9, 0.9, 0.9];
    expect(judged({ hold_for: 20_000 }, rowsOf([1, 9, 9, 9, 9], scores, 10))).toBe('---ss');
    expect(judged({ hold_for: 20_000, hold_rows: 4 }, rowsOf([1, 9, 9, 9, 9], scores, 10))).toBe('----s');
  });
});

describe('direction and deviation', () => {
  it('look at what is expected: the median of the last ordinary rows', () => {
    const rows = ordinaryThen(50, [150]);
    expect(last(judged({ direction: 'above' }, rows), 1)).toBe('s');
    expect([rows.explained.expected[50], rows.explained.lower[50], rows.explained.upper[50]]).toEqual([100, 98, 102]);
    expect(last(judged({ direction: 'below' }, ordinaryThen(50, [150])), 1)).toBe('-');
    expect(last(judged({ direction: 'below' }, ordinaryThen(50, [50])), 1)).toBe('s');
  });

  it('want the least difference, in units and as a share of what is expected', () => {
    expect(last(judged({ min_deviation: 10 }, ordinaryThen(50, [109, 110])), 2)).toBe('-s');
    expect(last(judged({ min_deviation: { x: 10 } }, ordinaryThen(50, [91, 90])), 2)).toBe('-s');
    expect(last(judged({ min_relative_deviation: 0.2 }, ordinaryThen(50, [119, 121])), 2)).toBe('-s');
    expect(last(judged({ min_deviation: 10, min_relative_deviation: 0.2 }, ordinaryThen(50, [119, 121])), 2)).toBe(
      '-s',
    );
  });

  it("look at the detector's own expectation where it has one", () => {
    const rows = ordinaryThen(50, [150]);
    rows.explained.feature[50] = 0;
    rows.explained.expected[50] = 149;
    rows.explained.upper[50] = 149.5;
    expect(last(judged({ min_deviation: 10 }, rows), 1)).toBe('-');
    expect([rows.explained.expected[50], rows.explained.lower[50], rows.explained.upper[50]]).toEqual([
      149,
      NONE,
      149.5,
    ]);
  });

  it('count nothing while nothing is expected yet, where they are asked for', () => {
    expect(judged({ direction: 'above' }, rowsOf([9, 9], [0.9, 0.1]))).toBe('--');
    expect(judged({}, rowsOf([9, 9], [0.9, 0.1]))).toBe('s-');
  });

  it('name the column that is furthest off, measured by its spread', () => {
    const values: number[] = [];
    for (let i = 0; i < 50; i++) values.push(98 + (i % 5), 1 + (i % 3) / 100);
    const rows = rowsOf([...values, 103, 2], [...new Array(50).fill(0), 0.9, 0]);
    const two = { ...rows, causes: new Uint8Array(51), explained: createExplanations(51) };
    expect(last(judged({}, two, ['a', 'b']), 1)).toBe('s');
    expect([two.explained.feature[50], two.explained.expected[50]]).toEqual([1, 1.01]);
    expect(two.explained.feature[49]).toBe(0);
  });

  it('expect nothing of anomalous rows: those do not become what is ordinary', () => {
    const fault = new Array(300).fill(500);
    const rows = ordinaryThen(101, fault);
    expect(last(judged({ min_deviation: 10 }, rows), 300)).toBe('s'.repeat(300));
    expect(rows.explained.expected[400]).toBe(100);
  });
});

describe('the flat guard', () => {
  const flat = (level: number, values: readonly number[]) =>
    rowsOf([...new Array(60).fill(level), ...values], [...new Array(60).fill(0), ...values.map(() => 1)]);

  it('raises nothing on a tiny step of a flat series, whatever the score', () => {
    for (const level of [100, -7, 1e-9, 1e12]) {
      const steps = new Array(20).fill(level * 1.001);
      expect(last(judged({}, flat(level, steps)), 20), `${level}`).toBe('-'.repeat(20));
    }
    const nearZero = flat(0, new Array(20).fill(1e-6));
    expect(last(judged({ valid_range: { x: [0, 500] } }, nearZero), 20)).toBe('-'.repeat(20));
  });

  it('takes any step from 0 for a real one where no limits say how large one is', () => {
    expect(last(judged({}, flat(0, [500, 0, 500])), 3)).toBe('s-s');
  });

  it('lets a real step through, and any at 0 that is asked for', () => {
    expect(last(judged({}, flat(100, [102])), 1)).toBe('s');
    expect(last(judged({}, flat(100, [101.5, 100.5])), 2)).toBe('s-');
    expect(last(judged({ min_deviation: 3 }, flat(0, [2, 5])), 2)).toBe('-s');
    expect(last(judged({ flat_guard: 0 }, flat(100, [100.001])), 1)).toBe('s');
  });

  it('measures a series at 0 by the limits it is declared to keep', () => {
    const rows = flat(0, [4, 6]);
    const limits = { x: [0, 500] } as const;
    const rules = { threshold: 0.8, clear_after: 1 };
    new RowJudge(new RuleState(1), rules, ['x'], limits).judge(rows, 0, rows.causes.length);
    expect([...rows.causes.slice(-2)]).toEqual([0, 1]);
  });

  it('says nothing of a series that moves', () => {
    const noisy = Array.from({ length: 60 }, (_, i) => 1013 + Math.sin(i));
    expect(last(judged({}, rowsOf([...noisy, 1016], [...noisy.map(() => 0), 0.9])), 1)).toBe('s');
  });
});

describe('fixed limits, of a detector that states them and expects nothing', () => {
  /** As `threshold` with `low: 10, high: 80` says it. */
  const limited = (values: readonly number[]) => {
    const isBeyond = (value: number) => value < 10 || value > 80;
    const rows = rowsOf(
      values,
      values.map((value) => Number(isBeyond(value))),
    );
    rows.explained.feature.fill(0);
    rows.explained.lower.fill(10);
    rows.explained.upper.fill(80);
    return rows;
  };
  const flat = new Array(200).fill(79.9);

  it('make a row anomalous by however little it is beyond them, and whatever it was before', () => {
    expect(last(judged({}, limited([...flat, 80.5, 80.5, 79.9, 9.9])), 4)).toBe('ss-s');
    expect(last(judged({ min_deviation: 5, min_relative_deviation: 0.5 }, limited([...flat, 80.5])), 1)).toBe('s');
  });

  it('hold for a machine that was beyond them from its first row, once it is warm', () => {
    expect(judged({ warm_up_rows: 3, min_deviation: 5 }, limited(new Array(6).fill(500)))).toBe('---sss');
  });

  it('have two sides, as direction has', () => {
    expect(last(judged({ direction: 'above' }, limited([...flat, 500, 1])), 2)).toBe('s-');
    expect(last(judged({ direction: 'below' }, limited([...flat, 500, 1])), 2)).toBe('-s');
  });
});

describe('the valid range', () => {
  it('makes a row anomalous whatever its score, hold, direction or warm-up, and names its bounds', () => {
    const rules = {
      valid_range: { x: [0, 500] as const },
      hold_rows: 5,
      warm_up_rows: 100,
      direction: 'above' as const,
    };
    const rows = rowsOf([100, -1, 500, 501, NONE], [0, 0, 0, 0, 0]);
    expect(judged(rules, rows)).toBe('-r-r-');
    expect([rows.explained.lower[1], rows.explained.upper[1], rows.explained.expected[1]]).toEqual([0, 500, 100]);
  });
});

describe('a stuck sensor', () => {
  const stuck = { stuck_after: 30_000 };

  it('is a verdict of its own once it held one value for so long, until it moves', () => {
    expect(judged(stuck, rowsOf([1, 7, 7, 7, 7, 7, 8, 8], new Array(8).fill(0), 10))).toBe('----ss--');
  });

  it('takes three rows: two that lie far apart say nothing', () => {
    expect(judged(stuck, rowsOf([7, 7, 7], [0, 0, 0], 60))).toBe('--s');
  });

  it('goes on over missing values', () => {
    expect(judged(stuck, rowsOf([7, 7, NONE, NONE, 7, 7], new Array(6).fill(0), 10))).toBe('----ss');
  });

  it('is looked for in the columns that are named', () => {
    const rows = rowsOf([1, 5, 2, 5, 3, 5, 4, 5], [0, 0, 0, 0], 10);
    const two = { ...rows, causes: new Uint8Array(4), explained: createExplanations(4) };
    expect(judged({ stuck_after: { a: 10_000 } }, two, ['a', 'b'])).toBe('----');
    expect(judged({ stuck_after: { b: 20_000 } }, { ...two, causes: new Uint8Array(4) }, ['a', 'b'])).toBe('--ss');
  });

  it('begins to count anew when the rule comes back', () => {
    const state = new RuleState(1);
    const rules = { threshold: 0.8, clear_after: 1 };
    const rows = rowsOf([7, 7, 7, 5, 7, 7, 7], new Array(7).fill(0), 60);
    new RowJudge(state, { ...rules, ...stuck }, ['x']).judge(rows, 0, 2);
    new RowJudge(state, rules, ['x']).judge(rows, 2, 4);
    new RowJudge(state, { ...rules, ...stuck }, ['x']).judge(rows, 4, 7);
    expect([...rows.causes]).toEqual([0, 0, 0, 0, 0, 0, 3]);
  });
});

describe('rows cut anywhere', () => {
  it('give the same verdicts and the same bytes, through the bytes of the state', () => {
    const seed = testSeed();
    const random = randomFrom(seed);
    const maybe = <T extends object>(rule: T): T | object => (random() < 0.5 ? rule : {});
    for (let round = 0; round < 40; round++) {
      const columns = random() < 0.5 ? ['a'] : ['a', 'b'];
      const count = 250;
      const level = random() < 0.2 ? 0 : 100;
      const measure = () => (random() < 0.1 ? NONE : random() < 0.4 ? level : level + Math.floor(random() * 12) - 6);
      const rows: RowsToJudge = {
        times: BigInt64Array.from({ length: count }, (_, row) => BigInt(row) * SECOND),
        values: Float64Array.from({ length: count * columns.length }, measure),
        scores: Float64Array.from({ length: count }, () => (random() < 0.05 ? NONE : random() ** 0.3)),
        explained: createExplanations(count),
        causes: new Uint8Array(count),
      };
      const rules: VerdictRules = {
        threshold: 0.7,
        clear_after: 5000,
        ...maybe({ clear_level: 0.5 }),
        ...maybe({ direction: random() < 0.5 ? 'above' : 'below' }),
        ...maybe({ min_deviation: 2 }),
        ...maybe({ hold_rows: 1 + Math.floor(random() * 4) }),
        ...maybe({ hold_for: 2000 }),
        ...maybe({ valid_range: { a: [level - 5, level + 5] } }),
        ...maybe({ warm_up_rows: 20 }),
        ...maybe({ stuck_after: 3000 }),
      };
      const again = { ...rows, explained: createExplanations(count), causes: new Uint8Array(count) };
      const whole = new RuleState(columns.length);
      new RowJudge(whole, rules, columns).judge(rows, 0, count);

      let part = new RuleState(columns.length);
      for (let from = 0; from < count; ) {
        const to = Math.min(count, from + 1 + Math.floor(random() * 60));
        new RowJudge(part, rules, columns).judge(again, from, to);
        part = RuleState.fromBytes(part.toBytes(), columns.length);
        from = to;
      }
      const context = `seed ${seed}, round ${round}`;
      expect(again.causes, context).toEqual(rows.causes);
      expect(again.explained, context).toEqual(rows.explained);
      expect(part.toBytes(), context).toEqual(whole.toBytes());
    }
  });

  it('refuses bytes that are not those of a state', () => {
    const bytes = new RuleState(2).toBytes();
    expect(() => RuleState.fromBytes(bytes, 1)).toThrow('2 columns');
    expect(() => RuleState.fromBytes(bytes.slice(0, -1), 2)).toThrow('the state of its rules has 99 bytes');
    expect(() => RuleState.fromBytes(new Uint8Array(), 2)).toThrow('0 bytes');
  });
});
