import { HalfspaceError } from '../contract/failures.js';
import type { NoveltySettings } from '../contract/pipeline.js';
import { ByteReader, ByteWriter } from './byte-codec.js';
import type { Batch, Detector, DetectorOutput, Explanations, LearningOrder } from './detector.js';
import { fingerprint } from './feature-order.js';
import { HABITUATION_BYTES, Habituation } from './novelty-fusion.js';
import { readCount } from './novelty-ring.js';
import { type Expected, VIEW_NAMES, Views } from './novelty-views.js';

const MAGIC = 0x564f4e48; // 'HNOV' read as bytes
const VERSION = 1;
const PAUSED_VERSION = 2; // the same, then the state of the copy that rows pass
const WHAT = 'a novelty detector';
const HALF_SCORE = 0.72; // the event strength that scores 0.5, best on the benchmark's files between 0.70 and 0.72
const LARGEST = 1e100; // values are cut here: squares of their differences, and sums of these, stay finite
const LEAST_EPS = 1e-4;
const MOST_EPS = 0.1;

/**
 * One value is surprising when nothing like it was ever seen in its series: several views of it (level, floor and ceiling,
 * spread, deviation from calendar profiles, on request shape) are each compared with a bounded memory of all they were.
 * A score stands at the row where an event begins or grows, and nowhere after it; 0.5 is where an alert is due.
 *
 * A row is compared with the rows before it in either learning order: beside itself nothing is new. Rows without a value
 * are passed over. Without times the calendars are left out.
 */
export class Novelty implements Detector {
  readonly views = VIEW_NAMES;
  readonly #settings: NoveltySettings;
  readonly #feature: string;
  readonly #state: Views;
  readonly #habituation = new Habituation();
  readonly #expected: Expected = { value: Number.NaN, lower: Number.NaN, upper: Number.NaN };
  #rows = 0;
  /** A copy that rows pass while nothing is learned; in the bytes too, and gone with the next row that is learned. */
  #passing: Novelty | null = null;

  /** Throws BadSettings for more features than one, and for parameters out of range. */
  constructor(settings: NoveltySettings, featureNames: readonly string[]) {
    const [feature, ...others] = featureNames;
    if (feature === undefined || others.length > 0) {
      throw new HalfspaceError(
        'BadSettings',
        `Expected one feature for a novelty detector, got \`${featureNames.join(', ')}\`. Give each a model of its own.`,
      );
    }
    checkSettings(settings);
    this.#settings = settings;
    this.#feature = feature;
    this.#state = new Views(settings);
  }

