import { z } from 'zod';
import type { DetectorSettings } from '../contract/pipeline.js';
import { group, integer } from './fields.js';

/** Leaves of all trees together; 2^22 leaves hold about 100 MB of masses. */
const MAX_LEAVES = 2 ** 22;

const halfSpaceTrees = group({
  kind: z
    .literal('half_space_trees', { error: 'expected half_space_trees' })
    .describe('Half-Space Trees as River has them.'),
  n_trees: integer(1, 1000).default(10).describe('Number of trees.'),
  height: integer(1, 15).default(8).describe('Levels of each tree below its root.'),
  window_size: integer(1, 1_000_000_000)
    .default(250)
    .describe('Rows learned before scores appear and masses turn over.'),
  seed: integer(0, Number.MAX_SAFE_INTEGER).default(1).describe('Seed of the trees.'),
});

const driftGate = group({
  kind: z
    .literal('drift_gate', { error: 'expected drift_gate' })
    .describe('Level, relation to the others and activity of several sensors; `verdict.threshold: 0.5`.'),
  warm_up: integer(100, 100_000).default(400).describe('Rows learned before scores appear; better 800 or more.'),
  hold: integer(0, 1_000_000_000)
    .default(0)
    .describe('Rows of one alarm after which what is seen is the new level; 0: never.'),
});

/** `detector` of a pipeline; what comes out is `DetectorSettings` of contract/. */
export const detector = z
  .discriminatedUnion('kind', [halfSpaceTrees, driftGate], {
    error: 'expected a detector of kind half_space_trees or drift_gate',
  })
  .superRefine((settings, context) => {
    if (settings.kind === 'half_space_trees' && settings.n_trees * 2 ** settings.height > MAX_LEAVES) {
      context.addIssue({
        code: 'custom',
        message: `too large: n_trees * 2^height is ${settings.n_trees * 2 ** settings.height}, at most ${MAX_LEAVES}; lower one of them`,
      });
    }
  });

/** Whether a detector needs values in 0..1; the others take them in their own units. */
export function looksAtNormalised({ kind }: Pick<DetectorSettings, 'kind'>): boolean {
  return kind === 'half_space_trees';
}
