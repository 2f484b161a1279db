import { describe, expect, it } from 'vitest';
import { fnv1a } from '../../src/detectors/byte-codec.js';
import type { Batch } from '../../src/detectors/detector.js';
import { growForest } from '../../src/detectors/half-space-forest.js';
import { type FeatureLimits, HalfSpaceTrees } from '../../src/detectors/half-space-trees.js';
import { testSeed } from '../random.js';
import { batchFrom, drawBatch, drawCase, type RandomCase, Xorshift32 } from './random-rows.js';

const DOCSTRING_VALUES = [0.5, 0.45, 0.43, 0.44, 0.445, 0.45, 0.0];
const SMALL = { n_trees: 5, height: 3, window_size: 3, seed: 42 };
const ROUNDS = 60;

function make({ settings, features, limits }: RandomCase): HalfSpaceTrees {
  return new HalfSpaceTrees(settings, features, limits);
}

function scoreAll(detector: HalfSpaceTrees, batch: Batch, order: RandomCase['order']): Float64Array {
  const scores = new Float64Array(batch.rows).fill(Number.NaN);
  detector.process(batch, 0, batch.rows, order, { scores, explained: null });
  return scores;
}

function batchOf(values: readonly number[]): Batch {
  return batchFrom(Float64Array.from(values), values.length);
}

/** Rows of one column a feature, in another order of columns. */
function reordered(batch: Batch, order: readonly number[]): Batch {
  const stride = order.length;
  const at = (i: number) => Math.floor(i / stride) * stride + (order[i % stride] ?? 0);
  return batchFrom(
    batch.values.map((_, i) => batch.values[at(i)] ?? Number.NaN),
    batch.rows,
    batch.missing?.map((_, i) => batch.missing?.[at(i)] ?? 0) ?? null,
  );
}

