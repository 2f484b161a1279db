import { parts } from './buffer-parts.js';
import { BATCH_ROWS, type DriftGateWarmUp } from './drift-gate-warm-up.js';
import { symmetricInverse } from './symmetric-inverse.js';

/**
 * What DriftGate knows once its warm-up is over, and how it comes from that. There are three views a sensor: its level,
 * what is left of it given the other sensors (relation), and the size of its steps (activity); arrays of 3d hold the d
 * levels, then the d relations, then the d activities, in units of the warm-up's standard deviation.
 */

export const FAST_GAIN = 0.08; // the fast average remembers some 12 rows
export const LEVEL_GAIN = 0.005; // the level remembers 200 rows, half of the usual warm-up
const RIDGE = 0.05; // share of its own variance added to each sensor's steps before they are inverted
const LEAST_RIDGE = 1e-6; // keeps the inverse finite where a sensor never moved
const LEAST_VARIANCE = 1e-18; // below it a sensor counts as constant, and its unit is one raw unit
const LEAST_RESIDUAL = 1e-9; // below it a relation leaves nothing and keeps its scale
const LEAST_BATCH_VARIANCE = 1e-9;
const LEAST_RATIO = 0.01; // bounds of von Neumann's ratio: 1 for white noise, towards 0 for a drift
const DRIFT_POWER = 3; // a soft threshold against the sampling error of the ratios

export interface DriftGateBaseline {
  /** All of the arrays in one buffer, for saving. */
  readonly state: Float64Array;
  /** d x d, row-major: row j gives relation j out of the levels. */
  readonly relation: Float64Array;
  /** Mean and standard deviation of the d values and the d activities, in raw units. */
  readonly mean: Float64Array;
  readonly deviation: Float64Array;
  /** 3d each: slow level, and average of the deviations from it. */
  readonly level: Float64Array;
  readonly excess: Float64Array;
  /** 3d each: variance of the average that noise alone gives, and its degrees of freedom. */
  readonly noise: Float64Array;
  readonly freedom: Float64Array;
  /** 3d each: variance that drift adds, as the warm-up has it and as it was learned since; the larger one counts. */
  readonly prior: Float64Array;
  readonly drift: Float64Array;
}

/** A baseline over `state`, zero at first, or what an earlier one has saved. */
export function baselineOver(features: number, state = new Float64Array(baselineLength(features))): DriftGateBaseline {
  const take = parts(state);
  const views = 3 * features;
  return {
    state,
    relation: take(features * features),
    mean: take(2 * features),
    deviation: take(2 * features),
    level: take(views),
    excess: take(views),
    noise: take(views),
    freedom: take(views),
    prior: take(views),
    drift: take(views),
  };
}

/** Numbers that the state of a baseline has. */
export function baselineLength(features: number): number {
  return features * features + 22 * features;
}

/** What a warm-up of at least two full batches comes to. */
export function baselineFrom(warmUp: DriftGateWarmUp): DriftGateBaseline {
  const { features, rowMoments, batchMoments, rows, batches } = warmUp;
  const baseline = baselineOver(features);
  baseline.mean.set(rowMoments.mean);
  const { deviation, relation } = baseline;
  for (let j = 0; j < features; j++) {
    deviation[j] = deviationOf(rowMoments.products[diagonal(j)]! / rows);
    deviation[features + j] = deviationOf(rowMoments.squares[j]! / rows);
  }

  const scaled = (products: Float64Array, count: number) => scaledProducts(products, deviation, features, count);
  const spread = scaled(rowMoments.products, rows);
  const steps = scaled(rowMoments.stepProducts, 2 * (rows - 1));
  const batchSpread = scaled(batchMoments.products, batches);
  const batchSteps = scaled(batchMoments.stepProducts, 2 * (batches - 1));
  relation.set(relationsOf(spread, steps, features));

  for (let j = 0; j < features; j++) {
    const levelAt = j * features + j;
    setView(baseline, j, warmUp, steps[levelAt]!, batchSpread[levelAt]!, batchSteps[levelAt]!);
    const row = relation.subarray(j * features, (j + 1) * features);
    const [r1, vb, qb] = [steps, batchSpread, batchSteps].map((matrix) => quadratic(row, matrix));
    setView(baseline, features + j, warmUp, r1!, vb!, qb!);
    const variance = deviation[features + j]! ** 2;
    setView(
      baseline,
      2 * features + j,
      warmUp,
      rowMoments.stepSquares[j]! / (2 * (rows - 1)) / variance,
      batchMoments.squares[j]! / batches / variance,
      batchMoments.stepSquares[j]! / (2 * (batches - 1)) / variance,
    );
  }
  setLevels(baseline, warmUp);
  return baseline;
}

