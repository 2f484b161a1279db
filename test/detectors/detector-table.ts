import type { DetectorSettings } from '../../src/contract/pipeline.js';

/** A detector that the contract suite is run over. */
export interface DetectorCase {
  /** As it stands in test names. */
  readonly name: string;
  readonly settings: DetectorSettings;
  /** Least and most features it takes. */
  readonly features: readonly [number, number];
  /**
   * Rows that it compares with what it learned: so many ordinary rows after `score_only` ones, and nothing is left of those.
   * 0: it looks at each row alone.
   */
  readonly recentRows: number;
  /** It averages recent rows and forgets them by and by: what is left after `recentRows` is too little to see, yet not nothing. */
  readonly fades?: boolean;
}

const ANY_FEATURES = [1, 4] as const;

/** Every kind of detector, with a few settings each. */
export const DETECTORS: readonly DetectorCase[] = [
  {
    name: 'half_space_trees',
    settings: { kind: 'half_space_trees', n_trees: 4, height: 5, window_size: 20, seed: 1 },
    features: ANY_FEATURES,
    recentRows: 0,
  },
  {
    name: 'half_space_trees of one tree and a window of one row',
    settings: { kind: 'half_space_trees', n_trees: 1, height: 1, window_size: 1, seed: 7 },
    features: ANY_FEATURES,
    recentRows: 0,
  },
  {
    name: 'drift_gate',
    settings: { kind: 'drift_gate', warm_up: 120, hold: 0 },
    features: ANY_FEATURES,
    recentRows: 800,
    fades: true,
  },
  {
    name: 'drift_gate that accepts a new level',
    settings: { kind: 'drift_gate', warm_up: 100, hold: 25 },
    features: ANY_FEATURES,
    recentRows: 800,
    fades: true,
  },
];
