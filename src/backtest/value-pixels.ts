import type { Slice } from '../contract/slice.js';
import type { TimeGrid } from './time-grid.js';

/** Lowest and highest value a pixel column, NaN where there is none; what is drawn of values whatever their number. */
export class ValuePixels {
  readonly lows: readonly Float64Array[];
  readonly highs: readonly Float64Array[];
  readonly #grid: TimeGrid;

  /** @param shown how many value columns that are drawn: the first ones. */
  constructor(grid: TimeGrid, shown: number) {
    const none = () => Array.from({ length: shown }, () => new Float64Array(grid.columns).fill(Number.NaN));
    this.#grid = grid;
    this.lows = none();
    this.highs = none();
  }

  add({ rows, times, values }: Slice): void {
    const features = rows === 0 ? 0 : values.length / rows;
    for (let row = 0; row < rows; row++) {
      const at = this.#grid.columnOf(times[row] ?? 0n);
      for (let f = 0; f < this.lows.length; f++) {
        const value = values[row * features + f] ?? Number.NaN;
        if (!Number.isFinite(value)) continue;
        const [lows, highs] = [this.lows[f], this.highs[f]];
        if (lows === undefined || highs === undefined) continue;
        if (!(value >= Number(lows[at]))) lows[at] = value;
        if (!(value <= Number(highs[at]))) highs[at] = value;
      }
    }
  }
}