describe('HalfSpaceTrees', () => {
  it("gives the scores of the example in River's documentation", () => {
    const detector = new HalfSpaceTrees(SMALL, ['x']);
    scoreAll(detector, batchOf(DOCSTRING_VALUES.slice(0, 3)), 'learn_then_score');
    const scores = scoreAll(detector, batchOf(DOCSTRING_VALUES), 'learn_then_score');
    expect(Array.from(scores, (score) => score.toFixed(3))).toEqual(
      ['0.107', '0.071', '0.107', '0.107', '0.107', '0.071', '0.853'], // rounded there
    );
  });

  it('scores 0 until the first window is full', () => {
    const values = batchOf([0.1, 0.1, 0.9, 0.5]);
    expect(Array.from(scoreAll(new HalfSpaceTrees(SMALL, ['x']), values, 'score_then_learn').slice(0, 3))).toEqual([
      0, 0, 0,
    ]);
    // The third row fills the window and is then scored by it.
    const learnedFirst = scoreAll(new HalfSpaceTrees(SMALL, ['x']), values, 'learn_then_score');
    expect(Array.from(learnedFirst.slice(0, 2))).toEqual([0, 0]);
    expect(learnedFirst[2]).toBeGreaterThan(0);
  });

  it('looks only at the features of the first row, as if the others did not exist', () => {
    const random = new Xorshift32(5);
    const both = drawBatch(random, 300, 2);
    const missing = new Uint8Array(600);
    missing[0] = 1; // row 0 has no `a`
    const two = new HalfSpaceTrees({ ...SMALL, height: 6 }, ['a', 'b']);
    const one = new HalfSpaceTrees({ ...SMALL, height: 6 }, ['b']);
    const alone = batchFrom(
      both.values.filter((_, i) => i % 2 === 1),
      300,
    );
    expect(scoreAll(two, { ...both, missing }, 'score_then_learn')).toEqual(scoreAll(one, alone, 'score_then_learn'));
  });

  it('passes over rows without any feature before the first one with a feature, and learns them afterwards', () => {
    const detector = new HalfSpaceTrees(SMALL, ['x']);
    const batch = { ...batchOf([0.1, 0.1, 0.5, 0.1, 0.6]), missing: Uint8Array.of(1, 1, 0, 1, 0) };
    expect(Array.from(scoreAll(detector, batch, 'score_then_learn').slice(0, 2))).toEqual([0, 0]);
    expect(detector.rows).toBe(3);
  });

  it('keeps its bytes while it passes over rows without any feature', () => {
    const detector = new HalfSpaceTrees(SMALL, ['x']);
    const fresh = detector.toBytes();
    scoreAll(detector, { ...batchOf([0.1, 0.1]), missing: Uint8Array.of(1, 1) }, 'learn_then_score');
    expect(detector.toBytes()).toEqual(fresh);
  });

  it.each([
    ['goes right', 0, 1],
    ['and one just below it goes left', 1, 0],
  ])('a value equal to a split %s', (_, below, side) => {
    const plan = { trees: 1, height: 1, seed: 4, columns: [0], limits: [[0, 1]] as const };
    const split = growForest(plan).thresholds[1] ?? Number.NaN;
    const settings = { n_trees: 1, height: 1, window_size: 9, seed: 4 };
    // Four rows and one: walked side by side and alone.
    const received = new HalfSpaceTrees(settings, ['x']);
    scoreAll(received, batchOf(Array(5).fill(split - below * 2 ** -53)), 'score_then_learn');
    const expected = new HalfSpaceTrees(settings, ['x']);
    scoreAll(expected, batchOf(Array(5).fill(side)), 'score_then_learn');
    expect(received.toBytes()).toEqual(expected.toBytes());
  });

  it('scores huge, tiny and infinite values within 0..1', () => {
    const odd = [0, -0, 1e308, -1e308, 5e-324, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN];
    const values = Array.from({ length: 40 }, (_, i) => odd[i % odd.length] ?? 0);
    for (const score of scoreAll(new HalfSpaceTrees(SMALL, ['x']), batchOf(values), 'learn_then_score')) {
      expect(score >= 0 && score <= 1).toBe(true);
    }
  });

  it.each(['score_then_learn', 'learn_then_score'] as const)(
    'finds no row odd for a value that is missing when a window begins (%s)',
    (order) => {
      const settings = { n_trees: 10, height: 8, window_size: 250, seed: 42 };
      const random = new Xorshift32(3);
      const values = Float64Array.from(
        { length: 2 * 1300 },
        (_, i) => (i % 2 === 0 ? 0.42 : 0.31) + 0.01 * random.draw(),
      );
      const odd = [749, 750, 751, 1000, 1001, 1250];
      const missing = new Uint8Array(values.length);
      for (const row of odd) missing[2 * row] = 1;

      const detector = new HalfSpaceTrees(settings, ['power', 'temperature']);
      const scores = scoreAll(detector, batchFrom(values, 1300, missing), order);
      for (const row of odd) expect(scores[row], `row ${row}`).toBeLessThan(0.5);
    },
  );

  it('finds no row odd for a value that is missing when it only scores and a window has just begun', () => {
    const random = new Xorshift32(3);
    const values = Float64Array.from({ length: 2 * 251 }, () => 0.42 + 0.01 * random.draw());
    const missing = new Uint8Array(values.length);
    missing[2 * 250] = 1;
    const detector = new HalfSpaceTrees({ n_trees: 10, height: 8, window_size: 250, seed: 42 }, ['a', 'b']);
    const out = { scores: new Float64Array(251), explained: null };
    detector.process(batchFrom(values, 251, missing), 0, 250, 'score_then_learn', out);
    detector.process(batchFrom(values, 251, missing), 250, 251, 'score_only', out);
    expect(out.scores[250]).toBeLessThan(0.5);
  });

  it('still finds a row odd for its other values when one is missing as a window begins', () => {
    const detector = new HalfSpaceTrees({ n_trees: 10, height: 8, window_size: 250, seed: 42 }, ['a', 'b']);
    const random = new Xorshift32(3);
    const values = Float64Array.from({ length: 2 * 251 }, () => 0.42 + 0.01 * random.draw());
    values[2 * 250 + 1] = 0.9;
    const missing = new Uint8Array(values.length);
    missing[2 * 250] = 1;
    expect(scoreAll(detector, batchFrom(values, 251, missing), 'score_then_learn')[250]).toBeGreaterThan(0.8);
  });

  it('sorts feature names by code point, so that U+1F600 comes after U+FF5E', () => {
    const batch = drawBatch(new Xorshift32(11), 200, 2);
    const emoji = scoreAll(new HalfSpaceTrees(SMALL, ['\uff5e', '\u{1f600}']), batch, 'score_then_learn');
    const letters = scoreAll(new HalfSpaceTrees(SMALL, ['a', 'b']), batch, 'score_then_learn');
    expect(emoji).toEqual(letters);
  });
});

const seed = testSeed();

