import type { DriftGateSettings } from '../contract/pipeline.js';
import { ByteReader, ByteWriter } from './byte-codec.js';
import type { Batch, Detector, DetectorOutput, LearningOrder } from './detector.js';
import {
  baselineFrom,
  baselineLength,
  baselineOver,
  type DriftGateBaseline,
  FAST_GAIN,
  LEVEL_GAIN,
} from './drift-gate-baseline.js';
import { DriftGateJudge, type GateState } from './drift-gate-judge.js';
import { DriftGateWarmUp } from './drift-gate-warm-up.js';
import { fingerprint, sortedColumns } from './feature-order.js';

const MAGIC = 0x54474447; // 'GDGT' read as bytes
const VERSION = 1;
const LARGEST = 1e100; // values are held within this, so that sums of their products stay finite
const OPEN: Readonly<GateState> = { alarm: false, closed: 0, run: 0 };
const GAINS = { fast: FAST_GAIN, slow: LEVEL_GAIN };

/**
 * DriftGate, for machines with several sensors: it learns a warm-up, then judges each sensor's level, relation to the
 * others and activity by averages of a dozen rows, and goes on learning only while it takes the machine for healthy.
 * How much of a view's variance is drift widens its limit, so that no factor has to be tuned. Our own design; see
 * docs/detection.md for what it reaches and what it cannot see.
 *
 * A row scores r / (r + 1) with r the largest test statistic over its limit: 0.5 is the limit, one in a million rows of
 * white noise; 0 during the warm-up. A value that is missing or not finite is the sensor's last one again.
 * `score_only` lets the averages of recent rows and the gate's own alarm move on; level, drift and warm-up stand still.
 */
export class DriftGate implements Detector {
  readonly views: readonly string[] = ['level', 'relation', 'activity'];
  readonly #settings: Pick<DriftGateSettings, 'warm_up' | 'hold'>;
  readonly #features: number;
  readonly #mark: number;
  #rows = 0;
  /** Of each sensor its first value, NaN before there is one; and its last one, relative to that. */
  #origin: Float64Array;
  #last: Float64Array;
  /** The row at hand: d values relative to the first ones, d activities; and the values of the row before. */
  readonly #row: Float64Array;
  readonly #previous: Float64Array;
  /** Until its rows are full; then the judge takes over. */
  #warmUp: DriftGateWarmUp | null;
  #judge: DriftGateJudge | null = null;

  /** Throws BadSettings for no or doubled feature names. */
  constructor({ warm_up, hold }: Pick<DriftGateSettings, 'warm_up' | 'hold'>, featureNames: readonly string[]) {
    this.#settings = { warm_up, hold };
    this.#features = sortedColumns(featureNames).length;
    this.#mark = fingerprint(featureNames);
    this.#origin = new Float64Array(this.#features).fill(Number.NaN);
    this.#last = new Float64Array(this.#features);
    this.#row = new Float64Array(2 * this.#features);
    this.#previous = new Float64Array(this.#features);
    this.#warmUp = new DriftGateWarmUp(this.#features, GAINS);
  }

  /** The detector that `toBytes` was called on. Throws CorruptSnapshot for bytes of another kind, settings or features. */
  static fromBytes(
    bytes: Uint8Array,
    settings: Pick<DriftGateSettings, 'warm_up' | 'hold'>,
    featureNames: readonly string[],
  ): DriftGate {
    const detector = new DriftGate(settings, featureNames);
    detector.#read(new ByteReader(bytes, 'a drift gate', MAGIC));
    return detector;
  }

  get rows(): number {
    return this.#rows;
  }

