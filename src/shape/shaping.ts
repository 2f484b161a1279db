import { HalfspaceError } from '../contract/failures.js';
import { fillsGaps } from '../contract/features.js';
import type { PipelineSettings } from '../contract/pipeline.js';
import type { Slice } from '../contract/slice.js';
import { nanosFromMs } from '../contract/time.js';
import { FeatureMaker } from './features.js';
import { Resampler } from './resample.js';
import { bucketStart } from './row-buckets.js';

/** One machine's rows as the model takes them. */
export interface ShapedRows {
  /** The source's own rows, or those of the grid. */
  readonly slice: Slice;
  /** rows x features, row-major; NaN where missing. */
  readonly features: Float64Array;
  /** A row each, 1 where it fills a gap; null where nothing is filled. */
  readonly filled: Uint8Array | null;
  /** No row before this is still to come but such as fill a gap, nanoseconds; null before the first row. */
  readonly until: bigint | null;
}

type ShapingSettings = Pick<PipelineSettings, 'source' | 'resample' | 'features'>;

/** Bytes before the resampler's own: their length, little-endian. */
const LENGTH_BYTES = 8;

/** What one machine's rows go through before its detector sees them, grid and features, and what these remember. */
export class Shaping {
  readonly #resampler: Resampler | null;
  readonly #features: FeatureMaker;
  readonly #fills: boolean;

  constructor(settings: ShapingSettings, resampler?: Resampler | null, features?: FeatureMaker) {
    const { source, resample } = settings;
    this.#resampler = resampler ?? (resample === null ? null : new Resampler(resample, source.values.length));
    this.#features = features ?? new FeatureMaker(settings.features, source.values);
    this.#fills = fillsGaps(settings);
  }

  /** The shaping that `toBytes` was called on. @throws HalfspaceError `CorruptSnapshot` for bytes of anything else. */
  static fromBytes(settings: ShapingSettings, bytes: Uint8Array): Shaping {
    const { source, resample, features } = settings;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const length = bytes.length < LENGTH_BYTES ? -1 : view.getUint32(0, true);
    const end = LENGTH_BYTES + length;
    if (length < 0 || end > bytes.length || (resample === null) !== (length === 0)) {
      throw new HalfspaceError('CorruptSnapshot', `Expected the shaping of rows in ${bytes.length} bytes, got others`);
    }
    return new Shaping(
      settings,
      resample === null ? null : Resampler.fromBytes(resample, source.values.length, bytes.subarray(LENGTH_BYTES, end)),
      FeatureMaker.fromBytes(features, source.values, bytes.subarray(end)),
    );
  }

  /**
   * Takes a machine's next rows.
   * @param isEnd true when none follow.
   */
  take(slice: Slice, isEnd: boolean): ShapedRows {
    const features = this.#features;
    if (this.#resampler === null) {
      const { rows, times, values } = slice;
      const until = rows === 0 ? null : (times[rows - 1] ?? 0n) + 1n;
      return { slice, features: features.make(times, values), filled: null, until };
    }
    const { times, values, filled } = this.#resampler.take(slice, isEnd);
    return {
      slice: { ...slice, rows: times.length, times, values },
      features: features.make(times, values),
      filled: this.#fills ? filled : null,
      until: this.#resampler.openSince,
    };
  }

  toBytes(): Uint8Array {
    const grid = this.#resampler?.toBytes() ?? new Uint8Array();
    const features = this.#features.toBytes();
    const bytes = new Uint8Array(LENGTH_BYTES + grid.length + features.length);
    new DataView(bytes.buffer).setUint32(0, grid.length, true);
    bytes.set(grid, LENGTH_BYTES);
    bytes.set(features, LENGTH_BYTES + grid.length);
    return bytes;
  }
}

/**
 * No row that a model scores from `watermark` on is earlier than this, nanoseconds: its open bucket begins here. Rows that fill a
 * gap may be.
 */
export function firstRowFrom(watermark: bigint, { resample }: Pick<PipelineSettings, 'resample'>): bigint {
  return resample === null ? watermark : bucketStart(watermark - 1n, nanosFromMs(resample.every));
}