describe(`HalfSpaceTrees on random cases (HALFSPACE_TEST_SEED=${seed})`, () => {
  const random = new Xorshift32(seed);
  const cases = Array.from({ length: ROUNDS }, () => drawCase(random));

  it('scores within 0..1', () => {
    for (const one of cases) {
      for (const score of scoreAll(make(one), one.batch, one.order)) expect(score >= 0 && score <= 1).toBe(true);
    }
  });

  it('gives the same bits and bytes wherever chunks are cut', () => {
    for (const one of cases) {
      const whole = make(one);
      const expected = scoreAll(whole, one.batch, one.order);
      const cut = make(one);
      const scores = new Float64Array(one.batch.rows);
      for (let from = 0; from < one.batch.rows; ) {
        const to = Math.min(one.batch.rows, from + random.integer(0, 70));
        cut.process(one.batch, from, to, one.order, { scores, explained: null });
        from = to;
      }
      expect(scores).toEqual(expected);
      expect(cut.toBytes()).toEqual(whole.toBytes());
      expect(cut.rows).toBe(whole.rows);
    }
  });

  it('goes on from its bytes at any cut as if it had never stopped', () => {
    for (const one of cases) {
      const { settings, features, limits, batch, order } = one;
      const whole = make(one);
      const expected = scoreAll(whole, batch, order);
      const cut = random.integer(0, batch.rows);
      const before = make(one);
      const scores = new Float64Array(batch.rows);
      before.process(batch, 0, cut, order, { scores, explained: null });
      const after = HalfSpaceTrees.fromBytes(before.toBytes(), settings, features, limits);
      expect(after.rows).toBe(before.rows);
      expect(after.toBytes()).toEqual(before.toBytes());
      after.process(batch, cut, batch.rows, order, { scores, explained: null });
      expect(scores).toEqual(expected);
      expect(after.toBytes()).toEqual(whole.toBytes());
    }
  });

  it('scores without learning as it would before it learned, and stays as it was', () => {
    for (const { settings, features, limits, batch } of cases) {
      const detector = new HalfSpaceTrees(settings, features, limits);
      const learned = Math.floor(batch.rows / 2);
      const scores = new Float64Array(batch.rows);
      detector.process(batch, 0, learned, 'score_then_learn', { scores, explained: null });
      const before = detector.toBytes();
      detector.process(batch, learned, batch.rows, 'score_only', { scores, explained: null });
      expect(detector.toBytes()).toEqual(before);
      for (let row = learned; row < batch.rows; row += 17) {
        const twin = HalfSpaceTrees.fromBytes(before, settings, features, limits);
        const expected = new Float64Array(batch.rows);
        twin.process(batch, row, row + 1, 'score_then_learn', { scores: expected, explained: null });
        expect(scores[row]).toBe(expected[row]);
      }
    }
  });

  it('does not depend on the order of the features', () => {
    for (const one of cases) {
      const { settings, features, limits, batch, order } = one;
      const straight = make(one);
      const turnedOrder = features.map((_, i) => features.length - 1 - i);
      const turned = new HalfSpaceTrees(settings, features.toReversed(), limits);
      expect(scoreAll(turned, reordered(batch, turnedOrder), order)).toEqual(scoreAll(straight, batch, order));
      expect(turned.toBytes()).toEqual(straight.toBytes());
    }
  });

  it('gives the same bits whether an absence is marked in no row or by a mask of zeros', () => {
    for (const one of cases) {
      const plain = { ...one.batch, missing: null };
      const masked = { ...plain, missing: new Uint8Array(plain.values.length) };
      expect(scoreAll(make(one), masked, one.order)).toEqual(scoreAll(make(one), plain, one.order));
    }
  });

  it('refuses bytes with one byte altered, cut short or with more behind', () => {
    for (const one of cases) {
      const { settings, features, limits } = one;
      const detector = make(one);
      scoreAll(detector, one.batch, one.order);
      const bytes = detector.toBytes();
      const refuse = (bad: Uint8Array) =>
        expect(() => HalfSpaceTrees.fromBytes(bad, settings, features, limits)).toThrow(
          expect.objectContaining({ kind: 'CorruptSnapshot' }),
        );
      const altered = bytes.slice();
      const at = random.integer(0, bytes.length - 1);
      altered[at] = (altered[at] ?? 0) ^ random.integer(1, 255);
      refuse(altered);
      refuse(bytes.slice(0, random.integer(0, bytes.length - 1)));
      refuse(Uint8Array.of(...bytes, 0));
    }
  });
});

