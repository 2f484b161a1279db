import type { Batch, LearningOrder } from '../../src/detectors/detector.js';
import type { HalfSpaceTreesParameters } from '../../src/detectors/half-space-trees.js';

/** Marsaglia's xorshift32 as in test/golden/xorshift.py: words over 2^32, in (0, 1). */
export class Xorshift32 {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  draw(): number {
    let x = this.#state;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#state = x >>> 0;
    return this.#state / 4294967296;
  }

  /** An integer in min..max. */
  integer(min: number, max: number): number {
    return min + Math.floor(this.draw() * (max - min + 1));
  }
}

export interface RandomCase {
  readonly settings: HalfSpaceTreesParameters;
  readonly features: readonly string[];
  readonly limits: Record<string, [number, number]>;
  readonly batch: Batch;
  readonly order: LearningOrder;
}

/** Parameters and rows with holes, NaN and values outside the limits. */
export function drawCase(random: Xorshift32): RandomCase {
  const features = ['power', 'Load', 'b', '\uff5e', '\u{1f600}'].slice(0, random.integer(1, 5));
  const limits: Record<string, [number, number]> = {};
  for (const name of features) if (random.draw() < 0.4) limits[name] = [-3, random.integer(1, 50)];
  return {
    settings: {
      n_trees: random.integer(1, 12),
      height: random.integer(1, 9),
      window_size: random.integer(1, 120),
      seed: random.integer(0, 2 ** 32),
    },
    features,
    limits,
    batch: drawBatch(random, random.integer(2, 600), features.length),
    order: random.draw() < 0.5 ? 'score_then_learn' : 'learn_then_score',
  };
}

export function drawBatch(random: Xorshift32, rows: number, stride: number): Batch {
  const holes = random.draw() < 0.5 ? 0 : 0.5 * random.draw();
  const values = Float64Array.from({ length: rows * stride }, () =>
    random.draw() < 0.03 ? Number.NaN : 2 * random.draw() - 0.5,
  );
  const missing = Uint8Array.from({ length: rows * stride }, () => Number(random.draw() < holes));
  return batchFrom(values, rows, holes === 0 ? null : missing);
}

/** A batch without times whose values are what was measured. */
export function batchFrom(values: Float64Array, rows: number, missing: Uint8Array | null = null): Batch {
  return { rows, times: null, raw: values, values, missing };
}
