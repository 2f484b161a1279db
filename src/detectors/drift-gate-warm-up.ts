import { parts } from './buffer-parts.js';

/**
 * What DriftGate gathers of its warm-up, row after row and without keeping any: moments of the rows and of the means of
 * batches of rows, and a slow level. A row is d values relative to the first ones, then d activities.
 */

/** Rows a batch: 1 / LEVEL_GAIN rounded, so that a batch mean has about the variance of the fast average. */
export const BATCH_ROWS = 12;

/** Gains of the two averages, one behind the other. */
export interface LevelGains {
  readonly fast: number;
  readonly slow: number;
}

/** Sums of squares and products, about the mean and between neighbours: of the d values in pairs, of each activity alone. */
export class Moments {
  readonly state: Float64Array;
  /** 2d. */
  readonly mean: Float64Array;
  /** Lower triangles, d (d + 1) / 2 row by row: sums of products about the mean, and of the steps from row to row. */
  readonly products: Float64Array;
  readonly stepProducts: Float64Array;
  /** The same of the activities, d each. */
  readonly squares: Float64Array;
  readonly stepSquares: Float64Array;
  readonly #features: number;
  readonly #last: Float64Array;
  readonly #deviation: Float64Array;
  readonly #step: Float64Array;

  static length(features: number): number {
    return features * (features + 1) + 6 * features;
  }

  /** @param state {@link Moments.length} numbers, zero at first: where they are kept. */
  constructor(features: number, state: Float64Array) {
    const take = parts(state);
    const triangle = (features * (features + 1)) / 2;
    this.state = state;
    this.mean = take(2 * features);
    this.#last = take(2 * features);
    this.products = take(triangle);
    this.stepProducts = take(triangle);
    this.squares = take(features);
    this.stepSquares = take(features);
    this.#features = features;
    this.#deviation = new Float64Array(2 * features);
    this.#step = new Float64Array(2 * features);
  }

  /** Adds a row; `before` rows have been added. Welford's update. */
  add(row: Float64Array, before: number): void {
    const { mean, products, stepProducts, squares, stepSquares } = this;
    const features = this.#features;
    const last = this.#last;
    const deviation = this.#deviation;
    const step = this.#step;
    const count = before + 1;
    for (let i = 0; i < 2 * features; i++) {
      deviation[i] = row[i]! - mean[i]!;
      step[i] = before === 0 ? 0 : row[i]! - last[i]!;
      mean[i]! += deviation[i]! / count;
      last[i] = row[i]!;
    }
    const share = before / count;
    let at = 0;
    for (let j = 0; j < features; j++) {
      for (let k = 0; k <= j; k++) {
        products[at]! += share * deviation[j]! * deviation[k]!;
        stepProducts[at]! += step[j]! * step[k]!;
        at++;
      }
      squares[j]! += share * deviation[features + j]! ** 2;
      stepSquares[j]! += step[features + j]! ** 2;
    }
  }
}

export class DriftGateWarmUp {
  readonly features: number;
  /** Everything below in one buffer, for saving. */
  readonly state: Float64Array;
  readonly rowMoments: Moments;
  readonly batchMoments: Moments;
  /** Fast average, and the slow one behind it, 2d each. */
  readonly average: Float64Array;
  readonly level: Float64Array;
  rows: number;
  readonly #gains: LevelGains;
  readonly #batchMean: Float64Array;

  /** @param state of an earlier warm-up of `rows` rows; left out for a new one. */
  constructor(features: number, gains: LevelGains, rows = 0, state?: Float64Array) {
    this.features = features;
    this.#gains = gains;
    this.rows = rows;
    this.state = state ?? new Float64Array(DriftGateWarmUp.length(features));
    const take = parts(this.state);
    this.average = take(2 * features);
    this.level = take(2 * features);
    this.#batchMean = take(2 * features);
    this.rowMoments = new Moments(features, take(Moments.length(features)));
    this.batchMoments = new Moments(features, take(Moments.length(features)));
  }

  static length(features: number): number {
    return 6 * features + 2 * Moments.length(features);
  }

  /** Full batches so far. */
  get batches(): number {
    return Math.floor(this.rows / BATCH_ROWS);
  }

  add(row: Float64Array): void {
    const { average, level, rows } = this;
    const batchMean = this.#batchMean;
    const fast = Math.max(this.#gains.fast, 1 / (rows + 1));
    const slow = Math.max(this.#gains.slow, 1 / (rows + 1));
    for (let i = 0; i < row.length; i++) {
      average[i]! += fast * (row[i]! - average[i]!);
      level[i]! += slow * (average[i]! - level[i]!);
      batchMean[i]! += row[i]! / BATCH_ROWS;
    }
    this.rowMoments.add(row, rows);
    this.rows = rows + 1;
    if (this.rows % BATCH_ROWS !== 0) return;
    this.batchMoments.add(batchMean, this.batches - 1);
    batchMean.fill(0);
  }
}
