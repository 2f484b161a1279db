import { z } from 'zod';
import type { ColumnBound, DetectorSettings } from '../contract/pipeline.js';
import {
  levelShift,
  persist,
  quantile,
  robustZscore,
  seasonal,
  threshold,
  volatilityShift,
} from './column-detector-schema.js';
import { detectorKind, group, integer, share, text } from './fields.js';
import { nearest } from './nearest.js';

/** Leaves of all trees together; 2^22 leaves hold about 100 MB of masses. */
const MAX_LEAVES = 2 ** 22;

const halfSpaceTrees = group({
  kind: detectorKind('half_space_trees'),
  n_trees: integer(1, 1000).default(10).describe('Number of trees.'),
  height: integer(1, 15).default(8).describe('Levels of each tree below its root.'),
  window_size: integer(1, 1_000_000_000)
    .default(250)
    .describe('Rows learned before scores appear and masses turn over.'),
  seed: integer(0, Number.MAX_SAFE_INTEGER).default(1).describe('Seed of the trees.'),
}).superRefine(({ n_trees, height }, context) => {
  const leaves = n_trees * 2 ** height;
  if (leaves <= MAX_LEAVES) return;
  const message = `too large: n_trees * 2^height is ${leaves}, at most ${MAX_LEAVES}; lower one of them`;
  context.addIssue({ code: 'custom', message });
});

const driftGate = group({
  kind: detectorKind('drift_gate'),
  warm_up: integer(100, 100_000).default(400).describe('Rows learned before scores appear; better 800 or more.'),
  hold: integer(0, 1_000_000_000)
    .default(0)
    .describe('Rows of one alarm after which what is seen is the new level; 0: never.'),
});

const novelty = group({
  kind: detectorKind('novelty'),
  pattern: z
    .boolean({ error: 'expected true or false' })
    .default(false)
    .describe('Whether the shapes of eight blocks of rows are looked at too.'),
  eps: share(0.0001, 0.1)
    .default(1 / 1024)
    .describe('Share of the range of a series within which two values count as one; half of it doubles the memory.'),
  hide_first: integer(0, 1_000_000_000)
    .default(750)
    .describe('Rows learned before scores appear; until then everything is new.'),
});

const module = group({
  kind: detectorKind('module'),
  path: text('the path of a JavaScript module').describe(
    'File with `createDetector` and `fromBytes`; a relative one starts at the settings file.',
  ),
  options: z
    .record(z.string(), z.unknown(), { error: 'expected options by name' })
    .default({})
    .describe('Handed to the module as they are; they are kept in runs, so no secrets.'),
});

/** What looks at rows by itself; a vote is made of these. */
const ALONE = [
  halfSpaceTrees,
  driftGate,
  novelty,
  threshold,
  quantile,
  persist,
  levelShift,
  volatilityShift,
  seasonal,
  robustZscore,
  module,
] as const;

const alone = z.discriminatedUnion('kind', ALONE, { error: unknownKind(ALONE) });

const needError = 'expected any, all, or how many of the detectors';
const vote = group({
  kind: detectorKind('vote'),
  of: z
    .array(
      group({
        detector: alone.describe('One of the detectors that vote; it has the settings it would have alone.'),
        above: z
          .exactOptional(
            share(0, 1).refine((above) => above < 1, { error: 'no score is above 1, so it would never vote' }),
          )
          .describe('Score above which it votes; 0.8 for half_space_trees, 0.5 for the others when left out.'),
      }).transform(({ detector, above }) => ({ detector, above: above ?? alarmLevel(detector) })),
      {
        error:
          'expected a list of two or more, e.g. [{ detector: { kind: persist } }, { detector: { kind: quantile } }]',
      },
    )
    .min(2, { error: 'expected a list of at least two detectors' })
    .describe(
      'The detectors that vote: `detector` with its settings, and `above`, the score above which it votes (0.8 for half_space_trees, 0.5 for the others when left out).',
    ),
  need: z
    .union([z.enum(['any', 'all'], { error: needError }), integer(1, 1000)], { error: needError })
    .default('any')
    .describe('How many must vote for an anomaly.'),
}).superRefine(({ of, need }, context) => {
  if (typeof need !== 'number' || need <= of.length) return;
  context.addIssue({ code: 'custom', path: ['need'], message: `more than the ${of.length} detectors there are` });
});

const ALL = [...ALONE, vote] as const;

/** What scores where a pipeline says nothing. */
export const DEFAULT_DETECTOR = { kind: 'half_space_trees' } as const;

/** `detector` of a pipeline; what comes out is `DetectorSettings` of contract/. */
export const detector = z.discriminatedUnion('kind', ALL, { error: unknownKind(ALL) });

interface OfKind {
  readonly shape: { readonly kind: z.ZodLiteral<string> };
}