  get sizeBytes(): number {
    const state = this.#judge?.baseline.state ?? this.#warmUp?.state;
    return 8 * ((state?.length ?? 0) + 12 * this.#features);
  }

  process(batch: Batch, from: number, to: number, order: LearningOrder, out: DetectorOutput): void {
    for (let i = from; i < to; i++) {
      if (this.#judge === null) this.#warm(batch, i, order, out);
      else this.#pass(this.#judge, batch, i, order, out);
    }
  }

  toBytes(): Uint8Array {
    const writer = new ByteWriter();
    writer.u32(MAGIC);
    writer.u32(VERSION);
    writer.u32(this.#settings.warm_up);
    writer.u32(this.#settings.hold);
    writer.u32(this.#mark);
    writer.f64(this.#rows);
    const gate = this.#judge?.gate ?? OPEN;
    writer.u32(Number(gate.alarm));
    writer.f64(gate.closed);
    writer.f64(gate.run);
    for (const values of [this.#origin, this.#last, this.#state()]) for (const value of values) writer.f64(value);
    return writer.finish();
  }

  /** A row of the warm-up: scored only when it is the last one and has been learned. */
  #warm(batch: Batch, i: number, order: LearningOrder, { scores, explained }: DetectorOutput): void {
    scores[i] = 0;
    const warmUp = this.#warmUp;
    if (warmUp === null || order === 'score_only') return;
    this.#take(batch, i);
    warmUp.add(this.#row);
    this.#rows++;
    if (warmUp.rows < this.#settings.warm_up) return;
    const judge = this.#judgeOver(baselineFrom(warmUp), { ...OPEN });
    this.#judge = judge;
    this.#warmUp = null;
    if (order !== 'learn_then_score') return;
    judge.place(this.#row);
    judge.weigh();
    this.#tell(judge, i, { scores, explained });
  }

  /** A row after the warm-up. */
  #pass(judge: DriftGateJudge, batch: Batch, i: number, order: LearningOrder, out: DetectorOutput): void {
    this.#take(batch, i);
    judge.look(this.#row);
    if (order === 'learn_then_score') {
      judge.learn();
      judge.weigh();
    }
    this.#tell(judge, i, out);
    if (order === 'score_then_learn') judge.learn();
    if (order === 'score_only') judge.watch();
    else this.#rows++;
  }

  #tell(judge: DriftGateJudge, i: number, { scores, explained }: DetectorOutput): void {
    scores[i] = judge.score;
    if (explained !== null) judge.explain(this.#previous, this.#origin, explained, i);
  }

  /** Brings row `i` into `#row`, in place of what is missing the last values. */
  #take({ raw, missing }: Batch, i: number): void {
    const features = this.#features;
    const row = this.#row;
    const last = this.#last;
    const origin = this.#origin;
    const previous = this.#previous;
    for (let j = 0, at = i * features; j < features; j++, at++) {
      const measured = raw[at]!;
      previous[j] = last[j]!;
      if (Number.isFinite(measured) && (missing === null || missing[at] === 0)) {
        const value = Math.min(Math.max(measured, -LARGEST), LARGEST);
        if (Number.isNaN(origin[j])) origin[j] = value;
        last[j] = value - origin[j]!;
      }
      row[j] = last[j]!;
      row[features + j] = Math.abs(last[j]! - previous[j]!);
    }
  }

  #judgeOver(baseline: DriftGateBaseline, gate: GateState): DriftGateJudge {
    return new DriftGateJudge(baseline, this.#features, this.#settings.hold, gate);
  }

  #state(): Float64Array {
    return this.#judge?.baseline.state ?? this.#warmUp?.state ?? new Float64Array();
  }

  #read(reader: ByteReader): void {
    const features = this.#features;
    const { warm_up, hold } = this.#settings;
    reader.expect('the version', reader.u32(), VERSION);
    reader.expect('`warm_up`', reader.u32(), warm_up);
    reader.expect('`hold`', reader.u32(), hold);
    reader.expect('the mark of features', reader.u32(), this.#mark);
    const rows = reader.f64();
    if (!Number.isSafeInteger(rows) || rows < 0) throw reader.corrupt(`Expected a number of rows, got \`${rows}\``);
    const gate = { alarm: reader.u32() === 1, closed: reader.f64(), run: reader.f64() };
    const numbers = (length: number) => Float64Array.from({ length }, () => reader.f64());
    this.#rows = rows;
    this.#origin = numbers(features);
    this.#last = numbers(features);
    if (rows < warm_up) {
      this.#warmUp = new DriftGateWarmUp(features, GAINS, rows, numbers(DriftGateWarmUp.length(features)));
    } else {
      this.#judge = this.#judgeOver(baselineOver(features, numbers(baselineLength(features))), gate);
      this.#warmUp = null;
    }
    reader.end();
  }
}