/**
 * Limits of one view. All three are in units of the rows' variance: half the mean squared step of the rows, the variance
 * of the batch means, and half their mean squared step.
 */
function setView(
  { noise, freedom, prior, drift }: DriftGateBaseline,
  view: number,
  { rows, batches }: DriftGateWarmUp,
  rowSteps: number,
  batchSpread: number,
  batchSteps: number,
): void {
  const ratio = Math.min(Math.max(rowSteps, LEAST_RATIO), 1);
  const spread = Math.max(batchSpread, LEAST_BATCH_VARIANCE);
  // Drift is slow between rows and between batches; short memory is slow between rows alone.
  const driftShare = Math.min(1 - ratio, 1 - Math.min(1, batchSteps / spread));
  const averaging = FAST_GAIN / (2 - FAST_GAIN); // variance of the fast average of white noise
  const ofBatches = Math.min(batchSteps, spread) * averaging * BATCH_ROWS;
  const ofRows = averaging * ratio;
  noise[view] = Math.max(ofRows, ofBatches) + 1 / rows; // and the error of the mean
  freedom[view] = ofBatches > ofRows ? batches : rows;
  // A random walk of variance 1 in the warm-up has steps of variance 6 / rows; a level that follows lags by step / (2 gain).
  prior[view] = (driftShare ** DRIFT_POWER * 3) / (rows * LEVEL_GAIN);
  drift[view] = prior[view]!;
}

/** The warm-up's averages in the units of the views. */
function setLevels({ level, excess, mean, deviation, relation }: DriftGateBaseline, warmUp: DriftGateWarmUp): void {
  const { features } = warmUp;
  for (const [target, source] of [[level, warmUp.level] as const, [excess, warmUp.average] as const]) {
    for (let j = 0; j < features; j++) {
      const activity = features + j;
      target[j] = (source[j]! - mean[j]!) / deviation[j]!;
      target[2 * features + j] = (source[activity]! - mean[activity]!) / deviation[activity]!;
    }
    for (let j = 0; j < features; j++) {
      let sum = 0;
      for (let k = 0; k < features; k++) sum += relation[j * features + k]! * target[k]!;
      target[features + j] = sum;
    }
  }
  for (let view = 0; view < level.length; view++) excess[view]! -= level[view]!;
}

/**
 * Row j: sensor j less what the others say of it, by the partial regressions of the steps from row to row, so that drift
 * does not define them; scaled to variance 1 over the warm-up's rows.
 */
function relationsOf(spread: Float64Array, steps: Float64Array, features: number): Float64Array {
  const ridged = steps.slice();
  for (let at = 0; at < ridged.length; at += features + 1) ridged[at]! += RIDGE * steps[at]! + LEAST_RIDGE;
  const relations = symmetricInverse(ridged, features);
  for (let j = 0; j < features; j++) {
    const row = relations.subarray(j * features, (j + 1) * features);
    const own = row[j]!;
    for (let k = 0; k < features; k++) row[k]! /= own;
    const left = Math.sqrt(quadratic(row, spread));
    if (left > LEAST_RESIDUAL) for (let k = 0; k < features; k++) row[k]! /= left;
  }
  return relations;
}

/** The full matrix (d x d, row-major) of a lower triangle of products over `count`, in units of the deviations. */
function scaledProducts(
  products: Float64Array,
  deviation: Float64Array,
  features: number,
  count: number,
): Float64Array {
  const matrix = new Float64Array(features * features);
  let at = 0;
  for (let j = 0; j < features; j++) {
    for (let k = 0; k <= j; k++) {
      const value = products[at++]! / count / (deviation[j]! * deviation[k]!);
      matrix[j * features + k] = value;
      matrix[k * features + j] = value;
    }
  }
  return matrix;
}

/** row * matrix * row', never below 0. */
function quadratic(row: Float64Array, matrix: Float64Array): number {
  const features = row.length;
  let total = 0;
  for (let j = 0; j < features; j++) {
    let sum = 0;
    for (let k = 0; k < features; k++) sum += matrix[j * features + k]! * row[k]!;
    total += row[j]! * sum;
  }
  return Math.max(total, 0);
}

function deviationOf(variance: number): number {
  return variance <= LEAST_VARIANCE ? 1 : Math.sqrt(variance);
}

/** Place of entry (j, j) in a lower triangle. */
function diagonal(j: number): number {
  return (j * (j + 3)) / 2;
}