/** Names the kinds there are, and the one that was meant. */
function unknownKind(options: readonly (OfKind | { readonly in: OfKind })[]) {
  const kinds = options.map((option) => ('in' in option ? option.in : option).shape.kind.value);
  return ({ input }: { readonly input?: unknown }) => {
    const given = typeof input === 'object' && input !== null && 'kind' in input ? input.kind : undefined;
    const close = typeof given === 'string' ? nearest(given, kinds) : null;
    const known = `${kinds.slice(0, -1).join(', ')} or ${kinds.at(-1)}`;
    return `expected a detector of kind ${known}${close === null ? '' : ` (did you mean \`${close}\`?)`}`;
  };
}

/** Score above which a detector gives the alarm, where nothing else is said. */
export function alarmLevel({ kind }: Pick<DetectorSettings, 'kind'>): number {
  return kind === 'half_space_trees' ? 0.8 : 0.5;
}

/** Whether a detector needs values in 0..1, may look at them, or takes values in their own units alone. */
export function useOfNormalised(settings: DetectorSettings): 'needed' | 'possible' | 'none' {
  if (settings.kind === 'half_space_trees') return 'needed';
  if (settings.kind === 'module') return 'possible';
  if (settings.kind !== 'vote') return 'none';
  const uses = settings.of.map((member) => useOfNormalised(member.detector));
  return uses.includes('needed') ? 'needed' : uses.includes('possible') ? 'possible' : 'none';
}

/** Whether a detector, or one that votes, looks at one feature and no more. */
export function looksAtOneFeature(settings: DetectorSettings): boolean {
  if (settings.kind === 'vote') return settings.of.some((member) => looksAtOneFeature(member.detector));
  return settings.kind === 'novelty';
}

/** The kind that takes each feature for a measurement of its own, of the detector or of one that votes; null: none does. */
export function kindThatMeasures(settings: DetectorSettings): DetectorSettings['kind'] | null {
  if (settings.kind === 'vote') {
    return settings.of.map((member) => kindThatMeasures(member.detector)).find((kind) => kind !== null) ?? null;
  }
  return settings.kind === 'half_space_trees' || settings.kind === 'module' ? null : settings.kind;
}

/** What is wrong between a detector's settings, and between them and the features it sees; paths begin at the detector. */
export function detectorProblems(
  settings: DetectorSettings,
  columns: readonly string[],
): { readonly path: (string | number)[]; readonly message: string }[] {
  switch (settings.kind) {
    case 'vote':
      return settings.of.flatMap((member, i) =>
        detectorProblems(member.detector, columns).map(({ path, message }) => ({
          path: ['of', i, 'detector', ...path],
          message,
        })),
      );
    case 'threshold':
      return thresholdProblems(settings, columns);
    case 'quantile':
      return quantileProblems(settings);
    case 'level_shift':
    case 'volatility_shift':
      return shiftProblems(settings);
    default:
      return [];
  }
}

type QuantileSettings = Extract<DetectorSettings, { kind: 'quantile' }>;

function quantileProblems({ low, high, memory }: QuantileSettings) {
  if (low === null && high === null) {
    return [{ path: ['low'], message: 'null beside `high: null` leaves nothing to look for; give one of the two' }];
  }
  const tail = Math.min(low ?? 1, high === null ? 1 : 1 - high);
  // 1 - 0.9 is a little below a tenth.
  if (memory * tail >= 1 - 1e-9) return [];
  const name = tail === low ? `below low ${low}` : `above high ${high}`;
  return [{ path: ['memory'], message: `${memory} values are too few for one of them to lie ${name}; remember more` }];
}

type ShiftSettings = Extract<DetectorSettings, { kind: 'level_shift' | 'volatility_shift' }>;

function shiftProblems({ window, memory }: ShiftSettings) {
  if (memory >= window) return [];
  const message = `${memory} differences are fewer than window ${window} has rows, so every shift would be ordinary as it comes; give at least as many, better four times`;
  return [{ path: ['memory'], message }];
}

function thresholdProblems(
  { low, high }: Extract<DetectorSettings, { kind: 'threshold' }>,
  columns: readonly string[],
) {
  if (low === null && high === null) return [{ path: [], message: 'a threshold needs `low`, `high` or both' }];
  const problems: { path: (string | number)[]; message: string }[] = [];
  for (const [key, bounds] of [
    ['low', low],
    ['high', high],
  ] as const) {
    if (typeof bounds !== 'object' || bounds === null) continue;
    for (const column of Object.keys(bounds)) {
      if (columns.includes(column)) continue;
      problems.push({
        path: [key, column],
        message: `the detector sees nothing of that name; it sees ${columns.join(', ')}`,
      });
    }
  }
  for (const column of columns) {
    const [least, most] = [boundFor(low, column), boundFor(high, column)];
    if (least === null || most === null || least < most) continue;
    const where = typeof high === 'object' ? ['high', column] : ['high'];
    problems.push({ path: where, message: `${most} is not above \`low\`, which is ${least}` });
    if (typeof low === 'number' && typeof high === 'number') break;
  }
  return problems;
}

function boundFor(bound: ColumnBound | null, column: string): number | null {
  if (typeof bound !== 'object' || bound === null) return bound;
  return Object.hasOwn(bound, column) ? (bound[column] ?? null) : null;
}
