import type { Explanations } from './detector.js';
import { type DriftGateBaseline, FAST_GAIN, LEVEL_GAIN } from './drift-gate-baseline.js';
import { upperNormalQuantile } from './normal-quantile.js';

const FALSE_ALARMS = 1e-6; // nominal share of rows of white noise, over all views together
const CLEAR_SHARE = 0.6; // the gate opens again below this share of the limit
const DRIFT_FREEDOM = 3; // degrees of freedom that the variance by drift is known with
const CAP = 4; // deviations count up to this many standard deviations: one wild row cannot fire by itself
const REACH = 20; // as far from its level a sensor moves the relations of the others
const DRIFT_GAIN = 0.0025; // what drift is learned with: 400 rows

/** Numbers beside the baseline that {@link DriftGateJudge} goes on from. */
export interface GateState {
  /** Whether the gate is closed: the last row was above the limit, or has not yet come down to the clear level. */
  alarm: boolean;
  /** Rows the gate was closed, less those it has been open since; never below 0. */
  closed: number;
  /** Rows since the gate closed. */
  run: number;
}

/** Judges the rows after the warm-up; a row at a time is looked at, then learned or only watched. */
export class DriftGateJudge {
  readonly baseline: DriftGateBaseline;
  readonly gate: GateState;
  readonly #features: number;
  readonly #hold: number;
  readonly #limit: number;
  /** Of the row at hand: its levels held within reach, its 3d views, the largest statistic and where that is. */
  readonly #reached: Float64Array;
  readonly #seen: Float64Array;
  #statistic = 0;
  #view = 0;

  /** @param hold rows after which a closed gate takes what it sees for the new level; 0: never. */
  constructor(baseline: DriftGateBaseline, features: number, hold: number, gate: GateState) {
    this.baseline = baseline;
    this.gate = gate;
    this.#features = features;
    this.#hold = hold;
    // The limit of a chi-square variable of one degree of freedom, shared out over the views (Bonferroni).
    this.#limit = upperNormalQuantile(FALSE_ALARMS / (6 * features)) ** 2;
    this.#reached = new Float64Array(features);
    this.#seen = new Float64Array(3 * features);
  }

  /** Of the row at hand, 0..1; 0.5 is the limit. */
  get score(): number {
    const ratio = this.#statistic / this.#limit;
    return ratio / (ratio + 1);
  }

  /** Takes a row (d values, d activities, raw units) into the averages of recent rows, and weighs them. */
  look(row: Float64Array): void {
    this.place(row);
    const { level, excess } = this.baseline;
    const seen = this.#seen;
    for (let view = 0; view < seen.length; view++) {
      const away = Math.min(Math.max(seen[view]! - level[view]!, -CAP), CAP);
      excess[view]! += FAST_GAIN * (away - excess[view]!);
    }
    this.weigh();
  }

  /** Where a row stands in each view; changes nothing that outlasts it. */
  place(row: Float64Array): void {
    const { relation, mean, deviation, level } = this.baseline;
    const features = this.#features;
    const seen = this.#seen;
    const reached = this.#reached;
    for (let j = 0; j < features; j++) {
      const activity = features + j;
      seen[j] = (row[j]! - mean[j]!) / deviation[j]!;
      seen[2 * features + j] = (row[activity]! - mean[activity]!) / deviation[activity]!;
      reached[j] = level[j]! + Math.min(Math.max(seen[j]! - level[j]!, -REACH), REACH);
    }
    for (let j = 0, at = 0; j < features; j++) {
      let sum = 0;
      for (let k = 0; k < features; k++) sum += relation[at++]! * reached[k]!;
      seen[features + j] = sum;
    }
  }

  /** Finds the view that is furthest out: Student's deviance, its degrees of freedom by Satterthwaite. */
  weigh(): void {
    const { excess, noise, freedom } = this.baseline;
    this.#statistic = -1;
    for (let view = 0; view < excess.length; view++) {
      const drift = this.#drift(view);
      const variance = noise[view]! + drift;
      const known = freedomOf(variance, noise[view]!, freedom[view]!, drift);
      const statistic = (known + 1) * Math.log1p(excess[view]! ** 2 / (variance * known));
      if (statistic > this.#statistic) {
        this.#statistic = statistic;
        this.#view = view;
      }
    }
  }