  /** The detector that `toBytes` was called on. Throws CorruptSnapshot for bytes of another kind, settings or features. */
  static fromBytes(bytes: Uint8Array, settings: NoveltySettings, featureNames: readonly string[]): Novelty {
    const detector = new Novelty(settings, featureNames);
    const reader = new ByteReader(bytes, WHAT, MAGIC);
    const version = reader.u32();
    if (version !== PAUSED_VERSION) reader.expect('the version', version, VERSION);
    reader.expect('the mark of settings and features', reader.u32(), detector.#mark());
    detector.#read(reader);
    if (version === PAUSED_VERSION) {
      detector.#passing = new Novelty(settings, featureNames);
      detector.#passing.#read(reader);
    }
    reader.end();
    return detector;
  }

  /** Rows with a value that were learned. */
  get rows(): number {
    return this.#rows;
  }

  get sizeBytes(): number {
    return (Views.sizeBytes(this.#settings) + HABITUATION_BYTES) * (this.#passing === null ? 1 : 2);
  }

  process(batch: Batch, from: number, to: number, order: LearningOrder, { scores, explained }: DetectorOutput): void {
    checkRange(batch, from, to, scores);
    const learns = order !== 'score_only';
    const { raw, missing } = batch;
    // Two 32-bit halves a row: a BigInt would be made for each.
    const halves = batch.times === null ? null : new Int32Array(batch.times.buffer, batch.times.byteOffset, 2 * to);
    for (let row = from; row < to; row++) {
      scores[row] = 0;
      const value = raw[row]!;
      if (missing?.[row] === 1 || !Number.isFinite(value)) continue;
      const hours = halves === null ? null : hoursOf(halves[2 * row]!, halves[2 * row + 1]!);
      // The copy comes and goes with rows that have a value, so that it depends on nothing but these.
      if (learns) this.#passing = null;
      const taker = learns ? this : this.#copy();
      scores[row] = taker.#take(Math.max(-LARGEST, Math.min(value, LARGEST)), hours, learns);
      if (explained !== null && scores[row]! > 0) taker.#explain(explained, row);
    }
  }

  toBytes(): Uint8Array {
    const writer = new ByteWriter();
    writer.u32(MAGIC);
    writer.u32(this.#passing === null ? VERSION : PAUSED_VERSION);
    writer.u32(this.#mark());
    this.#write(writer);
    if (this.#passing !== null) this.#passing.#write(writer);
    return writer.finish();
  }

  #write(writer: ByteWriter): void {
    writer.f64(this.#rows);
    this.#state.write(writer);
    this.#habituation.write(writer);
  }

  /** Into a detector that has taken nothing yet. */
  #read(reader: ByteReader): void {
    this.#rows = readCount(reader);
    this.#state.read(reader);
    this.#habituation.read(reader);
  }

  #take(value: number, hours: number | null, learns: boolean): number {
    const event = this.#habituation.take(this.#state.take(value, hours, learns));
    const isHidden = this.#rows < this.#settings.hide_first;
    if (learns) this.#rows++;
    return isHidden ? 0 : event / (event + HALF_SCORE);
  }

  #explain(into: Explanations, row: number): void {
    const view = this.#state.strongest();
    this.#state.expect(view, this.#expected);
    into.feature[row] = 0;
    into.view[row] = view;
    into.expected[row] = this.#expected.value;
    into.lower[row] = this.#expected.lower;
    into.upper[row] = this.#expected.upper;
  }

  #copy(): Novelty {
    this.#passing ??= Novelty.fromBytes(this.toBytes(), this.#settings, [this.#feature]);
    return this.#passing;
  }

  #mark(): number {
    const { pattern, eps, hide_first } = this.#settings;
    return fingerprint([pattern, eps, hide_first, this.#feature]);
  }
}

/**
 * Whole hours since the epoch of a time in nanoseconds, given as its lower and upper 32 bits. An hour is 2^13 x 439,453,125
 * ns, and without its last 13 bits a time is exact in a double.
 */
function hoursOf(low: number, high: number): number {
  return Math.floor((high * 2 ** 19 + (low >>> 13)) / 439_453_125);
}

function checkSettings({ eps, hide_first }: NoveltySettings): void {
  if (!(eps >= LEAST_EPS && eps <= MOST_EPS)) {
    throw new HalfspaceError('BadSettings', `Expected \`eps\` to be in ${LEAST_EPS}..${MOST_EPS}, got \`${eps}\`.`);
  }
  if (!Number.isSafeInteger(hide_first) || hide_first < 0) {
    throw new HalfspaceError(
      'BadSettings',
      `Expected \`hide_first\` to be an integer of at least 0, got \`${hide_first}\`.`,
    );
  }
}

function checkRange(batch: Batch, from: number, to: number, scores: Float64Array): void {
  const isInside = Number.isInteger(from) && Number.isInteger(to) && from >= 0 && from <= to && to <= batch.rows;
  const lengths = [batch.raw.length, scores.length, batch.missing?.length ?? to, batch.times?.length ?? to];
  if (isInside && lengths.every((length) => length >= to)) return;
  throw new RangeError(
    `Expected rows ${from}..${to} inside a batch of ${batch.rows} rows of one feature with room for their scores, ` +
      `got ${batch.raw.length} values and ${scores.length} scores.`,
  );
}
