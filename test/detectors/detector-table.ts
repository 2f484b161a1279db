import type { DetectorSettings } from '../../src/contract/pipeline.js';
import { provideDetectorModule } from '../../src/detectors/module-detector.js';

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

const DAY_MS = 86_400_000;
const TREES = { kind: 'half_space_trees', n_trees: 4, height: 5, window_size: 20, seed: 1 } as const;
const QUANTILE = { kind: 'quantile', low: 0.05, high: 0.95, memory: 60 } as const;
const NOVELTY = { kind: 'novelty', pattern: false, eps: 1 / 1024, hide_first: 30 } as const;
const PERSIST = { kind: 'persist', window: 3, agg: 'median', c: 3, side: 'both', memory: 50 } as const;

const EXAMPLE = 'examples/running-range.mjs';
provideDetectorModule(EXAMPLE, await import(new URL(`../../${EXAMPLE}`, import.meta.url).href));

function of(settings: DetectorSettings, what = '', recentRows = 0): DetectorCase {
  return { name: `${settings.kind} ${what}`.trim(), settings, features: ANY_FEATURES, recentRows };
}

/** Every kind of detector, with a few settings each. */
export const DETECTORS: readonly DetectorCase[] = [
  of(TREES),
  of(
    { kind: 'half_space_trees', n_trees: 1, height: 1, window_size: 1, seed: 7 },
    'of one tree and a window of one row',
  ),
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
  {
    name: 'novelty',
    settings: NOVELTY,
    features: [1, 1],
    recentRows: 0,
  },
  {
    name: 'novelty that looks at shapes too and has little memory',
    settings: { kind: 'novelty', pattern: true, eps: 0.1, hide_first: 0 },
    features: [1, 1],
    recentRows: 0,
  },
  of({ kind: 'threshold', low: 20, high: null }),
  of({ kind: 'threshold', low: { power: 10 }, high: { power: 80, Load: 60 } }, 'by column'),
  of({ kind: 'robust_zscore', window: 150, limit: 3.5 }),
  of({ kind: 'robust_zscore', window: 10, limit: 1 }, 'of ten rows'),
  of({ kind: 'quantile', low: 0.05, high: 0.95, memory: 60 }),
  of({ kind: 'quantile', low: null, high: 0.99, memory: 500 }, 'above alone'),
  of({ kind: 'persist', window: 1, agg: 'median', c: 3, side: 'both', memory: 50 }, '', 1),
  of({ kind: 'persist', window: 7, agg: 'mean', c: 1, side: 'positive', memory: 150 }, 'of means', 7),
  of({ kind: 'level_shift', window: 5, c: 6, side: 'both', memory: 200 }, '', 10),
  of({ kind: 'level_shift', window: 1, c: 0, side: 'negative', memory: 10 }, 'of single rows', 2),
  of({ kind: 'volatility_shift', window: 6, agg: 'std', c: 6, side: 'both', memory: 120 }, '', 12),
  of({ kind: 'volatility_shift', window: 8, agg: 'iqr', c: 2, side: 'positive', memory: 50 }, 'of quartiles', 16),
  of({ kind: 'volatility_shift', window: 11, agg: 'idr', c: 2, side: 'negative', memory: 50 }, 'of deciles', 22),
  of({ kind: 'seasonal', period: DAY_MS, cells: 24, periods: 7, c: 3, side: 'both', memory: 200 }),
  of(
    { kind: 'seasonal', period: DAY_MS / 12, cells: 2, periods: 1, c: 1, side: 'positive', memory: 50 },
    'of two cells',
  ),
  of(
    {
      kind: 'vote',
      of: [
        { detector: QUANTILE, above: 0.5 },
        { detector: PERSIST, above: 0.3 },
      ],
      need: 'any',
    },
    'of two',
    3,
  ),
  of(
    {
      kind: 'vote',
      of: [
        { detector: TREES, above: 0.8 },
        { detector: PERSIST, above: 0 },
        { detector: { ...PERSIST, window: 5 }, above: 1 },
      ],
      need: 2,
    },
    'of trees and twins',
    5,
  ),
  {
    name: 'vote of novelty and a limit',
    settings: {
      kind: 'vote',
      of: [
        { detector: NOVELTY, above: 0.5 },
        { detector: QUANTILE, above: 0.5 },
      ],
      need: 'any',
    },
    features: [1, 1],
    recentRows: 0,
  },
  of({ kind: 'module', path: EXAMPLE, sha256: EXAMPLE, options: { slack: 0.1 } }),
];
