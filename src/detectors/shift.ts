import type { LevelShiftSettings, VolatilityShiftSettings } from '../contract/pipeline.js';
import type { ByteReader, ByteWriter } from './byte-codec.js';
import type { ColumnPlan, ColumnRule, Finding } from './column-detector.js';
import type { LearningOrder } from './detector.js';
import { tellDifference } from './persist.js';
import { SizeBound } from './size-bound.js';
import { SortedWindow } from './sorted-window.js';
import { spreadOf } from './window-spread.js';

/**
 * Two windows side by side: the last `window` values, this one included, and the `window` values before those. ADTK 0.6.2
 * centres the two on the row and so looks ahead; here the row is the newest of the second window, so that a change is
 * seen when about half of that window lies behind it. The bound on differences comes from the last `memory` ones and not
 * from a training series. Rows that are only scored pass through the windows as all do.
 */

const MIDDLE = 0.5;

/** The medians of the two windows differ by more than they do: `LevelShiftAD`. */
export function levelShiftPlan(settings: LevelShiftSettings): ColumnPlan {
  const measure = {
    ofWindow: (window: SortedWindow) => window.quantile(MIDDLE),
    difference: (now: number, before: number) => now - before,
    isValue: true,
  };
  return { settings, view: 'level', asksTime: false, createRule: () => new ShiftRule(settings, measure) };
}

/**
 * The spreads of the two windows differ by more than they do, relative to the smaller one: `VolatilityShiftAD`, which
 * divides by the earlier one, so that no loss of noise can count for more than 1 there, and knows nothing of flat windows.
 */
export function volatilityShiftPlan(settings: VolatilityShiftSettings): ColumnPlan {
  const measure = {
    ofWindow: (window: SortedWindow) => spreadOf(window, settings.agg),
    difference: relativeDifference,
    isValue: false,
  };
  return { settings, view: 'spread', asksTime: false, createRule: () => new ShiftRule(settings, measure) };
}

/** How much larger the larger is, in the smaller one, below 0 where that is `now`; endless beside a spread of 0. */
function relativeDifference(now: number, before: number): number {
  return now === before ? 0 : (now - before) / Math.min(now, before);
}

interface Measure {
  ofWindow(window: SortedWindow): number;
  difference(now: number, before: number): number;
  /** The measure is a value of the column, so that it and its bounds can be shown as such. */
  readonly isValue: boolean;
}

class ShiftRule implements ColumnRule {
  readonly #settings: LevelShiftSettings | VolatilityShiftSettings;
  readonly #measure: Measure;
  readonly #window: SortedWindow;
  /** The measures of the last windows; the oldest is that of the window just before the present one. */
  readonly #measured: Float64Array;
  /** Measures that came so far, 0..window, and where the oldest is. */
  #count = 0;
  #oldest = 0;
  readonly #bound: SizeBound;

  constructor(settings: LevelShiftSettings | VolatilityShiftSettings, measure: Measure) {
    this.#settings = settings;
    this.#measure = measure;
    this.#window = new SortedWindow(settings.window);
    this.#measured = new Float64Array(settings.window);
    this.#bound = new SizeBound(settings.c, settings.memory);
  }

  get sizeBytes(): number {
    return this.#window.sizeBytes + this.#measured.byteLength + this.#bound.sizeBytes;
  }

  take(value: number, _time: bigint | null, order: LearningOrder, finding: Finding): void {
    // An endless value has no place in a window; the next finite one is judged instead.
    if (!Number.isFinite(value)) return;
    this.#window.push(value);
    if (!this.#window.isFull) return;
    const now = this.#measure.ofWindow(this.#window);
    if (this.#count === this.#measured.length) {
      const before = this.#measured[this.#oldest]!;
      const difference = this.#measure.difference(now, before);
      if (order === 'learn_then_score') this.#bound.learn(Math.abs(difference));
      const limit = this.#bound.limit();
      tellDifference(finding, before, difference, limit, this.#settings.side);
      if (!this.#measure.isValue) finding.expected = finding.lower = finding.upper = Number.NaN;
      if (order === 'score_then_learn') this.#bound.learn(Math.abs(difference));
      this.#measured[this.#oldest] = now;
      this.#oldest = (this.#oldest + 1) % this.#measured.length;
    } else {
      this.#measured[this.#count++] = now;
    }
  }

  write(writer: ByteWriter): void {
    this.#window.write(writer);
    writer.u32(this.#count);
    for (let i = 0; i < this.#count; i++) writer.f64(this.#measured[(this.#oldest + i) % this.#count]!);
    this.#bound.write(writer);
  }

  read(reader: ByteReader): void {
    this.#window.read(reader);
    this.#count = reader.u32();
    if (this.#count > this.#measured.length) {
      throw reader.corrupt(`Expected at most ${this.#measured.length} measures, got \`${this.#count}\``);
    }
    for (let i = 0; i < this.#count; i++) this.#measured[i] = reader.f64();
    this.#bound.read(reader);
  }
}
