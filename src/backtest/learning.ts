import type { DetectorSettings, FeatureSettings, PipelineSettings, VoteMemberSettings } from '../contract/pipeline.js';
import { rulesOf } from '../verdict/machine-rules.js';

/** How long a new model only learned. */
export interface Learning {
  /** Rows, of those with a value, whose scores could not count yet: the first ones. */
  readonly learning: number;
  /** Time of the first row whose score could count, nanoseconds; null: there was none. */
  readonly scoredFrom: bigint | null;
}

/**
 * Finds the row from which on a new model's scores count. A detector that is learning scores 0, so it is the first row with a
 * higher score, or that the detector explains, or after as many rows as the settings have it learn; and after `warm_up_rows`.
 */
export class LearningWatch implements Learning {
  learning = 0;
  scoredFrom: bigint | null = null;
  readonly #needed: number;
  readonly #warmUpRows: number;
  readonly #explains: boolean;
  /** Rows before which an explanation may be that of a vote's member alone. */
  readonly #quorum: number;

  constructor({ detector, features, model, verdict }: PipelineSettings, uniqueId: string) {
    this.#needed = rowsLearned(detector, features);
    this.#warmUpRows = rulesOf(verdict, uniqueId).warm_up_rows ?? 0;
    // Others are said to point at a column also where they know nothing of it.
    this.#explains = model === 'joint' && detector.kind !== 'half_space_trees' && detector.kind !== 'module';
    this.#quorum = detector.kind === 'vote' && detector.need !== 'any' ? slowest(detector.of, features) : 0;
  }

  /** Takes the next row that has a score; `isExplained`: the detector, not a rule, says what of it weighed most. */
  see(time: bigint, score: number, isExplained: boolean): void {
    if (this.scoredFrom !== null) return;
    const isTold = this.#explains && isExplained && this.learning >= this.#quorum;
    const says = score > 0 || isTold || this.learning >= this.#needed;
    if (says && this.learning >= this.#warmUpRows) this.scoredFrom = time;
    else this.learning++;
  }
}

/** Rows after which a detector scores, however little the values move; infinite where that is up to the values. */
function rowsLearned(detector: DetectorSettings, features: readonly FeatureSettings[]): number {
  switch (detector.kind) {
    case 'half_space_trees':
      return detector.window_size + Math.max(...features.map(rowsLookedBack));
    case 'drift_gate':
      return detector.warm_up;
    case 'novelty':
      return detector.hide_first;
    default:
      return Number.POSITIVE_INFINITY;
  }
}

/** Of the members whose settings say how many rows they learn, the most. */
function slowest(members: readonly VoteMemberSettings[], features: readonly FeatureSettings[]): number {
  const known = members.map(({ detector }) => rowsLearned(detector, features)).filter(Number.isFinite);
  return Math.max(0, ...known);
}

/** Rows before the first that has the feature; trees begin with one that has all. */
function rowsLookedBack(feature: FeatureSettings): number {
  if (feature.kind === 'lag') return feature.rows;
  return feature.kind === 'difference' || feature.kind === 'rolling_deviation' ? 1 : 0;
}

/** Several machines' together. */
export interface FleetLearning extends Learning {
  /** Machines that were scored at no time. */
  readonly unscoredMachines: number;
}

/** `learning` is the sum of all; `scoredFrom` is the time from which on all that are scored at all are. */
export function fleetLearning(machines: readonly Learning[]): FleetLearning {
  const begins = machines.flatMap(({ scoredFrom }) => scoredFrom ?? []);
  return {
    learning: machines.reduce((sum, { learning }) => sum + learning, 0),
    scoredFrom: begins.reduce<bigint | null>((last, time) => (last === null || time > last ? time : last), null),
    unscoredMachines: machines.length - begins.length,
  };
}
