import type { VerdictCause } from '../contract/anomaly-event.js';
import type { VerdictRules } from '../contract/pipeline.js';
import { nanosFromMs } from '../contract/time.js';
import { ofColumn, own } from './machine-rules.js';
import type { OrdinaryRows } from './ordinary-rows.js';
import type { RuleState, Run } from './rule-state.js';

/** What a row is, by its number in {@link RowsToJudge.causes}; 0: ordinary. */
export const CAUSES = [null, 'score', 'range', 'stuck'] as const satisfies readonly (VerdictCause | null)[];

const ORDINARY = 0;
const SCORE = 1;
const RANGE = 2;
const STUCK = 3;

const DEFAULT_FLAT_GUARD = 0.01;
/** A column is flat while its spread is below this share of what the guard asks for. */
const FLAT_SPREAD = 0.01;
/** A value that came once, twice at most, says nothing of a sensor. */
const LEAST_STUCK_ROWS = 3;

/** Stands where the rules and not the detector point at a column. */
export const NO_VIEW = 255;

/** What is known of the rows, a slot each. */
export interface Expectations {
  /** Index of the column that weighed most; -1: unknown. */
  readonly feature: Int32Array;
  /** What of it, as its detector counts that; {@link NO_VIEW}: its value, which is all that the rules look at. */
  readonly view: Uint8Array;
  /** In the column's own unit; NaN: unknown. */
  readonly expected: Float64Array;
  readonly lower: Float64Array;
  readonly upper: Float64Array;
}

/** Rows with their scores, and where the verdicts on them go. */
export interface RowsToJudge {
  /** Nanoseconds, ascending. */
  readonly times: BigInt64Array;
  /** rows x columns, row-major, as measured; NaN where missing. */
  readonly values: Float64Array;
  /** 0..1. */
  readonly scores: Float64Array;
  /** What the detector said, to which is added what the rules know. */
  readonly explained: Expectations;
  /** Index into {@link CAUSES}. */
  readonly causes: Uint8Array;
}

/**
 * The rules, row by row. They look at nothing but the row and the state, so rows may come in any number of calls.
 *
 * A row counts when its score is above the level (`threshold`, `clear_level` once it fired), the model is past `warm_up_rows`,
 * and a column differs enough from what is expected of it. Rows that count make a verdict once they held. A value outside
 * `valid_range` and a column that is stuck are verdicts of their own, whatever the score.
 */
export class RowJudge {
  readonly #state: RuleState;
  readonly #threshold: number;
  readonly #clearLevel: number;
  readonly #direction: 'both' | 'above' | 'below';
  readonly #warmUpRows: number;
  readonly #holdRows: number;
  readonly #holdFor: bigint;
  readonly #least: Float64Array;
  readonly #leastShare: number;
  readonly #flatGuard: number;
  /** By column; without a range, infinite. */
  readonly #lows: Float64Array;
  readonly #highs: Float64Array;
  readonly #hasRange: boolean;
  /** By column, nanoseconds; null: it is never stuck. */
  readonly #stuckAfter: readonly (bigint | null)[];
  readonly #isStuckSought: boolean;
  /** By column: what a small difference is measured by where the values themselves are 0. */
  readonly #widths: Float64Array;
  readonly #isDemanding: boolean;

