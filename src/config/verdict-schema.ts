import { z } from 'zod';
import { formatDuration } from '../contract/duration.js';
import type { VerdictRules, VerdictSettings } from '../contract/pipeline.js';
import { duration, group, integer, share, text } from './fields.js';

const SIZE_ERROR = 'expected a number of at least 0, or one a value column such as { power: 5 }';
const size = z.number({ error: SIZE_ERROR }).min(0, { error: SIZE_ERROR });
const byColumn = <T extends z.ZodType>(value: T, error: string) => z.record(z.string(), value, { error });

const RANGE_ERROR = 'expected the lowest and the highest value a value column, e.g. { power: [0, 500] }';
const range = z
  .tuple([z.number({ error: RANGE_ERROR }), z.number({ error: RANGE_ERROR })], { error: RANGE_ERROR })
  .refine(([low, high]) => low < high, { error: RANGE_ERROR });

const STUCK_ERROR = 'expected a duration such as 30m, or one a value column such as { power: 30m }';

/** Each rule as it may be given for a pipeline, or in place of the pipeline's for some machines. */
const RULES = {
  threshold: share(0, 1).describe('A row is anomalous when its score is above this.'),
  clear_after: duration(0).describe(
    'An event closes this long after its last anomalous row, once an ordinary row has come.',
  ),
  clear_level: share(0, 1).describe(
    'Once a row is anomalous, those after it are until a score is at or below this. Left out: the threshold.',
  ),
  direction: z
    .enum(['both', 'above', 'below'], { error: 'expected both, above or below' })
    .describe('Side of the expected value on which a value must lie. Left out: `both`.'),
  min_deviation: z
    .union([size, byColumn(size, SIZE_ERROR)], { error: SIZE_ERROR })
    .describe('Least difference from the expected value, for every value column or by column.'),
  min_relative_deviation: z
    .number({ error: 'expected a number of at least 0' })
    .min(0, { error: 'expected a number of at least 0' })
    .describe('Least difference from the expected value, as a share of that.'),
  hold_rows: integer(1, 1_000_000).describe(
    'Rows, one after the other, whose score must call for it before one is anomalous. Left out: 1.',
  ),
  hold_for: duration(0).describe('Time over which their scores must call for it; with `hold_rows` both must hold.'),
  repeat_after: duration(0).describe(
    'An event that begins sooner than this after the last told one ended is not told.',
  ),
  valid_range: byColumn(range, RANGE_ERROR).describe(
    'Lowest and highest possible value by column; a row outside is anomalous whatever its score.',
  ),
  flat_guard: share(0, 1).describe(
    'While a column hardly moves, its scores count only for values that differ by this share of its level; 0 turns it off. Left out: `0.01`, for drift_gate and threshold 0.',
  ),
  warm_up_rows: integer(0, Number.MAX_SAFE_INTEGER).describe(
    'Rows of a new model whose scores count for nothing, beyond those that the detector needs itself.',
  ),
  stuck_after: z
    .union([duration(1), byColumn(duration(1), STUCK_ERROR)], { error: STUCK_ERROR })
    .nullable()
    .describe('A value column that holds one value for this long makes rows anomalous; for every column or by column.'),
  stale_after: duration(1)
    .nullable()
    .describe('A machine without rows for this long is told of, once a silence (incremental).'),
  pause_learning: z
    .boolean({ error: 'expected true or false' })
    .describe('Nothing is learned while an event is open. The rules then belong to what a model depends on.'),
};

const some = {
  clear_level: z.exactOptional(RULES.clear_level),
  direction: z.exactOptional(RULES.direction),
  min_deviation: z.exactOptional(RULES.min_deviation),
  min_relative_deviation: z.exactOptional(RULES.min_relative_deviation),
  hold_rows: z.exactOptional(RULES.hold_rows),
  hold_for: z.exactOptional(RULES.hold_for),
  repeat_after: z.exactOptional(RULES.repeat_after),
  valid_range: z.exactOptional(RULES.valid_range),
  flat_guard: z.exactOptional(RULES.flat_guard),
  warm_up_rows: z.exactOptional(RULES.warm_up_rows),
  stuck_after: z.exactOptional(RULES.stuck_after),
  stale_after: z.exactOptional(RULES.stale_after),
  pause_learning: z.exactOptional(RULES.pause_learning),
};

