const FIRST_ROWS = 256;

/** One machine's rows while they arrive: typed arrays that double when full. */
export class GrowingRows {
  readonly #features: number;
  #rows = 0;
  #times = new BigInt64Array(FIRST_ROWS);
  #values: Float64Array<ArrayBuffer>;

  constructor(features: number) {
    this.#features = features;
    this.#values = new Float64Array(FIRST_ROWS * features);
  }

  get rows(): number {
    return this.#rows;
  }

  /** Appends a row without values and returns where they go: index of its first value in {@link values}. */
  append(time: bigint): number {
    if (this.#rows === this.#times.length) this.#grow();
    const at = this.#rows * this.#features;
    this.#times[this.#rows++] = time;
    return at;
  }

  set(at: number, value: number): void {
    this.#values[at] = value;
  }

  /** n rows, in the order of arrival; shares memory, so it is read after the last row. */
  times(): BigInt64Array {
    return this.#times.subarray(0, this.#rows);
  }

  /** n rows x features, row-major; shares memory. */
  values(): Float64Array {
    return this.#values.subarray(0, this.#rows * this.#features);
  }

  #grow(): void {
    const times = new BigInt64Array(this.#times.length * 2);
    times.set(this.#times);
    this.#times = times;
    const values = new Float64Array(this.#values.length * 2);
    values.set(this.#values);
    this.#values = values;
  }
}
