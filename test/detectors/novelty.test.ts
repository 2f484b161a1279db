import { brotliDecompressSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import type { NoveltySettings } from '../../src/contract/pipeline.js';
import { type Batch, createExplanations, type LearningOrder } from '../../src/detectors/detector.js';
import { Novelty } from '../../src/detectors/novelty.js';
import { Calendars } from '../../src/detectors/novelty-calendar.js';
import { Xorshift32 } from './random-rows.js';

const SETTINGS: NoveltySettings = { kind: 'novelty', pattern: false, eps: 1 / 1024, hide_first: 0 };
const HOUR = 3_600_000_000_000n;
/** Bytes of the first version after the rows 3, 1, 4, 1, 5 with an `eps` of 0.1, brotli and base64. */
const FIRST_VERSION =
  'G5YReI7EOEZyTFq85T+My3d2U7qmiG1/UAIbHAHGRYANSlaCE10AQE8PKGuxhZxAlkEiLYi0gH+mA93k9waDb23TbeyuFhgUHMUA' +
  'F35jSwAA6hwAgB8A4IUAAOQGtaqnpOUuUo8HXBWy+/miMrM18GN5LPwiu6XnJ8VfxKR4kn4IndbX3F/RnFLvxDqXs5NjE/fNr/Se' +
  'N5/9MXFMwwX1tak5t/QnYPvkqFnU+vFO266ylPbOL2q/Wyg9tf8TTtlgKo3ey3uhHp3pdDrgkGL6ssqbfG9mU+7wtpyufVBzk3/5' +
  '5bs5ACCfw6vs4y29Dg==';

function batchOf(values: readonly number[], times: BigInt64Array | null = null): Batch {
  const raw = Float64Array.from(values);
  return { rows: raw.length, times, raw, values: raw, missing: null };
}

function take(detector: Novelty, batch: Batch, order: LearningOrder = 'score_then_learn') {
  const scores = new Float64Array(batch.rows);
  const explained = createExplanations(batch.rows);
  detector.process(batch, 0, batch.rows, order, { scores, explained });
  return { scores, explained };
}

/** Values in 0..10 with one decimal, seeded. */
function ordinary(count: number, seed = 1): number[] {
  const random = new Xorshift32(seed);
  return Array.from({ length: count }, () => random.integer(0, 100) / 10);
}

function alarmsOf(scores: Float64Array): number[] {
  return Array.from(scores.keys()).filter((row) => (scores[row] ?? 0) > 0.5);
}

describe('Novelty', () => {
  it('says where something new begins, and nothing while it lasts or when it ends', () => {
    const { scores } = take(
      new Novelty(SETTINGS, ['x']),
      batchOf([...ordinary(1000), 40, 40, 41, 40, ...ordinary(300, 2)]),
    );
    expect(alarmsOf(scores.subarray(800))).toEqual([200]);
  });

  it('finds one value between two levels, where a range would see nothing', () => {
    const levels = Array.from({ length: 1000 }, (_, i) => (i % 2 === 0 ? 1 : 9) + ((i * 7) % 10) / 100);
    const { scores, explained } = take(new Novelty(SETTINGS, ['x']), batchOf([...levels, 5]));
    expect(scores[1000]).toBeGreaterThan(0.8);
    expect(explained.view[1000]).toBe(0);
    expect([explained.lower[1000], explained.upper[1000]]).toEqual([Number.NaN, Number.NaN]);
  });

  it('counts a second event of the same kind less than the first', () => {
    const days = ordinary(1000);
    const { scores } = take(
      new Novelty(SETTINGS, ['x']),
      batchOf([...days, 30, ...ordinary(200, 2), 31, ...ordinary(100, 3)]),
    );
    const [first = 0, second = 0] = [scores[1000], scores[1201]];
    expect(second).toBeLessThan(first);
  });

  it('tells the value that the nearest of its past was, and the bound that was broken', () => {
    const { explained } = take(new Novelty(SETTINGS, ['x']), batchOf([...ordinary(1000), 40]));
    expect(explained.feature[1000]).toBe(0);
    expect(['level', 'ceiling']).toContain(new Novelty(SETTINGS, ['x']).views[explained.view[1000] ?? -1]);
    expect(explained.expected[1000]).toBe(10);
    expect(explained.upper[1000]).toBe(10);
    expect(explained.lower[1000]).toBeNaN();
    const below = take(new Novelty(SETTINGS, ['x']), batchOf([...ordinary(1000), -40])).explained;
    expect([below.expected[1000], below.lower[1000]]).toEqual([0, 0]);
    expect(below.upper[1000]).toBeNaN();
  });

  it('expects no other value of a row at which the floor rises: it is the rows before that are not as low as ever', () => {
    const settings = { ...SETTINGS, eps: 0.01 };
    const detector = new Novelty(settings, ['x']);
    take(detector, batchOf(ordinary(1000)));
    const { scores, explained } = take(detector, batchOf(ordinary(200, 2).map((value) => 7 + value / 4)));
    const risen = Array.from(scores.keys()).filter((row) => scores[row] !== 0 && explained.view[row] === 1);
    expect(risen.length).toBeGreaterThan(0);
    for (const row of risen) expect(explained.expected[row]).toBeNaN();
  });

  it('explains the rows that have a score, and no others', () => {
    const { scores, explained } = take(new Novelty(SETTINGS, ['x']), batchOf([...ordinary(500), 40, 41]));
    expect(Array.from(explained.feature)).toEqual(Array.from(scores, (score) => (score > 0 ? 0 : -1)));
  });

  it('expects of an hour what that hour had', () => {
    const calendars = new Calendars(1 / 1024);
    const usual = (hour: number) => Math.abs((hour % 24) - 12);
    for (let hour = 0; hour < 24 * 28; hour++) calendars.take(usual(hour), hour, true);
    const novelties: number[] = [];
    for (let hour = 24 * 28; hour < 24 * 29; hour++) {
      novelties.push(calendars.take(40 + usual(hour), hour, false));
      expect(calendars.expected).toBe(usual(hour));
    }
    expect(Math.max(...novelties)).toBeGreaterThan(1);
  });

  it('puts times before 1970 and at the edge of an hour into their hours', () => {
    // Two values that depend on nothing but the hour of day: a cell that is off by one hour would mix them.
    const rows = 24 * 60;
    const start = -30n * 24n * HOUR;
    const edge = (row: number) => start + BigInt(row) * HOUR + (row % 2 === 0 ? 0n : HOUR - 1n);
    const times = BigInt64Array.from({ length: rows }, (_, row) => edge(row));
    const values = Array.from({ length: rows }, (_, row) => (row % 24 === 6 ? 9 : 1));
    const { scores } = take(new Novelty(SETTINGS, ['x']), batchOf(values, times));
    expect(alarmsOf(scores.subarray(24 * 14))).toEqual([]);
    values.splice(24 * 50 + 7, 1, 9);
    const shifted = take(new Novelty(SETTINGS, ['x']), batchOf(values, times));
    expect(shifted.scores[24 * 50 + 7]).toBeGreaterThan(0);
  });

  it('finds a wave whose beat breaks by its pattern', () => {
    const settings = { ...SETTINGS, pattern: true };
    const beat = [0, 0, 0, 0, 9, 0, 0, 0];
    const values = Array.from({ length: 1200 }, (_, i) => beat[i % 8] ?? 0);
    values[1004] = 0;
    values[1006] = 9;
    const { scores, explained } = take(new Novelty(settings, ['x']), batchOf(values));
    const [row = -1] = alarmsOf(scores).filter((at) => at > 900);
    expect(row).toBeGreaterThanOrEqual(1004);
    expect(row).toBeLessThan(1016);
    expect(new Novelty(settings, ['x']).views[explained.view[row] ?? 0]).toBe('pattern');
  });

  it('says nothing in its first rows, yet learns them', () => {
    const values = [...ordinary(300), 40, ...ordinary(300, 2), 80];
    const open = take(new Novelty(SETTINGS, ['x']), batchOf(values)).scores;
    const hiding = take(new Novelty({ ...SETTINGS, hide_first: 301 }, ['x']), batchOf(values)).scores;
    expect(open[300]).toBeGreaterThan(0.5);
    expect(hiding.subarray(0, 301).every((score) => score === 0)).toBe(true);
    expect(hiding.subarray(301)).toEqual(open.subarray(301));
  });

  it('passes over rows without a value as if they were not there', () => {
    const values = [...ordinary(400), 40, ...ordinary(50, 2)];
    const plain = take(new Novelty(SETTINGS, ['x']), batchOf(values)).scores;
    const holes = values.flatMap((value) => [value, Number.NaN, 7]);
    const missing = Uint8Array.from(holes.keys(), (i) => Number(i % 3 === 2));
    const detector = new Novelty(SETTINGS, ['x']);
    const { scores } = take(detector, { ...batchOf(holes), missing });
    expect(scores.filter((_, i) => i % 3 === 0)).toEqual(plain);
    expect(scores.filter((_, i) => i % 3 !== 0).every((score) => score === 0)).toBe(true);
    expect(detector.rows).toBe(values.length);
  });

  it('compares a row with those before it in either learning order', () => {
    const batch = batchOf([...ordinary(400), 40]);
    expect(take(new Novelty(SETTINGS, ['x']), batch, 'learn_then_score').scores).toEqual(
      take(new Novelty(SETTINGS, ['x']), batch).scores,
    );
  });

  it('still finds what it found once when nothing was learned of it', () => {
    const detector = new Novelty(SETTINGS, ['x']);
    take(detector, batchOf(ordinary(600)));
    const strange = batchOf([40, 40, 40, ...ordinary(100, 2), 40]);
    const first = take(detector, strange, 'score_only');
    expect(alarmsOf(first.scores)[0]).toBe(0);
    // Within a stretch that is only scored rows pass by, so that it is said once; the value stays as new as it was.
    expect(first.scores[1]).toBe(0);
    expect(alarmsOf(first.scores)).toContain(103);
    take(detector, batchOf(ordinary(100, 3)));
    // What passed by before the rows that were learned is forgotten.
    const unaware = new Novelty(SETTINGS, ['x']);
    take(unaware, batchOf([...ordinary(600), ...ordinary(100, 3)]));
    expect(take(detector, strange, 'score_only')).toEqual(take(unaware, strange, 'score_only'));
  });

  it('keeps what passed through a save, and no longer than until a row with a value is learned', () => {
    const detector = new Novelty(SETTINGS, ['x']);
    take(detector, batchOf(ordinary(600)));
    const before = detector.toBytes();
    expect(take(detector, batchOf([40, 41]), 'score_only').scores[0]).toBeGreaterThan(0.5);
    take(detector, batchOf([Number.NaN]));
    const paused = Novelty.fromBytes(detector.toBytes(), SETTINGS, ['x']);
    // Said once already.
    expect(take(paused, batchOf([41]), 'score_only').scores[0]).toBe(0);
    const unaware = Novelty.fromBytes(before, SETTINGS, ['x']);
    for (const one of [paused, unaware]) take(one, batchOf([5]));
    expect(paused.toBytes()).toEqual(unaware.toBytes());
    expect(paused.sizeBytes).toBe(unaware.sizeBytes);
  });

  it('reads bytes of the first version, and writes them while nothing passes', () => {
    const settings = { ...SETTINGS, eps: 0.1 };
    const detector = new Novelty(settings, ['x']);
    take(detector, batchOf([3, 1, 4, 1, 5]));
    const first = Uint8Array.from(brotliDecompressSync(Buffer.from(FIRST_VERSION, 'base64')));
    expect(detector.toBytes()).toEqual(first);
    expect(Novelty.fromBytes(first, settings, ['x']).toBytes()).toEqual(first);
  });

  it.each([
    ['no value column', SETTINGS, [], 'one feature'],
    ['two of them', SETTINGS, ['x', 'y'], 'one feature'],
    ['a resolution of nothing', { ...SETTINGS, eps: 0 }, ['x'], '`eps`'],
    ['a resolution that is no number', { ...SETTINGS, eps: Number.NaN }, ['x'], '`eps`'],
    ['half a row to hide', { ...SETTINGS, hide_first: 0.5 }, ['x'], '`hide_first`'],
  ])('refuses %s', (_, settings, names, message) => {
    expect(() => new Novelty(settings, names)).toThrow(
      expect.objectContaining({ kind: 'BadSettings', message: expect.stringContaining(message) }),
    );
  });

  it('refuses bytes of other settings', () => {
    const bytes = new Novelty(SETTINGS, ['x']).toBytes();
    for (const other of [{ pattern: true }, { eps: 1 / 512 }, { hide_first: 1 }]) {
      expect(() => Novelty.fromBytes(bytes, { ...SETTINGS, ...other }, ['x'])).toThrow(
        expect.objectContaining({ kind: 'CorruptSnapshot' }),
      );
    }
  });
});
