import { describe, expect, it } from 'vitest';
import {
  type Batch,
  createExplanations,
  type Detector,
  type Explanations,
  type LearningOrder,
} from '../../src/detectors/detector.js';
import { createDetector, detectorFromBytes } from '../../src/detectors/registry.js';
import { testSeed } from '../random.js';
import { DETECTORS, type DetectorCase } from './detector-table.js';
import { Xorshift32 } from './random-rows.js';

/**
 * What every detector must do, whatever it looks for: {@link Detector}'s promises on seeded random rows and on odd ones.
 * A new detector is added to the table in detector-table.ts.
 */

const ROUNDS = 12;
const NAMES = ['power', 'Load', 'b', '\u{1f600}'];
const ORDERS = ['score_then_learn', 'learn_then_score', 'score_only'] as const;
const SECOND = 1_000_000_000n;
const START = 1_764_000_000n * SECOND;
const LARGEST_MODEL = 64 * 1024 * 1024;

interface Said {
  readonly scores: Float64Array;
  readonly explained: Explanations;
}

/** What `detector` says of `rows`, in one call. */
function take(detector: Detector, batch: Batch, order: LearningOrder): Said {
  const said = emptyHanded(batch.rows);
  detector.process(batch, 0, batch.rows, order, said);
  return said;
}

function emptyHanded(rows: number): Said {
  return { scores: new Float64Array(rows).fill(Number.NaN), explained: createExplanations(rows) };
}

function expectSound({ scores, explained }: Said, detector: Detector, features: number): void {
  scores.forEach((score, row) => {
    if (!(score >= 0 && score <= 1)) expect.fail(`row ${row} has the score ${score}`);
  });
  explained.feature.forEach((feature, row) => {
    if (!(feature >= -1 && feature < features)) expect.fail(`row ${row} is explained by the feature ${feature}`);
    const view = explained.view[row] ?? 0;
    if (feature >= 0 && view >= detector.views.length) expect.fail(`row ${row} is explained by the view ${view}`);
  });
  if (detector.views.length === 0)
    expectSame({ scores, explained }, { scores, explained: createExplanations(scores.length) });
}

/** Rows as machines send them: waves, steps, stretches of one value; and unless `isClean` holes, and now and then an odd value. */
function drawRows(random: Xorshift32, rows: number, features: number, isClean = false): Batch {
  const raw = new Float64Array(rows * features);
  const missing = new Uint8Array(rows * features);
  const times = new BigInt64Array(rows);
  const odd = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 1e308, -1e308, 5e-324, 0, -0];
  const holes = isClean || random.draw() < 0.5 ? 0 : 0.3 * random.draw();
  const oddness = isClean || random.draw() < 0.5 ? 0 : 0.05;
  let time = START;
  let level = 100 * random.draw();
  let noise = random.draw();
  for (let row = 0; row < rows; row++) {
    time += SECOND * BigInt(random.integer(1, random.draw() < 0.02 ? 40_000 : 900));
    times[row] = time;
    if (random.draw() < 0.01) level = 100 * random.draw();
    if (random.draw() < 0.02) noise = random.draw() < 0.5 ? 0 : 5 * random.draw();
    for (let at = row * features; at < (row + 1) * features; at++) {
      raw[at] = level + 10 * Math.sin(row / 9) * Math.sign(noise) + noise * (random.draw() - 0.5);
      if (random.draw() < oddness) raw[at] = odd[random.integer(0, odd.length - 1)] ?? 0;
      missing[at] = Number(random.draw() < holes);
    }
  }
  return { rows, times, raw, values: raw.map((value) => value / 100), missing: holes === 0 ? null : missing };
}

/** `count` equal rows of `value`. */
function same(value: number, count: number, features: number, isMissing = false): Batch {
  const raw = new Float64Array(count * features).fill(value);
  return {
    rows: count,
    times: BigInt64Array.from({ length: count }, (_, i) => START + BigInt(i) * SECOND),
    raw,
    values: raw,
    missing: isMissing ? new Uint8Array(count * features).fill(1) : null,
  };
}

/** Bit for bit; much faster than looking at each number. */
function expectSame(received: Said | Uint8Array, expected: Said | Uint8Array): void {
  const [mine, theirs] = [received, expected].map((one) => Buffer.concat(partsOf(one)));
  if (mine === undefined || theirs === undefined || !mine.equals(theirs)) expect(received).toStrictEqual(expected);
}

function partsOf(of: Said | Uint8Array): Uint8Array[] {
  const arrays = of instanceof Uint8Array ? [of] : [of.scores, ...Object.values(of.explained)];
  return arrays.map(({ buffer, byteOffset, byteLength }) => new Uint8Array(buffer, byteOffset, byteLength));
}

