import type { LearningOrder } from '../../src/detectors/detector.js';
import type { Forest } from '../../src/detectors/half-space-forest.js';

/** Where a row goes whose feature is missing when as many rows of the window being filled went left as right. */
export type OnTie = 'left as River' | 'as the full window';

/** A row's features by column; one that is missing is not there. */
export type PlainRow = ReadonlyMap<number, number>;

/** Half-Space Trees as they are told in words, a node after the other, over the splits of a forest. */
export class PlainTrees {
  /** Ties that went right because more rows of the full window did: River goes left there. */
  tiesToTheRight = 0;
  readonly #forest: Forest;
  readonly #windowSize: number;
  readonly #onTie: OnTie;
  readonly #nodes: number;
  #latest: Float64Array;
  #reference: Float64Array;
  #rows = 0;

  constructor(forest: Forest, windowSize: number, onTie: OnTie) {
    this.#forest = forest;
    this.#windowSize = windowSize;
    this.#onTie = onTie;
    this.#nodes = 2 ** (forest.height + 1);
    this.#latest = new Float64Array(forest.trees * this.#nodes);
    this.#reference = new Float64Array(forest.trees * this.#nodes);
  }

  /** The row's score; it is learned before or after. */
  take(row: PlainRow, order: LearningOrder): number {
    if (order === 'learn_then_score') this.#learn(row);
    const score = this.#score(row);
    if (order === 'score_then_learn') this.#learn(row);
    return score;
  }

  #learn(row: PlainRow): void {
    for (let tree = 0; tree < this.#forest.trees; tree++) {
      for (const node of this.#walk(tree, row)) this.#latest[node] = Number(this.#latest[node]) + 1;
    }
    this.#rows += 1;
    if (this.#rows % this.#windowSize !== 0) return;
    this.#reference = this.#latest;
    this.#latest = new Float64Array(this.#latest.length);
  }

  #score(row: PlainRow): number {
    if (this.#rows < this.#windowSize) return 0;
    const { trees } = this.#forest;
    let sum = 0;
    for (let tree = 0; tree < trees; tree++) {
      let weight = 1;
      for (const node of this.#walk(tree, row)) {
        const mass = Number(this.#reference[node]);
        sum += mass * weight;
        if (mass < 0.1 * this.#windowSize) break;
        weight *= 2;
      }
    }
    return 1 - sum / (trees * this.#windowSize * (this.#nodes - 1));
  }

  /** Places of the masses on the row's way from the root to a leaf. */
  #walk(tree: number, row: PlainRow): readonly number[] {
    const { height, columns, thresholds } = this.#forest;
    let node = 1;
    const way = [tree * this.#nodes + node];
    for (let level = 0; level < height; level++) {
      const split = tree * 2 ** height + node;
      const value = row.get(Number(columns[split]));
      const isRight = value === undefined ? this.#isRight(tree, node) : !(value < Number(thresholds[split]));
      node = 2 * node + Number(isRight);
      way.push(tree * this.#nodes + node);
    }
    return way;
  }

  #isRight(tree: number, node: number): boolean {
    const left = tree * this.#nodes + 2 * node;
    const lean = Number(this.#latest[left + 1]) - Number(this.#latest[left]);
    if (lean !== 0 || this.#onTie === 'left as River') return lean > 0;
    const isRight = Number(this.#reference[left + 1]) > Number(this.#reference[left]);
    this.tiesToTheRight += Number(isRight);
    return isRight;
  }
}
