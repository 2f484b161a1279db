import { ByteReader, ByteWriter } from './byte-codec.js';
import { checkRows } from './check-rows.js';
import type { Batch, Detector, DetectorOutput, LearningOrder } from './detector.js';
import { fingerprint, sortedColumns } from './feature-order.js';

/**
 * Detectors that look at one column at a time, as ADTK's univariate ones do. A row's score is the largest of its
 * columns', and its explanation is that column's; of equal ones the first by name has it.
 */

const MAGIC = 0x4c554c43; // 'CLUL' read as bytes
const VERSION = 1;

/** What one column's rule says of one value. */
export interface Finding {
  /** 0..1, finite. */
  score: number;
  /** Whether the rule knows enough to say anything; the rest is NaN where it does not hold. */
  isKnown: boolean;
  expected: number;
  lower: number;
  upper: number;
}

/** The state of one column. */
export interface ColumnRule {
  readonly sizeBytes: number;
  /**
   * Takes the column's next value, never NaN, though it may be infinite. `finding` comes blank: score 0, nothing known.
   * `time` is null where there is none, and for a plan that does not ask for it.
   */
  take(value: number, time: bigint | null, order: LearningOrder, finding: Finding): void;
  write(writer: ByteWriter): void;
  /** Takes what `write` wrote; for a rule that is still new. */
  read(reader: ByteReader): void;
}

/** One kind of detector with its settings. */
export interface ColumnPlan {
  /** The settings, kind included, for the mark in its bytes. */
  readonly settings: { readonly kind: string };
  /** What it looks at, in one word. */
  readonly view: string;
  readonly asksTime: boolean;
  createRule(feature: string): ColumnRule;
}

export class ColumnDetector implements Detector {
  readonly views: readonly string[];
  readonly #plan: ColumnPlan;
  /** Columns and rules in the order of the features' names. */
  readonly #columns: Uint16Array;
  readonly #rules: readonly ColumnRule[];
  readonly #mark: number;
  readonly #finding: Finding = {
    score: 0,
    isKnown: false,
    expected: Number.NaN,
    lower: Number.NaN,
    upper: Number.NaN,
  };
  #rows = 0;

  /** Throws BadSettings for no or doubled features. */
  constructor(plan: ColumnPlan, features: readonly string[]) {
    this.#plan = plan;
    this.views = [plan.view];
    this.#columns = sortedColumns(features);
    const names = Array.from(this.#columns, (column) => features[column]!);
    this.#rules = names.map((name) => plan.createRule(name));
    this.#mark = fingerprint([plan.settings, names]);
  }

  /** The detector that `toBytes` was called on. Throws CorruptSnapshot for bytes of another kind, settings or features. */
  static fromBytes(plan: ColumnPlan, features: readonly string[], bytes: Uint8Array): ColumnDetector {
    const detector = new ColumnDetector(plan, features);
    const reader = new ByteReader(bytes, `a ${plan.settings.kind} detector`, MAGIC);
    reader.expect('the version', reader.u32(), VERSION);
    reader.expect('the mark of settings and features', reader.u32(), detector.#mark);
    detector.#rows = reader.f64();
    for (const rule of detector.#rules) rule.read(reader);
    reader.end();
    return detector;
  }

  /** Rows with a value that were learned. */
  get rows(): number {
    return this.#rows;
  }

  get sizeBytes(): number {
    return this.#rules.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  }

  /** A missing value, or a NaN, is passed over by its column's rule; a row without any value scores 0. */
  process(batch: Batch, from: number, to: number, order: LearningOrder, { scores, explained }: DetectorOutput): void {
    const stride = this.#columns.length;
    checkRows(batch, from, to, stride, scores);
    const { raw, missing } = batch;
    const times = this.#plan.asksTime ? batch.times : null;
    const finding = this.#finding;
    for (let row = from; row < to; row++) {
      const time = times === null ? null : times[row]!;
      let best = -1;
      for (let place = 0; place < stride; place++) {
        const column = this.#columns[place]!;
        const value = raw[row * stride + column]!;
        if (Number.isNaN(value) || missing?.[row * stride + column] === 1) continue;
        finding.score = 0;
        finding.isKnown = false;
        finding.expected = finding.lower = finding.upper = Number.NaN;
        this.#rules[place]!.take(value, time, order, finding);
        if (finding.score <= best) continue;
        best = finding.score;
        if (explained === null || !finding.isKnown) continue;
        explained.feature[row] = column;
        explained.view[row] = 0;
        explained.expected[row] = finding.expected;
        explained.lower[row] = finding.lower;
        explained.upper[row] = finding.upper;
      }
      scores[row] = Math.max(best, 0);
      if (best >= 0 && order !== 'score_only') this.#rows += 1;
    }
  }

  toBytes(): Uint8Array {
    const writer = new ByteWriter();
    writer.u32(MAGIC);
    writer.u32(VERSION);
    writer.u32(this.#mark);
    writer.f64(this.#rows);
    for (const rule of this.#rules) rule.write(writer);
    return writer.finish();
  }
}
