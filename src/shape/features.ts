import { z } from 'zod';
import { columnOfFeature } from '../contract/features.js';
import type { FeatureSettings } from '../contract/pipeline.js';
import { ColumnReader, type NumberBlock, writeColumns } from './column-bytes.js';
import { ColumnHistory } from './column-history.js';
import { createLocalClock, type LocalTime } from './local-clock.js';

const MAGIC = 0x54465348; // 'HSFT' read as bytes
const VERSION = 1;

const count = z.int().min(0);
/** A column with memory each: values kept, and of each window its numbers and its front. */
const stateHead = z.array(z.strictObject({ values: count, windows: z.array(z.tuple([count, count])) }));

/**
 * What the detector sees of one machine's rows, in the order of `features`. A feature of a column without a (finite) value
 * in a row is missing there, and so is one that looks back further than the column's values go; a row without a value
 * does not age what is remembered. Cut anywhere, the same rows give the same features.
 */
export class FeatureMaker {
  readonly #features: readonly FeatureSettings[];
  readonly #columns: readonly string[];
  /** The features are the columns as they are. */
  readonly #isPlain: boolean;
  /** By index of the column; only columns with memory. */
  readonly #histories: ReadonlyMap<number, ColumnHistory>;
  readonly #clocks: ReadonlyMap<string, (time: bigint) => LocalTime>;

  /** @param columns of the rows to come. */
  constructor(features: readonly FeatureSettings[], columns: readonly string[]) {
    this.#features = features;
    this.#columns = columns;
    this.#isPlain =
      features.length === columns.length &&
      features.every((feature, i) => feature.kind === 'value' && feature.column === columns[i]);
    this.#histories = new Map(
      columns.flatMap((column, i): [number, ColumnHistory][] => {
        const history = historyFor(features.filter((feature) => columnOfFeature(feature) === column));
        return history === null ? [] : [[i, history]];
      }),
    );
    this.#clocks = new Map(
      features.flatMap((feature): [string, (time: bigint) => LocalTime][] =>
        'zone' in feature ? [[feature.zone, createLocalClock(feature.zone)]] : [],
      ),
    );
  }

  /** The maker that `toBytes` was called on. @throws HalfspaceError `CorruptSnapshot` for bytes of anything else. */
  static fromBytes(features: readonly FeatureSettings[], columns: readonly string[], bytes: Uint8Array): FeatureMaker {
    const maker = new FeatureMaker(features, columns);
    if (bytes.length === 0 && maker.#histories.size === 0) return maker;
    const reader = new ColumnReader(bytes, MAGIC, VERSION, "a row's features");
    const { data: head } = stateHead.safeParse(reader.head);
    if (head === undefined || head.length !== maker.#histories.size) {
      return reader.fail(`${maker.#histories.size} columns with memory`, 'another head');
    }
    [...maker.#histories.values()].forEach((history, i) => {
      const { values = 0, windows: saved = [] } = head[i] ?? {};
      history.restore(reader.doubles(values));
      [...history.windows.values()].forEach((window, at) => {
        const [numbers, front] = saved[at] ?? [0, 0];
        window.restore(reader.doubles(numbers), front);
      });
    });
    reader.end();
    return maker;
  }

  /** rows x features, row-major, NaN where missing; `values` itself where the features are the columns as they are. */
  make(times: BigInt64Array, values: Float64Array): Float64Array {
    if (this.#isPlain) return values;
    const columns = this.#columns.length;
    const width = this.#features.length;
    const made = new Float64Array(times.length * width);
    const readers = this.#features.map((feature) => this.#readerOf(feature));
    for (let row = 0; row < times.length; row++) {
      const at = row * columns;
      for (const [column, history] of this.#histories) {
        const value = values[at + column] ?? Number.NaN;
        if (Number.isFinite(value)) history.push(value);
      }
      const time = times[row] ?? 0n;
      readers.forEach((read, f) => {
        made[row * width + f] = read(time, values, at);
      });
    }
    return made;
  }

  /** All that is remembered, none when nothing is; the same bytes for the same state. */
  toBytes(): Uint8Array {
    if (this.#histories.size === 0) return new Uint8Array();
    const blocks: NumberBlock[] = [];
    const head = Array.from(this.#histories.values(), (history): z.infer<typeof stateHead>[number] => {
      const values = history.values();
      blocks.push(values);
      const windows = Array.from(history.windows.values(), (window): [number, number] => {
        const numbers = window.numbers();
        blocks.push(numbers);
        return [numbers.length, window.front];
      });
      return { values: values.length, windows };
    });
    return writeColumns(MAGIC, VERSION, head, blocks);
  }

  /** Reads a feature of the row whose values begin at `at`, after they were remembered. */
  #readerOf(feature: FeatureSettings): (time: bigint, values: Float64Array, at: number) => number {
    if ('zone' in feature) {
      const clock = this.#clocks.get(feature.zone);
      return (time) => clock?.(time)[feature.kind] ?? Number.NaN;
    }
    const column = this.#columns.indexOf(feature.column);
    if (feature.kind === 'value') return (_, values, at) => values[at + column] ?? Number.NaN;
    const look = lookerBack(feature, this.#histories.get(column));
    return (_, values, at) => {
      const made = Number.isFinite(values[at + column]) ? look() : Number.NaN;
      return Number.isFinite(made) ? made : Number.NaN;
    };
  }
}

type LookingBack =
  | { readonly kind: 'value' | 'difference' }
  | { readonly kind: 'rolling_mean' | 'rolling_deviation' | 'lag'; readonly rows: number };

/** Reads a feature that looks back from the newest value of its column. */
function lookerBack(feature: LookingBack, history: ColumnHistory | undefined): () => number {
  if (history === undefined) return () => Number.NaN;
  switch (feature.kind) {
    case 'value':
      return () => history.before(0);
    case 'difference':
      return () => history.before(0) - history.before(1);
    case 'lag':
      return () => history.before(feature.rows);
    case 'rolling_mean':
      return () => history.windows.get(feature.rows)?.mean ?? Number.NaN;
    case 'rolling_deviation':
      return () => history.windows.get(feature.rows)?.deviation ?? Number.NaN;
  }
}

/** Null when none of a column's features looks back. */
function historyFor(features: readonly FeatureSettings[]): ColumnHistory | null {
  let reach = 0;
  const lengths: number[] = [];
  for (const feature of features) {
    if (feature.kind === 'difference') reach = Math.max(reach, 1);
    else if (feature.kind === 'lag') reach = Math.max(reach, feature.rows);
    else if ('rows' in feature) lengths.push(feature.rows);
  }
  return reach === 0 && lengths.length === 0 ? null : new ColumnHistory(reach, lengths);
}
