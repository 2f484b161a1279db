import { HalfspaceError } from '../contract/failures.js';
import { checkRows } from './check-rows.js';
import type { Batch, Detector, DetectorOutput, LearningOrder } from './detector.js';
import { fingerprint, sortedColumns } from './feature-order.js';
import { bytesFromTrees, type SavedTrees, treesFromBytes } from './half-space-codec.js';
import { growForest } from './half-space-forest.js';
import { type Rows, scoreRows, type Tree, walkRows } from './half-space-walk.js';
import { isSwept, MAX_SUMS_LEVEL, prepareSums, turnWindow } from './half-space-window.js';

/**
 * Half-Space Trees (Tan, Ting and Liu, "Fast Anomaly Detection for Streaming Data", IJCAI 2011), bit for bit equal to
 * `anomaly.HalfSpaceTrees` of River 0.26.1 wherever no feature is missing; see `heavierChild` for where one is. Two windows of
 * masses a node: the one being filled and the full one before, which scores. State is the masses, the number of rows and the
 * features of the first row; trees come from the seed.
 *
 * Each score is (integer sum) / (integer) and 1 minus that, the two rounded steps that River takes.
 */

/** Names and ranges as River has them. */
export interface HalfSpaceTreesParameters {
  /** Trees, 1..1000. */
  readonly n_trees: number;
  /** Levels below the root, 1..15. */
  readonly height: number;
  /** Rows a window, 1..2^31-1. */
  readonly window_size: number;
  /** 0..2^53-1. */
  readonly seed: number;
}

export type FeatureLimits = Readonly<Record<string, readonly [number, number]>>;

const MAX_TREES = 1000;
const MAX_HEIGHT = 15; // 65,535 nodes a tree
const MAX_WINDOW = 2 ** 31 - 1; // masses are 32-bit integers
const DEFAULT_LIMITS = [0, 1] as const; // River's
const SIZE_LIMIT_SHARE = 0.1; // River's size_limit: 0.1 * window_size
const CHUNK_ROWS = 1024; // rows a tree takes before the next tree has its turn: their values stay in the cache

export class HalfSpaceTrees implements Detector {
  readonly views: readonly string[] = [];
  readonly #settings: HalfSpaceTreesParameters;
  /** Columns and limits in the order of the features' names. */
  readonly #columns: Uint16Array;
  readonly #limits: readonly (readonly [number, number])[];
  readonly #saved: SavedTrees;
  #rows = 0;
  /** Places (in the order of names) of the first row's features, and the trees over them; empty before the first row. */
  #present: readonly number[] = [];
  #trees: readonly Tree[] = [];

