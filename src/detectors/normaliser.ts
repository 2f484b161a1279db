import { HalfspaceError } from '../contract/failures.js';
import type { NormaliseSettings } from '../contract/pipeline.js';
import { ByteReader, ByteWriter } from './byte-codec.js';
import { checkRoom } from './check-room.js';
import { fingerprint, sortedColumns } from './feature-order.js';
import { RobustNormaliser } from './robust-normaliser.js';

/** Brings raw values towards 0..1 before a detector sees them. NaN, a missing value, stays NaN and teaches nothing. */
export interface Normaliser {
  /**
   * Writes rows x features, row-major, to `out` (which may be `values` itself). Calls may cut the rows anywhere, except
   * with `batch`, which looks at the whole of one call.
   * @param learns false: the rows teach nothing.
   */
  normalise(values: Float64Array, rows: number, out: Float64Array, learns?: boolean): void;
  /** What it has learned, the same bytes for the same state; empty for a normaliser that learns nothing. */
  toBytes(): Uint8Array;
  /** Memory held. */
  readonly sizeBytes: number;
}

const MAGIC = 0x584e4d52; // 'RMNX' read as bytes
const VERSION = 1;
const NO_BYTES = new Uint8Array(0);

/**
 * A new normaliser over `features`, the columns of the values to come. Throws BadSettings when limits are declared but
 * not for every feature, or are not two finite numbers in ascending order.
 */
export function createNormaliser(settings: NormaliseSettings, features: readonly string[]): Normaliser {
  if (settings === 'none') return new NoNormaliser(features);
  if (settings === 'batch') return new BatchNormaliser(features);
  if (settings === 'running') return new RunningNormaliser(features);
  if (settings === 'robust') return new RobustNormaliser(features);
  return new DeclaredNormaliser(settings, features);
}

/** The normaliser that `toBytes` was called on. Throws CorruptSnapshot for bytes of another kind or other features. */
export function normaliserFromBytes(
  settings: NormaliseSettings,
  features: readonly string[],
  bytes: Uint8Array,
): Normaliser {
  if (settings === 'running') return RunningNormaliser.fromBytes(features, bytes);
  if (settings === 'robust') return RobustNormaliser.fromBytes(features, bytes);
  if (bytes.length === 0) return createNormaliser(settings, features);
  throw new HalfspaceError(
    'CorruptSnapshot',
    `Expected no bytes of a normaliser that learns nothing, got \`${bytes.length}\`. Use an older snapshot.`,
  );
}

/** Values as they are, for detectors that need no limits. */
class NoNormaliser implements Normaliser {
  readonly sizeBytes = 0;
  readonly #stride: number;

  constructor(features: readonly string[]) {
    this.#stride = sortedColumns(features).length;
  }