  /** @param limits the range a column is declared to keep, where it is. */
  constructor(
    state: RuleState,
    rules: VerdictRules,
    columns: readonly string[],
    limits: { readonly [column: string]: readonly [number, number] } = {},
  ) {
    const { valid_range: ranges = {}, min_deviation: least = 0, stuck_after: stuck = null } = rules;
    this.#state = state;
    this.#threshold = rules.threshold;
    this.#clearLevel = rules.clear_level ?? rules.threshold;
    this.#direction = rules.direction ?? 'both';
    this.#warmUpRows = rules.warm_up_rows ?? 0;
    this.#holdRows = rules.hold_rows ?? 1;
    this.#holdFor = nanosFromMs(rules.hold_for ?? 0);
    this.#least = Float64Array.from(columns, (name) => ofColumn(least, name) ?? 0);
    this.#leastShare = rules.min_relative_deviation ?? 0;
    this.#flatGuard = rules.flat_guard ?? DEFAULT_FLAT_GUARD;
    this.#lows = Float64Array.from(columns, (name) => own(ranges, name)?.[0] ?? Number.NEGATIVE_INFINITY);
    this.#highs = Float64Array.from(columns, (name) => own(ranges, name)?.[1] ?? Number.POSITIVE_INFINITY);
    this.#hasRange = Object.keys(ranges).length > 0;
    this.#stuckAfter = columns.map((name) => {
      const after = stuck === null ? undefined : ofColumn(stuck, name);
      return after === undefined ? null : nanosFromMs(after);
    });
    this.#isStuckSought = this.#stuckAfter.some((after) => after !== null);
    // A run that nobody watched goes on from nowhere when the rule comes back.
    state.runs.forEach((run, column) => {
      if ((this.#stuckAfter[column] ?? null) === null) Object.assign(run, UNWATCHED);
    });
    this.#widths = Float64Array.from(columns, (name) => {
      const [low, high] = own(limits, name) ?? own(ranges, name) ?? [0, 0];
      return high - low;
    });
    this.#isDemanding =
      this.#direction !== 'both' || this.#leastShare > 0 || this.#least.some((difference) => difference > 0);
  }

  /** Judges rows `from <= i < to`, which come after those of all earlier calls. */
  judge(rows: RowsToJudge, from: number, to: number): void {
    const state = this.#state;
    const { times, values, scores, causes } = rows;
    const columns = state.ordinary.length;
    for (let row = from; row < to; row++) {
      const base = row * columns;
      state.rows++;
      const outside = this.#hasRange ? this.#outsideRange(values, base) : -1;
      const stuck = this.#isStuckSought ? this.#stuckColumn(values, base, times[row] ?? 0n) : -1;
      const level = state.isFired ? this.#clearLevel : this.#threshold;
      const calls = Number(scores[row]) > level && state.rows > this.#warmUpRows;
      const odd = calls ? this.#oddColumn(rows, row) : NOTHING_ODD;
      if (odd === NOTHING_ODD) {
        state.held = 0;
        state.isFired = false;
      } else if (!state.isFired) {
        this.#hold(times[row] ?? 0n);
      }
      causes[row] = outside >= 0 ? RANGE : state.isFired ? SCORE : stuck >= 0 ? STUCK : ORDINARY;
      const named = outside >= 0 ? outside : odd >= 0 ? odd : stuck;
      this.#complete(rows, row, named, outside >= 0);
      if (odd !== NOTHING_ODD || outside >= 0) continue;
      for (let column = 0; column < columns; column++) {
        const value = values[base + column] ?? Number.NaN;
        if (!Number.isNaN(value)) state.ordinary[column]?.add(value);
      }
    }
  }

  #hold(time: bigint): void {
    const state = this.#state;
    if (state.held === 0) state.heldSince = time;
    state.held++;
    state.isFired = state.held >= this.#holdRows && time - state.heldSince >= this.#holdFor;
  }

  /** First column whose value cannot be; -1: none. */
  #outsideRange(values: Float64Array, base: number): number {
    for (let column = 0; column < this.#lows.length; column++) {
      const value = Number(values[base + column]);
      if (value < Number(this.#lows[column]) || value > Number(this.#highs[column])) return column;
    }
    return -1;
  }

  /** First column that has held its value for too long; -1: none. A missing value neither ends a run nor makes it longer. */
  #stuckColumn(values: Float64Array, base: number, time: bigint): number {
    let found = -1;
    for (let column = 0; column < this.#stuckAfter.length; column++) {
      const run = this.#state.runs[column];
      const after = this.#stuckAfter[column] ?? null;
      const value = values[base + column] ?? Number.NaN;
      if (run === undefined || after === null || Number.isNaN(value)) continue;
      if (value !== run.value) {
        run.value = value;
        run.since = time;
        run.rows = 0;
      }
      run.rows++;
      if (found < 0 && run.rows >= LEAST_STUCK_ROWS && time - run.since >= after) found = column;
    }
    return found;
  }

  /**
   * The column that makes the row odd: of those that differ enough from what is expected the one furthest off, measured by its
   * spread; -1 where nothing is known to compare with, and no rule asks for it. Beyond fixed limits its side alone matters.
   */
  #oddColumn({ values, explained }: RowsToJudge, row: number): number {
    const { ordinary } = this.#state;
    const told = explained.feature[row] ?? -1;
    const beyond = told < 0 ? 0 : beyondLimits(explained, row, Number(values[row * ordinary.length + told]));
    if (beyond !== 0) return this.#isWrongSide(beyond) ? NOTHING_ODD : told;
    let found = NOTHING_ODD;
    let furthest = -1;
    let isCompared = false;
    for (let column = 0; column < ordinary.length; column++) {
      const known = ordinary[column];
      if (known === undefined || (told >= 0 && column !== told)) continue;
      const value = Number(values[row * ordinary.length + column]);
      const stated = told >= 0 ? Number(explained.expected[row]) : Number.NaN;
      const expected = Number.isNaN(stated) ? known.median : stated;
      if (Number.isNaN(value - expected)) continue;
      isCompared = true;
      const difference = Math.abs(value - expected);
      if (!this.#isEnough(column, value, expected) || this.#isFlat(column, known, value)) continue;
      const distance = known.spread > 0 ? difference / known.spread : Number.POSITIVE_INFINITY;
      if (distance > furthest) {
        furthest = distance;
        found = column;
      }
    }
    if (isCompared || this.#isDemanding) return found;
    return told;
  }

  #isEnough(column: number, value: number, expected: number): boolean {
    const difference = value - expected;
    if (this.#isWrongSide(difference)) return false;
    const size = Math.abs(difference);
    return size >= Number(this.#least[column]) && size >= this.#leastShare * Math.abs(expected);
  }

  #isWrongSide(difference: number): boolean {
    if (this.#direction === 'above') return !(difference > 0);
    return this.#direction === 'below' && !(difference < 0);
  }

  /**
   * Whether the column hardly moves and `value` is no step worth the name. One that only was 0, and is declared no limits, has
   * nothing to measure a step by: any is one.
   */
  #isFlat(column: number, known: OrdinaryRows, value: number): boolean {
    if (this.#flatGuard === 0 || known.count === 0) return false;
    const tolerated = this.#flatGuard * Math.max(Math.abs(known.median), Number(this.#widths[column]));
    if (known.spread > FLAT_SPREAD * tolerated) return false;
    const step = Math.abs(value - known.median);
    return step < tolerated || step === 0;
  }

  /**
   * Adds what the rules know of a row to what the detector said of it. Of an ordinary row that nothing points at it is the
   * first column, and before anything is known the value itself: a row that is written again leaves nothing of what it was.
   */
  #complete({ explained, values }: RowsToJudge, row: number, named: number, isOutside: boolean): void {
    const { ordinary } = this.#state;
    const told = explained.feature[row] ?? -1;
    const column = isOutside || told < 0 ? Math.max(named, 0) : told;
    const known = ordinary[column];
    if (known === undefined) return;
    const isTold = told === column;
    const value = values[row * ordinary.length + column] ?? Number.NaN;
    const isNew = known.count === 0;
    explained.feature[row] = column;
    if (!isTold || isOutside) explained.view[row] = NO_VIEW;
    if (!isTold || Number.isNaN(explained.expected[row])) explained.expected[row] = isNew ? value : known.median;
    if (isOutside) {
      explained.lower[row] = this.#lows[column] ?? Number.NaN;
      explained.upper[row] = this.#highs[column] ?? Number.NaN;
    } else if (!isTold || (Number.isNaN(explained.lower[row]) && Number.isNaN(explained.upper[row]))) {
      explained.lower[row] = isNew ? value : known.lowest;
      explained.upper[row] = isNew ? value : known.highest;
    }
  }
}

const NOTHING_ODD = -2;
const UNWATCHED: Run = { value: Number.NaN, since: 0n, rows: 0 };

/**
 * How far a value is beyond the limits of a detector that states limits and expects nothing: those are fixed, so what the
 * column did before says nothing of them. 0: within, or no such limits.
 */
function beyondLimits({ expected, lower, upper }: Expectations, row: number, value: number): number {
  if (!Number.isNaN(expected[row])) return 0;
  if (value > Number(upper[row])) return value - Number(upper[row]);
  return value < Number(lower[row]) ? value - Number(lower[row]) : 0;
}
