/**
 * Mean and deviation of the last `size` numbers, O(1) amortised and without any subtraction of what leaves: numbers wait in
 * two stacks, each with its own mean and sum of squares (Welford), joined as in Chan, Golub and LeVeque, "Algorithms for
 * Computing the Sample Variance" (1983). So a huge number is forgotten for good once it has left.
 */
export class RollingWindow {
  /** A ring; the oldest number is at `#start`. */
  readonly #numbers: Float64Array;
  #start = 0;
  #count = 0;
  /** The oldest numbers, of which `#means` and `#squares` hold those of each and all after it in the front. */
  #front = 0;
  readonly #means: Float64Array;
  readonly #squares: Float64Array;
  /** Mean and sum of squares of the others. */
  #backMean = 0;
  #backSquares = 0;

  constructor(size: number) {
    this.#numbers = new Float64Array(size);
    this.#means = new Float64Array(size);
    this.#squares = new Float64Array(size);
  }

  get front(): number {
    return this.#front;
  }

  /** Oldest first. */
  numbers(): Float64Array {
    return Float64Array.from({ length: this.#count }, (_, i) => this.#numbers[this.#slot(i)] ?? 0);
  }

  /** Takes the state that {@link numbers} and {@link front} told; only for a new window. */
  restore(numbers: Float64Array, front: number): void {
    this.#numbers.set(numbers);
    this.#count = front;
    this.#turn();
    for (const number of numbers.subarray(front)) this.push(number);
  }

  push(number: number): void {
    if (this.#count === this.#numbers.length) {
      if (this.#front === 0) this.#turn();
      this.#start = this.#slot(1);
      this.#count--;
      this.#front--;
    }
    this.#numbers[this.#slot(this.#count)] = number;
    this.#count++;
    const delta = number - this.#backMean;
    this.#backMean += delta / (this.#count - this.#front);
    this.#backSquares += delta * (number - this.#backMean);
  }

  /** NaN without numbers. */
  get mean(): number {
    const back = this.#count - this.#front;
    if (this.#count === 0) return Number.NaN;
    if (this.#front === 0) return this.#backMean;
    const mean = this.#means[this.#start] ?? 0;
    return back === 0 ? mean : mean + ((this.#backMean - mean) * back) / this.#count;
  }

  /** Standard deviation with n - 1 below the line, as data frames have it; NaN of fewer than two numbers. */
  get deviation(): number {
    const back = this.#count - this.#front;
    if (this.#count < 2) return Number.NaN;
    const mean = this.#front === 0 ? this.#backMean : (this.#means[this.#start] ?? 0);
    const delta = back === 0 ? 0 : this.#backMean - mean;
    const own = this.#front === 0 ? 0 : (this.#squares[this.#start] ?? 0);
    const squares = own + this.#backSquares + (delta * delta * this.#front * back) / this.#count;
    return Math.sqrt(squares / (this.#count - 1));
  }

  #slot(index: number): number {
    return (this.#start + index) % this.#numbers.length;
  }

  /** All numbers become the front. */
  #turn(): void {
    let mean = 0;
    let squares = 0;
    for (let index = this.#count - 1, n = 1; index >= 0; index--, n++) {
      const slot = this.#slot(index);
      const number = this.#numbers[slot] ?? 0;
      const delta = number - mean;
      mean += delta / n;
      squares += delta * (number - mean);
      this.#means[slot] = mean;
      this.#squares[slot] = squares;
    }
    this.#front = this.#count;
    this.#backMean = 0;
    this.#backSquares = 0;
  }
}