describe('HalfSpaceTrees.fromBytes', () => {
  const learned = new HalfSpaceTrees(SMALL, ['a', 'b']);
  scoreAll(learned, drawBatch(new Xorshift32(3), 50, 2), 'score_then_learn');

  it.each([
    ['`n_trees`', { ...SMALL, n_trees: 6 }, ['a', 'b'], {}],
    ['`height`', { ...SMALL, height: 4 }, ['a', 'b'], {}],
    ['`window_size`', { ...SMALL, window_size: 4 }, ['a', 'b'], {}],
    ['`seed`', { ...SMALL, seed: 43 }, ['a', 'b'], {}],
    ['features', SMALL, ['a', 'c'], {}],
    ['limits', SMALL, ['a', 'b'], { a: [0, 2] as const }],
  ])('refuses bytes made with other %s and names the value', (what, settings, features, limits: FeatureLimits) => {
    expect(() => HalfSpaceTrees.fromBytes(learned.toBytes(), settings, features, limits)).toThrow(
      new RegExp(`Expected .*${what}.* got`),
    );
  });

  it.each([
    ['more rows than its masses', 32, 51],
    ['rows that are no number', 32, Number.NaN],
    ['rows without any feature', 32, 0],
  ])('refuses %s, even when the checksum is right', (_, at, value) => {
    const bytes = learned.toBytes();
    const view = new DataView(bytes.buffer);
    expect(view.getFloat64(at, true)).toBe(50); // the rows learned
    view.setFloat64(at, value, true);
    view.setUint32(bytes.length - 4, fnv1a(bytes.subarray(0, -4)), true);
    expect(() => HalfSpaceTrees.fromBytes(bytes, SMALL, ['a', 'b'])).toThrow(
      expect.objectContaining({ kind: 'CorruptSnapshot', message: expect.not.stringMatching(/checksum/) }),
    );
  });

  it('refuses bytes with something between the masses and the checksum', () => {
    const bytes = Uint8Array.of(...learned.toBytes().slice(0, -4), 0, 0, 0, 0, 0);
    new DataView(bytes.buffer).setUint32(bytes.length - 4, fnv1a(bytes.subarray(0, -4)), true);
    expect(() => HalfSpaceTrees.fromBytes(bytes, SMALL, ['a', 'b'])).toThrow('the length before the checksum');
  });

  it('reads bytes that lie anywhere in a larger buffer', () => {
    const bytes = learned.toBytes();
    const larger = new Uint8Array(bytes.length + 8);
    larger.set(bytes, 3);
    const read = HalfSpaceTrees.fromBytes(larger.subarray(3, 3 + bytes.length), SMALL, ['a', 'b']);
    expect(read.toBytes()).toEqual(bytes);
  });
});

describe('new HalfSpaceTrees', () => {
  it.each([
    ['no trees', { ...SMALL, n_trees: 0 }, ['x'], {}, 'got `0`'],
    ['half a level', { ...SMALL, height: 1.5 }, ['x'], {}, 'got `1.5`'],
    ['16 levels', { ...SMALL, height: 16 }, ['x'], {}, 'got `16`'],
    ['a window of 0', { ...SMALL, window_size: 0 }, ['x'], {}, 'got `0`'],
    ['a negative seed', { ...SMALL, seed: -1 }, ['x'], {}, 'got `-1`'],
    ['masses beyond 2^53', { n_trees: 1000, height: 15, window_size: 2 ** 31 - 1, seed: 1 }, ['x'], {}, '2^53'],
    ['no features', SMALL, [], {}, 'at least one feature'],
    ['a feature twice', SMALL, ['x', 'y', 'x'], {}, '`x` twice'],
    ['limits upside down', SMALL, ['x'], { x: [1, 0] as const }, '`[1, 0]`'],
    ['endless limits', SMALL, ['x'], { x: [0, Number.POSITIVE_INFINITY] as const }, 'Infinity'],
  ])('refuses %s', (_, settings, features, limits: FeatureLimits, message) => {
    expect(() => new HalfSpaceTrees(settings, features, limits)).toThrow(message);
    expect(() => new HalfSpaceTrees(settings, features, limits)).toThrow(
      expect.objectContaining({ kind: 'BadSettings' }),
    );
  });

  it('refuses limits that are too narrow to be halved when it meets the first row', () => {
    const detector = new HalfSpaceTrees({ ...SMALL, height: 12 }, ['x'], { x: [1, 1 + 2 ** -51] });
    expect(() => scoreAll(detector, batchOf([1]), 'score_then_learn')).toThrow('wider limits');
    expect(detector.rows).toBe(0);
  });

  it('refuses rows outside the batch', () => {
    const detector = new HalfSpaceTrees(SMALL, ['x']);
    expect(() =>
      detector.process(batchOf([1]), 0, 2, 'score_then_learn', { scores: new Float64Array(2), explained: null }),
    ).toThrow(RangeError);
    expect(() =>
      detector.process(batchOf([1]), 0, 1, 'score_then_learn', { scores: new Float64Array(0), explained: null }),
    ).toThrow(RangeError);
  });
});