  normalise(values: Float64Array, rows: number, out: Float64Array): void {
    checkRoom(values, rows, this.#stride, out);
    if (out !== values) out.set(values.subarray(0, rows * this.#stride));
  }

  toBytes(): Uint8Array {
    return NO_BYTES;
  }
}

/** (x - low) / (high - low) with the limits of the settings; values outside leave 0..1. */
class DeclaredNormaliser implements Normaliser {
  readonly #lows: Float64Array;
  readonly #spans: Float64Array;

  constructor(limits: Exclude<NormaliseSettings, string>, features: readonly string[]) {
    sortedColumns(features); // refuses no or doubled names
    const pairs = features.map((name) => declaredLimits(limits, name));
    this.#lows = Float64Array.from(pairs, ([low]) => low);
    this.#spans = Float64Array.from(pairs, ([low, high]) => high - low);
  }

  normalise(values: Float64Array, rows: number, out: Float64Array): void {
    const lows = this.#lows;
    const spans = this.#spans;
    const stride = lows.length;
    checkRoom(values, rows, stride, out);
    for (let row = 0, at = 0; row < rows; row++) {
      for (let f = 0; f < stride; f++, at++) out[at] = (values[at]! - lows[f]!) / spans[f]!;
    }
  }

  toBytes(): Uint8Array {
    return NO_BYTES;
  }

  get sizeBytes(): number {
    return this.#lows.byteLength + this.#spans.byteLength;
  }
}

/**
 * (x - min) / (max - min) over the values of one call, as pandas 3 computes it: NaN is skipped, and a column whose values
 * are all the same becomes 0/0 = NaN. Where a column's minimum is both 0 and -0 the sign of a zero may differ, as it does
 * in NumPy from one processor to another.
 */
class BatchNormaliser implements Normaliser {
  readonly #stride: number;

  constructor(features: readonly string[]) {
    this.#stride = sortedColumns(features).length;
  }

  normalise(values: Float64Array, rows: number, out: Float64Array): void {
    const stride = this.#stride;
    checkRoom(values, rows, stride, out);
    const end = rows * stride;
    for (let f = 0; f < stride; f++) {
      let low = Number.POSITIVE_INFINITY;
      let high = Number.NEGATIVE_INFINITY;
      for (let at = f; at < end; at += stride) {
        const value = values[at]!;
        if (value <= low) low = value; // of 0 and -0 the later, as NumPy mostly does
        if (value > high) high = value;
      }
      const span = high - low;
      for (let at = f; at < end; at += stride) out[at] = (values[at]! - low) / span;
    }
  }

  toBytes(): Uint8Array {
    return NO_BYTES;
  }

  get sizeBytes(): number {
    return 0;
  }
}

/**
 * River 0.26.1's `preprocessing.MinMaxScaler`, each row learned and then transformed: (x - min) / (max - min) of all
 * rows so far, and 0 while max equals min.
 */
class RunningNormaliser implements Normaliser {
  readonly #order: Uint16Array;
  readonly #mark: number;
  readonly #lows: Float64Array;
  readonly #highs: Float64Array;

  constructor(features: readonly string[]) {
    this.#order = sortedColumns(features);
    this.#mark = fingerprint(Array.from(this.#order, (column) => features[column]));
    this.#lows = new Float64Array(features.length).fill(Number.POSITIVE_INFINITY);
    this.#highs = new Float64Array(features.length).fill(Number.NEGATIVE_INFINITY);
  }

  static fromBytes(features: readonly string[], bytes: Uint8Array): RunningNormaliser {
    const normaliser = new RunningNormaliser(features);
    const reader = new ByteReader(bytes, 'a running normaliser', MAGIC);
    reader.expect('the version', reader.u32(), VERSION);
    reader.expect('the mark of features', reader.u32(), normaliser.#mark);
    for (const column of normaliser.#order) {
      const low = reader.f64();
      const high = reader.f64();
      const isUntouched = low === Number.POSITIVE_INFINITY && high === Number.NEGATIVE_INFINITY;
      if (!(low <= high || isUntouched)) throw reader.corrupt(`Expected min <= max, got \`${low}\` and \`${high}\``);
      normaliser.#lows[column] = low;
      normaliser.#highs[column] = high;
    }
    reader.end();
    return normaliser;
  }

  normalise(values: Float64Array, rows: number, out: Float64Array, learns = true): void {
    const lows = this.#lows;
    const highs = this.#highs;
    const stride = lows.length;
    checkRoom(values, rows, stride, out);
    for (let row = 0, at = 0; row < rows; row++) {
      for (let f = 0; f < stride; f++, at++) {
        const value = values[at]!;
        if (learns && value < lows[f]!) lows[f] = value;
        if (learns && value > highs[f]!) highs[f] = value;
        const low = lows[f]!;
        const span = highs[f]! - low;
        // Missing stays missing even where River's zero span would turn a NaN into 0; a NaN span divides, as in Python.
        // The span of a column that has taught nothing yet is infinite, and below 0.
        const hasNone = span === 0 || span === Number.NEGATIVE_INFINITY;
        out[at] = hasNone && !Number.isNaN(value) ? 0 : (value - low) / span;
      }
    }
  }

  toBytes(): Uint8Array {
    const writer = new ByteWriter();
    writer.u32(MAGIC);
    writer.u32(VERSION);
    writer.u32(this.#mark);
    for (const column of this.#order) {
      writer.f64(this.#lows[column]!);
      writer.f64(this.#highs[column]!);
    }
    return writer.finish();
  }

  get sizeBytes(): number {
    return this.#lows.byteLength + this.#highs.byteLength;
  }
}

function declaredLimits(limits: Exclude<NormaliseSettings, string>, name: string): readonly [number, number] {
  const pair = Object.hasOwn(limits, name) ? limits[name] : undefined;
  if (pair === undefined) {
    throw new HalfspaceError(
      'BadSettings',
      `Expected \`normalise\` to declare limits of every feature, got none of \`${name}\`. ` +
        `Add \`${name}: [low, high]\`, or use \`running\`.`,
    );
  }
  const [low, high] = pair;
  if (low < high && Number.isFinite(high - low)) return pair;
  throw new HalfspaceError(
    'BadSettings',
    `Expected \`normalise.${name}\` to be two finite numbers, the lower first, got \`[${low}, ${high}]\`.`,
  );
}
