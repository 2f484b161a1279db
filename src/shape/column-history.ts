import { RollingWindow } from './rolling-window.js';

/** The last values of a column, the newest included: as many as its features look back. */
export class ColumnHistory {
  /** A ring; the newest value is at `#newest`. */
  readonly #values: Float64Array;
  #newest = -1;
  #count = 0;
  /** By length, ascending. */
  readonly windows: ReadonlyMap<number, RollingWindow>;

  /**
   * @param reach how many values before the newest are asked for.
   * @param lengths of the rolling windows.
   */
  constructor(reach: number, lengths: readonly number[]) {
    this.#values = new Float64Array(reach + 1);
    const ascending = [...new Set(lengths)].sort((a, b) => a - b);
    this.windows = new Map(ascending.map((length) => [length, new RollingWindow(length)]));
  }

  push(value: number): void {
    this.#newest = (this.#newest + 1) % this.#values.length;
    this.#values[this.#newest] = value;
    this.#count = Math.min(this.#count + 1, this.#values.length);
    for (const window of this.windows.values()) window.push(value);
  }

  /** The value `back` values before the newest one; NaN where there were not so many. */
  before(back: number): number {
    if (back >= this.#count) return Number.NaN;
    const { length } = this.#values;
    return this.#values[(this.#newest - back + length) % length] ?? Number.NaN;
  }

  /** Oldest first. */
  values(): Float64Array {
    return Float64Array.from({ length: this.#count }, (_, i) => this.before(this.#count - 1 - i));
  }

  /** Takes what {@link values} told; only for a new history, whose windows are restored by themselves. */
  restore(values: Float64Array): void {
    this.#values.set(values);
    this.#count = values.length;
    this.#newest = values.length - 1;
  }
}
