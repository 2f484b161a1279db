import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { Batch, LearningOrder } from '../../src/detectors/detector.js';
import { sortedColumns } from '../../src/detectors/feature-order.js';
import { type Forest, growForest } from '../../src/detectors/half-space-forest.js';
import { HalfSpaceTrees, type HalfSpaceTreesParameters } from '../../src/detectors/half-space-trees.js';
import { doubleFromHex, readGolden } from './golden-file.js';
import { type OnTie, PlainTrees } from './plain-trees.js';
import { batchFrom, Xorshift32 } from './random-rows.js';

type Shape = 'uniform' | 'outside' | 'constant' | 'steps' | 'low';

/** One case of test/golden/make_hst_golden.py, which says how its rows are drawn. */
interface Case extends HalfSpaceTreesParameters {
  readonly features: readonly string[];
  readonly limits: Readonly<Record<string, readonly [number, number]>>;
  readonly shapes: readonly Shape[];
  readonly nan: number;
  readonly missing: number;
  readonly row0: number;
  readonly order: LearningOrder;
  readonly rows: number;
  readonly data_seed: number;
  readonly sha256: string;
  readonly branches: string;
  readonly every_tenth: string;
}

const SHAPES: Record<Shape, (u: number) => number> = {
  uniform: (u) => u,
  outside: (u) => 2 * u - 0.5,
  constant: () => 0.25,
  steps: (u) => Math.floor(u * 8) / 8,
  low: (u) => u * u * u,
};

const { cases, river } = readGolden<{ river: string; cases: readonly Case[] }>('hst.json.gz');

describe(`HalfSpaceTrees beside River ${river}`, () => {
  it('has cases of every kind', () => {
    expect(cases.length).toBeGreaterThanOrEqual(220);
    const isRowZeroPartial = (one: Case) => batchOf(one).missing?.subarray(0, one.features.length).includes(1) ?? false;
    expect(cases.filter(isRowZeroPartial).length).toBeGreaterThan(30);
    expect(cases.filter((one) => batchOf(one).missing === null).length).toBeGreaterThan(80);
    expect(cases.filter((one) => one.nan > 0).length).toBeGreaterThan(30);
    expect(cases.filter((one) => one.order === 'learn_then_score').length).toBeGreaterThan(50);
    expect(cases.filter((one) => one.order === 'score_then_learn').length).toBeGreaterThan(50);
    expect(cases.filter((one) => Object.keys(one.limits).length > 0).length).toBeGreaterThan(50);
  });

  it.each(cases.map((one, number) => ({ number, one })))('gives the same doubles in case $number', ({ one }) => {
    const plain = plainScores(one, 'as the full window');
    // The exception: River goes left at every tie that a row without a feature meets, so its scores are not the detector's.
    if (batchOf(one).missing === null) expect(plain.tiesToTheRight).toBe(0);
    if (plain.tiesToTheRight > 0) expectSame(plainScores(one, 'left as River').scores, one);
    else expectSame(plain.scores, one);

    const detector = new HalfSpaceTrees(one, one.features, one.limits);
    const scores = new Float64Array(one.rows);
    detector.process(batchOf(one), 0, one.rows, one.order, { scores, explained: null });
    expect(scores).toEqual(plain.scores);
  });
});

function expectSame(scores: Float64Array, golden: Case): void {
  const kept = golden.every_tenth.match(/.{16}/g) ?? [];
  const differing = kept.findIndex((hex, i) => !Object.is(scores[10 * i], doubleFromHex(hex)));
  expect(differing, `the first differing score is of row ${10 * differing}`).toBe(-1);
  expect(kept.length).toBe(Math.ceil(golden.rows / 10));
  expect(createHash('sha256').update(new Uint8Array(scores.buffer)).digest('hex')).toBe(golden.sha256);
}

function plainScores(one: Case, onTie: OnTie): { scores: Float64Array; tiesToTheRight: number } {
  const { values, missing } = batchOf(one);
  const stride = one.features.length;
  const plain = new PlainTrees(forestOf(one), one.window_size, onTie);
  const scores = Float64Array.from({ length: one.rows }, (_, row) => {
    const at = (column: number) => row * stride + column;
    const present = one.features.map((_, column) => column).filter((column) => missing?.[at(column)] !== 1);
    return plain.take(new Map(present.map((column) => [column, values[at(column)] ?? Number.NaN])), one.order);
  });
  return { scores, tiesToTheRight: plain.tiesToTheRight };
}

describe(`growForest beside River ${river}`, () => {
  it.each(cases.map((one, number) => ({ number, one })))('grows the same trees in case $number', ({ one }) => {
    expect(hashOfBranches(forestOf(one))).toBe(one.branches);
  });
});

/** Trees over the features of the first row. */
function forestOf(one: Case): Forest {
  const missing = batchOf(one).missing;
  const columns = Array.from(sortedColumns(one.features)).filter((column) => missing?.[column] !== 1);
  const limits = columns.map((column): readonly [number, number] => one.limits[one.features[column] ?? ''] ?? [0, 1]);
  return growForest({ trees: one.n_trees, height: one.height, seed: one.seed, columns, limits });
}

function hashOfBranches({ trees, height, columns, thresholds }: Forest): string {
  const hash = createHash('sha256');
  const branch = Buffer.alloc(10);
  const visit = (tree: number, node: number): void => {
    if (node >= 2 ** height) return;
    branch.writeUInt16LE(columns[tree * 2 ** height + node] ?? 0, 0);
    branch.writeDoubleLE(thresholds[tree * 2 ** height + node] ?? 0, 2);
    hash.update(branch);
    visit(tree, 2 * node);
    visit(tree, 2 * node + 1);
  };
  for (let tree = 0; tree < trees; tree++) visit(tree, 1);
  return hash.digest('hex');
}

function batchOf(one: Case): Batch {
  const random = new Xorshift32(one.data_seed);
  const stride = one.features.length;
  const values = new Float64Array(one.rows * stride);
  const missing = new Uint8Array(one.rows * stride);
  for (let row = 0; row < one.rows; row++) {
    one.features.forEach((name, f) => {
      const shape = SHAPES[one.shapes[f] ?? 'uniform'](random.draw());
      const isNan = random.draw() < one.nan;
      const isMissing = random.draw() < one.missing;
      const [low, high] = one.limits[name] ?? [0, 1];
      values[row * stride + f] = isNan ? Number.NaN : low + (high - low) * shape;
      missing[row * stride + f] = isMissing && !(row === 0 && f === one.row0) ? 1 : 0;
    });
  }
  return batchFrom(values, one.rows, missing.includes(1) ? missing : null);
}