/** `verdict` of a pipeline; what comes out is `VerdictSettings` of contract/. */
export const verdict = group({
  threshold: z
    .exactOptional(RULES.threshold)
    .describe(
      'A row is anomalous when its score is above this. Left out: 0.8 for half_space_trees; 0.5 for the others, whose limit lies there.',
    ),
  clear_after: RULES.clear_after.prefault('5m'),
  ...some,
  machines: z
    .exactOptional(
      z.record(
        text('a unique_id, or a pattern such as acme-*'),
        group({
          threshold: z.exactOptional(RULES.threshold),
          clear_after: z.exactOptional(RULES.clear_after),
          ...some,
        }),
        { error: 'expected rules by unique_id, e.g. { "acme-*": { threshold: 0.9 } }' },
      ),
    )
    .describe(
      'Other rules for some machines, by unique_id or a pattern with `*` and `?`; of several that fit, later ones win.',
    ),
});

interface Contradiction {
  readonly path: (string | number)[];
  readonly message: string;
}

/** What is wrong with rules that are right alone, each with its place below `verdict`. */
export function ruleContradictions(
  { machines = {}, ...rules }: VerdictSettings,
  { mode, values }: { readonly mode: 'incremental' | 'replay'; readonly values: readonly string[] },
): Contradiction[] {
  const found: Contradiction[] = [];
  const { threshold, valid_range = {}, stuck_after = null } = rules;
  // A single machine may be told to keep silent.
  if (threshold === 1 && Object.keys(valid_range).length === 0 && stuck_after === null) {
    found.push({
      path: ['threshold'],
      message: 'no score is above 1, so no row would ever be anomalous; set it lower',
    });
  }
  const common = problemsOf(rules, rules, mode, values);
  found.push(...common);
  const known = new Set(common.map(({ message }) => message));
  for (const [pattern, change] of Object.entries(machines)) {
    for (const { path, message } of problemsOf({ ...rules, ...change }, change, mode, values)) {
      // What is wrong with the pipeline's own rules is said there, once.
      if (!known.has(message)) found.push({ path: ['machines', pattern, ...path], message });
    }
  }
  return found;
}

/** @param given the rules that stand at this place; `rules` has those besides that apply along with them. */
function problemsOf(
  rules: VerdictRules,
  given: Partial<VerdictRules>,
  mode: 'incremental' | 'replay',
  values: readonly string[],
): Contradiction[] {
  const found: Contradiction[] = [];
  /** Said at the first of the settings that is given here. */
  const say = (keys: readonly (keyof VerdictRules)[], message: string) => {
    const key = keys.find((name) => given[name] !== undefined) ?? keys[0];
    found.push({ path: key === undefined ? [] : [key], message });
  };
  const { threshold, clear_after, clear_level = threshold, repeat_after = 0 } = rules;
  if (clear_level > threshold) {
    say(
      ['clear_level', 'threshold'],
      `an event would end before it begins: clear_level ${clear_level} is above threshold ${threshold}; set it at or below`,
    );
  }
  if (repeat_after > 0 && repeat_after <= clear_after) {
    say(
      ['repeat_after', 'clear_after'],
      `has no effect: events less than clear_after (${formatDuration(clear_after)}) apart are one already; set repeat_after above it`,
    );
  }
  if (mode === 'replay' && (given.stale_after ?? null) !== null) {
    say(['stale_after'], 'has no meaning in replay mode, which has no last window to compare with; leave it out');
  }
  for (const name of ['valid_range', 'min_deviation', 'stuck_after'] as const) {
    const setting = given[name];
    for (const column of Object.keys(typeof setting === 'object' && setting !== null ? setting : {})) {
      if (values.includes(column)) continue;
      found.push({
        path: [name, column],
        message: `not a value column; the value columns are ${values.join(', ')}`,
      });
    }
  }
  return found;
}