  /**
   * `featureNames` are the columns of the batches to come, in any order; `limits` default to [0, 1] a feature. Throws
   * BadSettings for a parameter out of range, no or doubled names, and limits that are not finite and ascending.
   */
  constructor(settings: HalfSpaceTreesParameters, featureNames: readonly string[], limits: FeatureLimits = {}) {
    checkSettings(settings);
    const { n_trees, height, window_size, seed } = settings;
    this.#settings = { n_trees, height, window_size, seed };
    this.#columns = sortedColumns(featureNames);
    const names = Array.from(this.#columns, (column) => featureNames[column]!);
    this.#limits = names.map((name) => (Object.hasOwn(limits, name) ? limits[name]! : DEFAULT_LIMITS));
    checkLimits(names, this.#limits);
    this.#saved = {
      trees: n_trees,
      height,
      windowSize: window_size,
      seed,
      fingerprint: fingerprint([names, this.#limits]),
    };
  }

  /** The detector that `toBytes` was called on. Throws CorruptSnapshot for bytes of another kind, settings or features. */
  static fromBytes(
    bytes: Uint8Array,
    settings: HalfSpaceTreesParameters,
    featureNames: readonly string[],
    limits: FeatureLimits = {},
  ): HalfSpaceTrees {
    const detector = new HalfSpaceTrees(settings, featureNames, limits);
    const state = treesFromBytes(detector.#saved, featureNames.length, bytes, (present) => detector.#plant(present));
    detector.#rows = state.rows;
    if (state.rows >= settings.window_size) {
      for (const tree of detector.#trees) prepareSums(tree, SIZE_LIMIT_SHARE * settings.window_size);
    }
    return detector;
  }

  /** Rows learned; a row without any feature that comes before the first one with a feature is not learned. */
  get rows(): number {
    return this.#rows;
  }

  /** Bytes of masses and sums, from the start; the trees' splits are shared by detectors with the same settings. */
  get sizeBytes(): number {
    const { n_trees, height } = this.#settings;
    return n_trees * (2 * 4 * 2 ** (height + 1) + 8 * 2 ** Math.min(height, MAX_SUMS_LEVEL));
  }

  /**
   * Scores are 0 until the first window is full. As in River the trees look only at the features that the first learned
   * row has, for ever; later rows go down the heavier side where such a feature is missing. A row without any feature
   * cannot be the first (River raises there): it scores 0 and changes nothing. Nor can one that lacks a feature which comes
   * with more rows: the trees would never look at it.
   */
  process(batch: Batch, from: number, to: number, order: LearningOrder, { scores }: DetectorOutput): void {
    const { window_size } = this.#settings;
    checkRows(batch, from, to, this.#columns.length, scores);
    const { values } = batch;
    const stride = this.#columns.length;
    if (order === 'score_only') {
      this.#scoreOnly({ values, missing: batch.missing, stride, from, to }, scores);
      return;
    }
    let at = from;
    while (at < to) {
      if (this.#trees.length === 0 && !this.#plantFrom(batch, at)) {
        scores[at] = 0;
        at += 1;
        continue;
      }
      const filled = this.#rows % window_size;
      const end = Math.min(to, at + CHUNK_ROWS, at + window_size - filled);
      // Rows are walked faster where none of them misses a feature.
      const isComplete = batch.missing?.subarray(at * stride, end * stride).includes(1) !== true;
      const missing = isComplete ? null : batch.missing;
      this.#processWithinWindow({ values, missing, stride, from: at, to: end }, order, scores);
      at = end;
    }
  }

  toBytes(): Uint8Array {
    return bytesFromTrees(this.#saved, { rows: this.#rows, present: this.#present }, this.#trees);
  }

  #scoreOnly(rows: Rows, scores: Float64Array): void {
    const { window_size } = this.#settings;
    scores.fill(0, rows.from, rows.to);
    if (this.#rows < window_size) return;
    for (const tree of this.#trees) scoreRows(tree, SIZE_LIMIT_SHARE * window_size, rows, scores);
    for (let row = rows.from; row < rows.to; row++) scores[row] = 1 - scores[row]! / this.#largest();
  }

  /** The largest sum that a row's leaves can have. */
  #largest(): number {
    const { n_trees, height, window_size } = this.#settings;
    return n_trees * window_size * (2 ** (height + 1) - 1);
  }

  /** Rows that end at the window's turn at the latest. */
  #processWithinWindow(rows: Rows, order: LearningOrder, scores: Float64Array): void {
    const { window_size } = this.#settings;
    const { from, to } = rows;
    const sizeLimit = SIZE_LIMIT_SHARE * window_size;
    const largest = this.#largest();
    const isFirstWindow = this.#rows < window_size;

    scores.fill(0, from, to);
    for (const tree of this.#trees) walkRows(tree, sizeLimit, rows, scores);
    if (isFirstWindow) scores.fill(0, from, to);
    else for (let row = from; row < to; row++) scores[row] = 1 - scores[row]! / largest;

    this.#rows += to - from;
    if (this.#rows % window_size !== 0) return;
    for (const tree of this.#trees) turnWindow(tree, window_size, sizeLimit);
    if (order === 'score_then_learn') return;
    // The row that filled the window is scored by the window it filled.
    this.#scoreOnly({ ...rows, from: to - 1 }, scores);
  }

  /** Plants the trees over the features of `row`; false when it has none, or will have more. */
  #plantFrom(batch: Batch, row: number): boolean {
    if (batch.growing?.[row] === 1) return false;
    const first = row * this.#columns.length;
    const present: number[] = [];
    this.#columns.forEach((column, place) => {
      if (batch.missing?.[first + column] !== 1) present.push(place);
    });
    if (present.length > 0) this.#plant(present);
    return present.length > 0;
  }

  #plant(present: readonly number[]): readonly Tree[] {
    const { n_trees, height, window_size, seed } = this.#settings;
    const columns = present.map((place) => this.#columns[place]!);
    const limits = present.map((place) => this.#limits[place]!);
    const forest = growForest({ trees: n_trees, height, seed, columns, limits });
    const inner = 2 ** height;
    const sumsLevel = Math.min(height, MAX_SUMS_LEVEL);
    this.#trees = Array.from({ length: n_trees }, (_, tree) => ({
      height,
      columns: forest.columns.subarray(tree * inner, (tree + 1) * inner),
      thresholds: forest.thresholds.subarray(tree * inner, (tree + 1) * inner),
      latest: new Int32Array(2 * inner),
      reference: new Int32Array(2 * inner),
      sums: new Float64Array(2 ** sumsLevel),
      sumsLevel,
      column: columns.length === 1 ? columns[0]! : null,
      countsLeavesOnly: isSwept(height, window_size),
      innerIsStale: false,
    }));
    this.#present = present;
    return this.#trees;
  }
}

function checkSettings({ n_trees, height, window_size, seed }: HalfSpaceTreesParameters): void {
  checkInteger('n_trees', n_trees, 1, MAX_TREES);
  checkInteger('height', height, 1, MAX_HEIGHT);
  checkInteger('window_size', window_size, 1, MAX_WINDOW);
  checkInteger('seed', seed, 0, Number.MAX_SAFE_INTEGER);
  const largest = n_trees * window_size * (2 ** (height + 1) - 1);
  if (!Number.isSafeInteger(largest)) {
    throw new HalfspaceError(
      'BadSettings',
      `Expected n_trees x window_size x (2^(height + 1) - 1) below 2^53, got \`${largest}\`. Make the window smaller.`,
    );
  }
}

function checkInteger(name: string, value: number, min: number, max: number): void {
  if (Number.isInteger(value) && value >= min && value <= max) return;
  throw new HalfspaceError('BadSettings', `Expected \`${name}\` to be an integer in ${min}..${max}, got \`${value}\`.`);
}

function checkLimits(names: readonly string[], limits: readonly (readonly [number, number])[]): void {
  let total = 0;
  limits.forEach(([low, high], i) => {
    total += high - low;
    if (Number.isFinite(total) && low < high) return;
    throw new HalfspaceError(
      'BadSettings',
      `Expected the limits of \`${names[i]}\` to be two finite numbers, the lower first, got \`[${low}, ${high}]\`.`,
    );
  });
}
