import { HalfspaceError } from '../contract/failures.js';
import { MersenneTwister } from './mersenne-twister.js';

/**
 * The trees of River 0.26.1's `anomaly.HalfSpaceTrees` (river/tree/padded.py), which depend on the seed and the limits
 * alone and never change. Trees lie one after the other; in a tree node 1 is the root, node i has the children 2i and
 * 2i + 1, and slot 0 is unused.
 */
export interface Forest {
  readonly trees: number;
  readonly height: number;
  /** trees x 2^height: the column each inner node looks at. */
  readonly columns: Uint16Array;
  /** trees x 2^height: a value below this goes to the left child. */
  readonly thresholds: Float64Array;
}

/** What a forest depends on. `columns` and `limits` go together, in the order of the features' names. */
export interface ForestPlan {
  readonly trees: number;
  readonly height: number;
  readonly seed: number;
  readonly columns: readonly number[];
  readonly limits: readonly (readonly [number, number])[];
}

const PADDING = 0.15; // share of a range kept free of splits at both ends, from River
const SHARED_NODES = 2 ** 22; // 40 MB; a fleet has few different plans, the oldest are grown again

const shared = new Map<string, Forest>();

/**
 * The forest of `plan`; machines with the same plan share one. Throws BadSettings when limits are so narrow that
 * halving leaves a range of no width (River: ValueError).
 */
export function growForest(plan: ForestPlan): Forest {
  const key = JSON.stringify(plan);
  const known = shared.get(key);
  if (known !== undefined) return known;
  const forest = grow(plan);
  let nodes = forest.columns.length;
  for (const { columns } of shared.values()) nodes += columns.length;
  for (const [oldest, { columns }] of shared) {
    if (nodes <= SHARED_NODES) break;
    nodes -= columns.length;
    shared.delete(oldest);
  }
  shared.set(key, forest);
  return forest;
}

function grow(plan: ForestPlan): Forest {
  const { trees, height } = plan;
  const stride = 2 ** height;
  const columns = new Uint16Array(trees * stride);
  const thresholds = new Float64Array(trees * stride);
  const random = new MersenneTwister(plan.seed);
  const lows = Float64Array.from(plan.limits, ([low]) => low);
  const highs = Float64Array.from(plan.limits, ([, high]) => high);

  // Draws come in pre-order, one tree after the other: feature, split, left subtree, right subtree; leaves draw none.
  function growNode(base: number, node: number): void {
    if (node >= stride) return;
    const on = drawFeature(random, lows, highs);
    const low = lows[on]!;
    const high = highs[on]!;
    const from = low + PADDING * (high - low);
    const to = high - PADDING * (high - low);
    const split = from + (to - from) * random.random();
    columns[base + node] = plan.columns[on]!;
    thresholds[base + node] = split;
    highs[on] = split;
    growNode(base, 2 * node);
    highs[on] = high;
    lows[on] = split;
    growNode(base, 2 * node + 1);
    lows[on] = low;
  }
  for (let tree = 0; tree < trees; tree++) growNode(tree * stride, 1);
  return { trees, height, columns, thresholds };
}

/** Python's `random.choices`, one draw even for one feature: a feature's weight is the width of its range. */
function drawFeature(random: MersenneTwister, lows: Float64Array, highs: Float64Array): number {
  const last = lows.length - 1;
  let total = highs[0]! - lows[0]!;
  for (let i = 1; i <= last; i++) total += highs[i]! - lows[i]!;
  if (!(total > 0)) {
    throw new HalfspaceError(
      'BadSettings',
      `Expected limits wide enough to be halved at each level, got a range of width \`${total}\`. Declare wider limits.`,
    );
  }
  const drawn = random.random() * total;
  let sum = highs[0]! - lows[0]!;
  let on = 0;
  while (on < last && drawn >= sum) {
    on += 1;
    sum += highs[on]! - lows[on]!;
  }
  return on;
}
