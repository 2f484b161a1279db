import type { DetectorSettings } from '../contract/pipeline.js';
import { ByteReader, ByteWriter } from './byte-codec.js';
import {
  type Batch,
  copyExplanation,
  createExplanations,
  type Detector,
  type DetectorOutput,
  type LearningOrder,
} from './detector.js';
import { fingerprint } from './feature-order.js';
import { createDetector, detectorFromBytes } from './registry.js';

const MAGIC = 0x4c4f4350; // 'PCOL' read as bytes
const VERSION = 1;
export const UNTOLD_VIEWS: readonly string[] = ['value'];

/** The features that one column's detector looks at. */
export interface ColumnGroup {
  /** Indexes into the features of the batches, at least one; those of the column itself come first. */
  readonly features: readonly number[];
  /** How many of them are the column's own; a row without any of these is not given to its detector. */
  readonly own: number;
}

/**
 * One detector of the same settings a column. A row's score is the largest of its columns', and its explanation that
 * column's; a detector that explains nothing is given a single view, which names the column.
 */
export class PerColumn implements Detector {
  readonly views: readonly string[];
  readonly #groups: readonly ColumnGroup[];
  readonly #detectors: readonly Detector[];
  readonly #stride: number;
  readonly #mark: number;

  /** @param detectors made already; new ones when left out. */
  constructor(
    settings: DetectorSettings,
    features: readonly string[],
    groups: readonly ColumnGroup[],
    detectors = groups.map((group) => createDetector(settings, namesOf(group, features))),
  ) {
    this.#groups = groups;
    this.#detectors = detectors;
    this.#stride = features.length;
    this.#mark = fingerprint(groups);
    const views = detectors[0]?.views ?? [];
    this.views = views.length === 0 ? UNTOLD_VIEWS : views;
  }

  static fromBytes(
    settings: DetectorSettings,
    features: readonly string[],
    groups: readonly ColumnGroup[],
    bytes: Uint8Array,
  ): PerColumn {
    const reader = new ByteReader(bytes, 'detectors of columns', MAGIC);
    reader.expect('the version', reader.u32(), VERSION);
    reader.expect('the mark of columns', reader.u32(), fingerprint(groups));
    const detectors = groups.map((group) => {
      return detectorFromBytes(settings, namesOf(group, features), reader.bytes(reader.u32()));
    });
    reader.end();
    return new PerColumn(settings, features, groups, detectors);
  }

  /** Of the column that learned most. */
  get rows(): number {
    return Math.max(...this.#detectors.map(({ rows }) => rows));
  }

  get sizeBytes(): number {
    return this.#detectors.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  }

  process(batch: Batch, from: number, to: number, order: LearningOrder, { scores, explained }: DetectorOutput): void {
    scores.fill(0, from, to);
    const seen = new Uint8Array(to - from);
    for (const [index, group] of this.#groups.entries()) {
      const detector = this.#detectors[index]!;
      const { part, rowOf } = partOf(batch, from, to, this.#stride, group);
      const own = new Float64Array(part.rows);
      const isTold = explained !== null && detector.views.length > 0;
      const told = isTold ? createExplanations(part.rows) : null;
      detector.process(part, 0, part.rows, order, { scores: own, explained: told });
      for (let i = 0; i < part.rows; i++) {
        const row = rowOf[i]!;
        if (seen[row - from] === 1 && own[i]! <= scores[row]!) continue;
        seen[row - from] = 1;
        scores[row] = own[i]!;
        if (explained === null) continue;
        if (told === null) explained.feature[row] = group.features[0]!;
        else {
          copyExplanation(told, i, explained, row);
          explained.feature[row] = group.features[told.feature[i]!] ?? group.features[0]!;
        }
      }
    }
  }

  toBytes(): Uint8Array {
    const writer = new ByteWriter();
    writer.u32(MAGIC);
    writer.u32(VERSION);
    writer.u32(this.#mark);
    for (const detector of this.#detectors) {
      const bytes = detector.toBytes();
      writer.u32(bytes.length);
      writer.bytes(bytes);
    }
    return writer.finish();
  }
}

function namesOf({ features: indexes }: ColumnGroup, features: readonly string[]): string[] {
  return indexes.map((index) => features[index]!);
}

/** The rows from <= i < to that have a feature of the column's own, over the group's features. */
function partOf(
  { times, values, raw, missing }: Batch,
  from: number,
  to: number,
  stride: number,
  { features, own }: ColumnGroup,
): { part: Batch; rowOf: Int32Array } {
  const rowOf = new Int32Array(to - from);
  let rows = 0;
  for (let row = from; row < to; row++) {
    let present = missing === null;
    for (let f = 0; f < own && !present; f++) present = missing?.[row * stride + features[f]!] === 0;
    if (present) rowOf[rows++] = row;
  }
  const width = features.length;
  const part = {
    rows,
    times: times === null ? null : new BigInt64Array(rows),
    values: new Float64Array(rows * width),
    raw: new Float64Array(rows * width),
    missing: missing === null ? null : new Uint8Array(rows * width),
    growing: missing === null ? null : new Uint8Array(rows),
  };
  for (let i = 0; i < rows; i++) {
    const row = rowOf[i]!;
    if (part.times !== null) part.times[i] = times![row]!;
    for (let f = 0; f < width; f++) {
      const at = row * stride + features[f]!;
      part.values[i * width + f] = values[at]!;
      part.raw[i * width + f] = raw[at]!;
      if (part.missing === null) continue;
      part.missing[i * width + f] = missing![at]!;
      // The column has a value here, so what is made of it alone can only be missing for want of earlier ones.
      if (f < own && missing![at] === 1) part.growing![i] = 1;
    }
  }
  return { part, rowOf };
}