/** Rows of one batch after those of another, their times moved behind. */
function following(before: Batch, batch: Batch): Batch {
  const last = before.times?.at(-1) ?? 0n;
  const shift = last + SECOND - (batch.times?.at(0) ?? 0n);
  return { ...batch, times: batch.times?.map((time) => time + shift) ?? null };
}

function rowsOf(batch: Batch, from: number, to: number): Batch {
  const stride = batch.raw.length / batch.rows;
  return {
    rows: to - from,
    times: batch.times?.slice(from, to) ?? null,
    raw: batch.raw.slice(from * stride, to * stride),
    values: batch.values.slice(from * stride, to * stride),
    missing: batch.missing?.slice(from * stride, to * stride) ?? null,
  };
}

/** Runs the suite over one detector. */
export function detectorContract({ name, settings, features, recentRows, fades = false }: DetectorCase): void {
  const seed = testSeed();

  describe(`${name} (HALFSPACE_TEST_SEED=${seed})`, () => {
    const random = new Xorshift32(seed);
    const drawNames = () => NAMES.slice(0, random.integer(...features));
    const rounds = (check: (names: readonly string[], batch: Batch, order: LearningOrder) => void) => {
      for (let round = 0; round < ROUNDS; round++) {
        const names = drawNames();
        const order = ORDERS[round % 2] ?? 'score_then_learn';
        check(names, drawRows(random, random.integer(1, 700), names.length), order);
      }
    };

    it('scores within 0..1 and explains with features and views that there are', () => {
      rounds((names, batch, order) => {
        const detector = createDetector(settings, names);
        expectSound(take(detector, batch, order), detector, names.length);
      });
    });

    it('scores the same whether or not it is asked why', () => {
      rounds((names, batch, order) => {
        const told = take(createDetector(settings, names), batch, order);
        const scores = new Float64Array(batch.rows);
        createDetector(settings, names).process(batch, 0, batch.rows, order, { scores, explained: null });
        expectSame({ ...told, scores }, told);
      });
    });

    it('gives the same bits and bytes wherever chunks are cut', () => {
      rounds((names, batch, order) => {
        const whole = createDetector(settings, names);
        const expected = take(whole, batch, order);
        const cut = createDetector(settings, names);
        const said = emptyHanded(batch.rows);
        for (let from = 0; from < batch.rows; ) {
          const to = Math.min(batch.rows, from + random.integer(0, 70));
          cut.process(batch, from, to, order, said);
          from = to;
        }
        expectSame(said, expected);
        expectSame(cut.toBytes(), whole.toBytes());
        expect(cut.rows).toBe(whole.rows);
      });
    });

    it('goes on from its bytes at any cut as if it had never stopped', () => {
      rounds((names, batch, order) => {
        const whole = createDetector(settings, names);
        const expected = take(whole, batch, order);
        const cut = random.integer(0, batch.rows);
        const before = createDetector(settings, names);
        const said = emptyHanded(batch.rows);
        before.process(batch, 0, cut, order, said);
        const bytes = before.toBytes();
        const after = detectorFromBytes(settings, names, bytes);
        expectSame(after.toBytes(), bytes);
        expect(after.rows).toBe(before.rows);
        after.process(batch, cut, batch.rows, order, said);
        expectSame(said, expected);
        expectSame(after.toBytes(), whole.toBytes());
      });
    });

    it('gives the same bits and bytes wherever stretches that are learned and ones that are not are cut', () => {
      rounds((names, batch, order) => {
        const whole = createDetector(settings, names);
        const expected = emptyHanded(batch.rows);
        let cut = createDetector(settings, names);
        const said = emptyHanded(batch.rows);
        let isLearned = true;
        for (let from = 0; from < batch.rows; isLearned = !isLearned) {
          const to = Math.min(batch.rows, from + random.integer(0, 200));
          const its = isLearned ? order : 'score_only';
          whole.process(batch, from, to, its, expected);
          while (from < to) {
            const next = Math.min(to, from + random.integer(0, 70));
            cut.process(batch, from, next, its, said);
            cut = detectorFromBytes(settings, names, cut.toBytes());
            from = next;
          }
        }
        expectSame(said, expected);
        expectSame(cut.toBytes(), whole.toBytes());
        expect(cut.rows).toBe(whole.rows);
      });
    });

    it('scores a row without learning it as it would before it learned it', () => {
      rounds((names, batch) => {
        const detector = createDetector(settings, names);
        take(detector, batch, 'score_then_learn');
        const next = following(batch, drawRows(random, 1, names.length));
        const twin = detectorFromBytes(settings, names, detector.toBytes());
        expectSame(take(twin, next, 'score_only'), take(detector, next, 'score_then_learn'));
      });
    });

    it('learns nothing of rows that are scored only', () => {
      rounds((names, batch) => {
        const detector = createDetector(settings, names);
        const recent = following(batch, drawRows(random, recentRows + 1, names.length, true));
        take(detector, batch, 'score_then_learn');
        take(detector, recent, 'score_then_learn');
        const { rows } = detector;
        const before = detector.toBytes();
        const strange = following(recent, drawRows(random, random.integer(1, 200), names.length));
        expectSound(take(detector, strange, 'score_only'), detector, names.length);
        const again = following(strange, rowsOf(recent, 1, recent.rows));
        const { scores } = take(detector, again, 'score_only');
        expect(detector.rows).toBe(rows);
        const twin = detectorFromBytes(settings, names, before);
        if (!fades) {
          // What passes may be kept until the next row is learned.
          const next = following(again, same(50, 1, names.length));
          expectSame(take(detector, next, 'score_then_learn'), take(twin, next, 'score_then_learn'));
          expectSame(detector.toBytes(), twin.toBytes());
          return;
        }
        const unaware = take(twin, again, 'score_only').scores;
        for (let row = recentRows / 2; row < recentRows; row++) expect(scores[row]).toBeCloseTo(unaware[row] ?? -1, 9);
      });
    });

    it.each([
      ['no rows', 0, 0],
      ['one row', 1, 1],
      ['one value', 12.5, 400],
      ['zeros', -0, 400],
      ['NaN', Number.NaN, 400],
      ['huge values', 1e308, 400],
      ['huge negative values', -1.7e308, 400],
      ['tiny values', 5e-324, 400],
      ['endless values', Number.POSITIVE_INFINITY, 400],
    ])('takes %s, and ordinary rows before and after', (_, value, count) => {
      for (const order of ORDERS) {
        const names = drawNames();
        const detector = createDetector(settings, names);
        const odd = same(value, count, names.length);
        expectSound(take(detector, odd, order), detector, names.length);
        const ordinary = following(odd, drawRows(random, 300, names.length));
        expectSound(take(detector, ordinary, order), detector, names.length);
        expectSound(take(detector, following(ordinary, odd), order), detector, names.length);
        expectSame(detectorFromBytes(settings, names, detector.toBytes()).toBytes(), detector.toBytes());
      }
    });

    it('takes values that leap between the largest numbers there are', () => {
      const names = drawNames();
      const detector = createDetector(settings, names);
      const leaps = same(0, 400, names.length);
      leaps.raw.forEach((_, at) => {
        leaps.raw[at] = [1.7e308, -1.7e308, 0, 5e-324][random.integer(0, 3)] ?? 0;
      });
      expectSound(take(detector, leaps, 'score_then_learn'), detector, names.length);
      expectSame(detectorFromBytes(settings, names, detector.toBytes()).toBytes(), detector.toBytes());
    });

    it('takes rows without any feature, and rows without times', () => {
      const names = drawNames();
      const detector = createDetector(settings, names);
      expectSound(take(detector, same(1, 30, names.length, true), 'score_then_learn'), detector, names.length);
      const timeless = { ...drawRows(random, 300, names.length), times: null };
      expectSound(take(detector, timeless, 'score_then_learn'), detector, names.length);
    });

    it('refuses bytes of other detectors, other features, and damaged ones', () => {
      const names = NAMES.slice(0, features[0]);
      const batch = drawRows(random, 200, names.length);
      const detector = createDetector(settings, names);
      take(detector, batch, 'score_then_learn');
      const bytes = detector.toBytes();
      const refuse = (bad: Uint8Array, of: readonly string[] = names) =>
        expect(() => detectorFromBytes(settings, of, bad)).toThrow(
          expect.objectContaining({ kind: 'CorruptSnapshot' }),
        );
      for (const other of DETECTORS) {
        if (other.name === name || other.features[0] > names.length || other.features[1] < names.length) continue;
        const stranger = createDetector(other.settings, names);
        take(stranger, batch, 'score_then_learn');
        refuse(stranger.toBytes());
      }
      refuse(bytes, ['another', ...names.slice(1)]);
      refuse(new Uint8Array(0));
      refuse(bytes.slice(0, random.integer(0, bytes.length - 1)));
      refuse(Uint8Array.of(...bytes, 0));
      const altered = bytes.slice();
      const at = random.integer(0, bytes.length - 1);
      altered[at] = (altered[at] ?? 0) ^ random.integer(1, 255);
      refuse(altered);
    });

    it('knows about how much memory it holds', () => {
      const names = NAMES.slice(0, features[1]);
      const detector = createDetector(settings, names);
      for (const order of ORDERS) {
        take(detector, drawRows(random, 700, names.length), order);
        expect(Number.isSafeInteger(detector.sizeBytes)).toBe(true);
        expect(detector.sizeBytes).toBeLessThan(LARGEST_MODEL);
        // What is saved is held, but for a header.
        expect(detector.sizeBytes + 256).toBeGreaterThan(detector.toBytes().length);
      }
    });
  });
}
