/** Rows that an expected value is drawn from: enough to shrug off half as many odd ones, few enough to follow the level. */
export const ORDINARY_ROWS = 101;

/**
 * The last values of one column in rows that were not anomalous: what the next one is expected to be, where the detector
 * does not say. Exact, not an estimate, so the bytes follow from the rows alone. The detectors' window of sorted numbers has
 * other medians (of an even number the mean of two, which no row need have had) and is not for this folder to import.
 */
export class OrdinaryRows {
  /** A ring, the oldest at `#next` once it is full. */
  readonly #ring = new Float64Array(ORDINARY_ROWS);
  readonly #sorted = new Float64Array(ORDINARY_ROWS);
  #count = 0;
  #next = 0;
  /** NaN: to be computed. */
  #spread = Number.NaN;

  /** @param values oldest first, at most {@link ORDINARY_ROWS}, none NaN. */
  static from(values: Float64Array): OrdinaryRows {
    const rows = new OrdinaryRows();
    for (const value of values) rows.add(value);
    return rows;
  }

  /** @param measured not NaN. */
  add(measured: number): void {
    const value = measured + 0; // of the two zeros one: their order is nobody's
    const sorted = this.#sorted;
    let hole = this.#count;
    if (this.#count === ORDINARY_ROWS) hole = placeOf(sorted, ORDINARY_ROWS, this.#ring[this.#next] ?? 0);
    else this.#count++;
    this.#ring[this.#next] = value;
    this.#next = this.#next + 1 === ORDINARY_ROWS ? 0 : this.#next + 1;
    this.#spread = Number.NaN;
    // The hole that the oldest leaves moves to where the new one belongs.
    for (; hole > 0 && Number(sorted[hole - 1]) > value; hole--) sorted[hole] = sorted[hole - 1] ?? 0;
    const last = this.#count - 1;
    for (; hole < last && Number(sorted[hole + 1]) < value; hole++) sorted[hole] = sorted[hole + 1] ?? 0;
    sorted[hole] = value;
  }

  get count(): number {
    return this.#count;
  }

  /** The median, of an even number the lower of the two in the middle; NaN before the first row. */
  get median(): number {
    return this.#count === 0 ? Number.NaN : (this.#sorted[(this.#count - 1) >> 1] ?? Number.NaN);
  }

  get lowest(): number {
    return this.#count === 0 ? Number.NaN : (this.#sorted[0] ?? Number.NaN);
  }

  get highest(): number {
    return this.#count === 0 ? Number.NaN : (this.#sorted[this.#count - 1] ?? Number.NaN);
  }

  /** Median of the distances from the median; NaN before the first row. */
  get spread(): number {
    if (!Number.isNaN(this.#spread) || this.#count === 0) return this.#spread;
    const { median } = this;
    const distances = this.#sorted
      .slice(0, this.#count)
      .map((value) => (value === median ? 0 : Math.abs(value - median)));
    this.#spread = distances.sort()[(this.#count - 1) >> 1] ?? Number.NaN;
    return this.#spread;
  }

  /** Oldest first. */
  values(): Float64Array {
    if (this.#count < ORDINARY_ROWS) return this.#ring.slice(0, this.#count);
    const values = new Float64Array(ORDINARY_ROWS);
    values.set(this.#ring.subarray(this.#next));
    values.set(this.#ring.subarray(0, this.#next), ORDINARY_ROWS - this.#next);
    return values;
  }
}

/** A place that holds `value` in the first `count` of `sorted`, which do hold it. */
function placeOf(sorted: Float64Array, count: number, value: number): number {
  let low = 0;
  let high = count - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (Number(sorted[middle]) < value) low = middle + 1;
    else high = middle;
  }
  return low;
}