  /** Opens or closes the gate by the row that was looked at; while it is open, level and drift follow. */
  learn(): void {
    this.watch();
    const { gate } = this;
    const { level, excess, noise, prior, drift } = this.baseline;
    if (gate.alarm) {
      gate.closed++;
      gate.run++;
      if (this.#hold > 0 && gate.run >= this.#hold) this.#accept();
      return;
    }
    gate.closed = Math.max(0, gate.closed - 1);
    gate.run = 0;
    for (let view = 0; view < excess.length; view++) {
      const away = excess[view]!;
      const usual = Math.max(drift[view]!, prior[view]!);
      // Held within what is usual: slow drift is learned, the ramp of a fault is not.
      const surplus = Math.min(away * away - noise[view]!, noise[view]! + usual);
      drift[view]! += DRIFT_GAIN * (surplus - drift[view]!);
      const step = LEVEL_GAIN * away;
      level[view]! += step;
      excess[view]! -= step;
    }
  }

  /** Opens or closes the gate and learns nothing. */
  watch(): void {
    const share = this.gate.alarm ? CLEAR_SHARE : 1;
    this.gate.alarm = this.#statistic > share * this.#limit;
  }

  /**
   * Why the row at hand has its score. A level is expected where it was, a relation where the other sensors would have
   * the value, an activity within a step of the value before. Bounds are those that the limit sets to a lasting
   * deviation; a view that drifts too much to fire has none.
   * @param origin what the d values of a row are relative to.
   * @param previous the d values of the row before.
   */
  explain(previous: Float64Array, origin: Float64Array, out: Explanations, i: number): void {
    const { relation, mean, deviation, level } = this.baseline;
    const features = this.#features;
    const kind = Math.floor(this.#view / features);
    const j = this.#view % features;
    let expected: number;
    let width = this.#reach(this.#view) * deviation[kind === 2 ? features + j : j]!;
    if (kind === 0) {
      expected = mean[j]! + deviation[j]! * level[j]!;
    } else if (kind === 1) {
      const own = relation[j * features + j]!;
      const away = (this.#seen[this.#view]! - level[this.#view]!) / own;
      expected = mean[j]! + deviation[j]! * (this.#reached[j]! - away);
      width /= own;
    } else {
      expected = previous[j]!;
      width += mean[features + j]! + deviation[features + j]! * level[this.#view]!;
    }
    out.feature[i] = j;
    out.view[i] = kind;
    out.expected[i] = origin[j]! + expected;
    out.lower[i] = origin[j]! + expected - width;
    out.upper[i] = origin[j]! + expected + width;
  }

  /** The deviation at which a view fires; infinite where it never can. */
  #reach(view: number): number {
    const noise = this.baseline.noise[view]!;
    const drift = this.#drift(view);
    const known = freedomOf(noise + drift, noise, this.baseline.freedom[view]!, drift);
    const reach = Math.sqrt((noise + drift) * known * Math.expm1(this.#limit / (known + 1)));
    return reach < CAP ? reach : Number.POSITIVE_INFINITY;
  }

  /** Variance by drift; it grows while the level is not followed. */
  #drift(view: number): number {
    const { prior, drift } = this.baseline;
    return Math.max(drift[view]!, prior[view]!) * (1 + 2 * LEVEL_GAIN * this.gate.closed);
  }

  /** What is seen for long enough is the new level. */
  #accept(): void {
    const { level, excess } = this.baseline;
    for (let view = 0; view < level.length; view++) level[view]! += excess[view]!;
    excess.fill(0);
    Object.assign(this.gate, { alarm: false, closed: 0, run: 0 });
  }
}

function freedomOf(variance: number, noise: number, ofNoise: number, drift: number): number {
  return (variance * variance) / ((noise * noise) / ofNoise + (drift * drift) / DRIFT_FREEDOM);
}
