import { describe, expect, it } from 'vitest';
import type { DetectorSettings } from '../../src/contract/pipeline.js';
import { type Batch, createExplanations } from '../../src/detectors/detector.js';
import { type ColumnGroup, PerColumn } from '../../src/detectors/per-column.js';
import { createDetector } from '../../src/detectors/registry.js';
import { testSeed } from '../random.js';
import { DETECTORS } from './detector-table.js';
import { batchFrom, drawBatch, Xorshift32 } from './random-rows.js';

const seed = testSeed();
const SETTINGS: DetectorSettings = { kind: 'half_space_trees', n_trees: 6, height: 5, window_size: 40, seed: 3 };
const NAMES = ['a', 'b', 'hour'];
const GROUPS: ColumnGroup[] = [
  { features: [0, 2], own: 1 },
  { features: [1, 2], own: 1 },
];

function scored(detector: PerColumn, batch: Batch, from = 0, to = batch.rows) {
  const out = { scores: new Float64Array(batch.rows), explained: createExplanations(batch.rows) };
  detector.process(batch, from, to, 'score_then_learn', out);
  return out;
}

/** The scores of one column's detector by itself. */
function alone(batch: Batch, { features }: ColumnGroup): Float64Array {
  const pick = (rows: Float64Array) =>
    Float64Array.from({ length: batch.rows * 2 }, (_, i) => rows[Math.floor(i / 2) * 3 + (features[i % 2] ?? 0)] ?? 0);
  const scores = new Float64Array(batch.rows);
  const own = batchFrom(pick(batch.values), batch.rows);
  createDetector(SETTINGS, ['a', 'hour']).process(own, 0, own.rows, 'score_then_learn', { scores, explained: null });
  return scores;
}

describe(`a model a column (HALFSPACE_TEST_SEED=${seed})`, () => {
  it('scores a row as its worst column and names that column', () => {
    const random = new Xorshift32(seed);
    const batch = batchFrom(
      Float64Array.from({ length: 900 }, () => random.draw()),
      300,
    );
    const { scores, explained } = scored(new PerColumn(SETTINGS, NAMES, GROUPS), batch);
    // One kind of detector over features of the same places and names is one detector.
    const renamed = GROUPS.map((group) => alone(batch, group));
    const [a, b] = renamed;
    const told = new Set<number>();
    for (let row = 0; row < 300; row++) {
      const [own, other] = [a?.[row] ?? 0, b?.[row] ?? 0];
      expect(scores[row]).toBe(Math.max(own, other));
      expect(explained.feature[row]).toBe(other > own ? 1 : 0);
      told.add(explained.feature[row] ?? -1);
    }
    expect([...told].sort()).toEqual([0, 1]);
  });

  it('leaves a column alone in rows without a value of it', () => {
    const missing = Uint8Array.from({ length: 300 }, (_, i) => Number(i % 3 === 1));
    const batch = batchFrom(
      Float64Array.from({ length: 300 }, (_, i) => (i % 3) / 3),
      100,
      missing,
    );
    const detector = new PerColumn(SETTINGS, NAMES, GROUPS);
    const { explained } = scored(detector, batch);
    expect(new Set(explained.feature)).toEqual(new Set([0]));
    const untouched = new PerColumn(SETTINGS, NAMES, GROUPS).toBytes();
    expect(detector.toBytes().length).toBeGreaterThan(untouched.length);
    expect(detector.rows).toBe(100);
  });

  it('gives the same bits wherever chunks are cut and its state is saved', () => {
    const random = new Xorshift32(seed);
    for (let round = 0; round < 20; round++) {
      const batch = drawBatch(random, 250, 3);
      const once = new PerColumn(SETTINGS, NAMES, GROUPS);
      const whole = scored(once, batch);
      const cut = random.integer(0, 250);
      const before = new PerColumn(SETTINGS, NAMES, GROUPS);
      const first = scored(before, batch, 0, cut);
      const after = PerColumn.fromBytes(SETTINGS, NAMES, GROUPS, before.toBytes());
      const second = scored(after, batch, cut, 250);
      expect([...first.scores.subarray(0, cut), ...second.scores.subarray(cut)]).toEqual([...whole.scores]);
      expect([...first.explained.feature.subarray(0, cut), ...second.explained.feature.subarray(cut)]).toEqual([
        ...whole.explained.feature,
      ]);
      expect(after.toBytes()).toEqual(once.toBytes());
    }
  });

  it.each(DETECTORS)('scores any number, in chunks cut anywhere, with $name', ({ settings, features: [, most] }) => {
    // A detector of one feature goes without the calendar.
    const groups = GROUPS.map((group) => ({ ...group, features: group.features.slice(0, most) }));
    const names = ['power', 'Load', 'hour'];
    const random = new Xorshift32(seed);
    const wild = [1e308, -1e308, 5e-324, Number.POSITIVE_INFINITY, 0];
    const rows = 400;
    const values = Float64Array.from({ length: rows * 3 }, () =>
      random.draw() < 0.02 ? (wild[random.integer(0, 4)] ?? 0) : 50 + 10 * random.draw(),
    );
    const missing = Uint8Array.from({ length: rows * 3 }, (_, i) => Number(i % 3 < 2 && random.draw() < 0.2));
    const times = BigInt64Array.from({ length: rows }, (_, row) => BigInt(row) * 60_000_000_000n);
    const batch = { ...batchFrom(values, rows, missing), times };
    // Stretches of rows that are learned, and of ones that are not.
    const take = (detector: PerColumn, from: number, to: number, scores: Float64Array) => {
      for (let at = from, end = at; at < to; at = end) {
        end = Math.min(to, at - (at % 70) + 70);
        detector.process(batch, at, end, at % 140 < 70 ? 'score_then_learn' : 'score_only', {
          scores,
          explained: null,
        });
      }
    };
    const once = new PerColumn(settings, names, groups);
    const whole = new Float64Array(rows);
    take(once, 0, rows, whole);
    for (const score of whole) expect(score >= 0 && score <= 1).toBe(true);
    const cut = random.integer(0, rows);
    const before = new PerColumn(settings, names, groups);
    const scores = new Float64Array(rows);
    take(before, 0, cut, scores);
    const after = PerColumn.fromBytes(settings, names, groups, before.toBytes());
    take(after, cut, rows, scores);
    expect([...scores]).toEqual([...whole]);
    expect(after.toBytes()).toEqual(once.toBytes());
  });

  it('refuses bytes that are damaged or of other columns', () => {
    const bytes = new PerColumn(SETTINGS, NAMES, GROUPS).toBytes();
    const corrupt = expect.objectContaining({ kind: 'CorruptSnapshot' });
    expect(() => PerColumn.fromBytes(SETTINGS, NAMES, GROUPS.slice(1), bytes)).toThrow(corrupt);
    for (let at = 0; at < bytes.length; at += 5) {
      const damaged = bytes.slice();
      damaged[at] = (damaged[at] ?? 0) ^ 1;
      expect(() => PerColumn.fromBytes(SETTINGS, NAMES, GROUPS, damaged)).toThrow(corrupt);
    }
  });
});
