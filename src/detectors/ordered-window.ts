import type { ByteReader, ByteWriter } from './byte-codec.js';

/**
 * The last `capacity` finite numbers as a treap (Seidel and Aragon, "Randomized Search Trees", Algorithmica 16, 1996) over
 * the slots of a ring: a push, the median and the deviations from it take O(log n) expected, whatever the numbers are,
 * and no memory. What comes back are order statistics, so that nothing depends on the tree's shape.
 */
export class OrderedWindow {
  readonly capacity: number;
  /** By slot + 1; 0 is no node. `#sizes` counts a node and all below it. */
  readonly #numbers: Float64Array;
  readonly #left: Int32Array;
  readonly #right: Int32Array;
  readonly #sizes: Int32Array;
  #root = 0;
  #count = 0;
  /** Node of the oldest number. */
  #oldest = 1;
  /** The median, unless a push has come since it was asked for. */
  #median = Number.NaN;
  #isMedianKnown = true;
  /** What the last split came to. */
  #below = 0;
  #above = 0;

  constructor(capacity: number) {
    this.capacity = capacity;
    this.#numbers = new Float64Array(capacity + 1);
    this.#left = new Int32Array(capacity + 1);
    this.#right = new Int32Array(capacity + 1);
    this.#sizes = new Int32Array(capacity + 1);
  }

  get count(): number {
    return this.#count;
  }

  get sizeBytes(): number {
    return 20 * (this.capacity + 1);
  }

  /** Takes a number in; when the window is full the oldest leaves. */
  push(number: number): void {
    let node = this.#count + 1;
    if (this.#count === this.capacity) {
      node = this.#oldest;
      this.#root = this.#without(this.#root, node);
      this.#oldest = (node % this.capacity) + 1;
    } else {
      this.#count++;
    }
    this.#numbers[node] = number + 0; // -0 becomes 0: the two are equal, and either may come back
    this.#left[node] = 0;
    this.#right[node] = 0;
    this.#sizes[node] = 1;
    this.#root = this.#with(this.#root, node);
    this.#isMedianKnown = false;
  }

  /** The middle number, or halfway between the two; NaN while there are none. */
  median(): number {
    if (this.#isMedianKnown) return this.#median;
    const low = this.#numberAt((this.#count - 1) >> 1);
    this.#median = this.#count % 2 === 1 ? low : middle(low, this.#numberAt(this.#count >> 1));
    this.#isMedianKnown = true;
    return this.#median;
  }

  /** The median of how far the numbers are from their median; NaN while there are none. */
  medianDeviation(): number {
    return this.#deviation((this.#count - 1) >> 1, this.#count >> 1);
  }

  /** What `share` (0..1) of the numbers are at most away from their median; NaN while there are none. */
  deviationOf(share: number): number {
    const rank = Math.ceil(share * (this.#count - 1));
    return this.#deviation(rank, rank);
  }

  /** The numbers in the order they came. */
  write(writer: ByteWriter): void {
    writer.u32(this.#count);
    for (let i = 0; i < this.#count; i++) writer.f64(this.#numbers[((this.#oldest - 1 + i) % this.capacity) + 1]!);
  }

  /** Takes what {@link write} wrote; for a window that is still empty. */
  read(reader: ByteReader): void {
    const count = reader.u32();
    if (count > this.capacity) throw reader.corrupt(`Expected at most ${this.capacity} numbers, got \`${count}\``);
    for (let i = 0; i < count; i++) {
      const number = reader.f64();
      if (!Number.isFinite(number)) throw reader.corrupt(`Expected a finite number, got \`${number}\``);
      this.push(number);
    }
  }

  /** Middle of the deviations of two ranks. The tree is parted at the median and joined again. */
  #deviation(rank: number, next: number): number {
    if (this.#count === 0) return Number.NaN;
    const center = this.median();
    this.#part(this.#root, (this.#count + 1) >> 1);
    const below = this.#below;
    const above = this.#above;
    const near = this.#nearest(below, above, rank, center);
    const result = next === rank ? near : middle(near, this.#nearest(below, above, next, center));
    this.#root = this.#joined(below, above);
    return result;
  }

  /**
   * The deviation of `rank` out of two trees at once, the numbers below the center and those above: of their roots' one
   * is either too near with all that is nearer in its tree, or too far with all that is further, and falls away.
   */
  #nearest(below: number, above: number, rank: number, center: number): number {
    let low = below;
    let high = above;
    let left = rank;
    while (low !== 0 && high !== 0) {
      const lowNear = this.#sizes[this.#right[low]!]!;
      const highNear = this.#sizes[this.#left[high]!]!;
      const isLowNearer = center - this.#numbers[low]! <= this.#numbers[high]! - center;
      if (left > lowNear + highNear) {
        left -= 1 + (isLowNearer ? lowNear : highNear);
        if (isLowNearer) low = this.#left[low]!;
        else high = this.#right[high]!;
      } else if (isLowNearer) high = this.#left[high]!;
      else low = this.#right[low]!;
    }
    // What is left is in one tree, the nearest first.
    if (low !== 0) return center - this.#numbers[this.#nodeAt(low, this.#sizes[low]! - 1 - left)]!;
    return this.#numbers[this.#nodeAt(high, left)]! - center;
  }

  #numberAt(rank: number): number {
    return this.#numbers[this.#nodeAt(this.#root, rank)]!;
  }

  #nodeAt(root: number, rank: number): number {
    let node = root;
    let left = rank;
    for (;;) {
      const below = this.#sizes[this.#left[node]!]!;
      if (left === below) return node;
      if (left < below) {
        node = this.#left[node]!;
      } else {
        left -= below + 1;
        node = this.#right[node]!;
      }
    }
  }

  /** The tree with a node more. */
  #with(root: number, node: number): number {
    if (root === 0 || rankOf(node) > rankOf(root)) {
      this.#cut(root, node);
      this.#left[node] = this.#below;
      this.#right[node] = this.#above;
      return this.#counted(node);
    }
    if (this.#isBefore(node, root)) this.#left[root] = this.#with(this.#left[root]!, node);
    else this.#right[root] = this.#with(this.#right[root]!, node);
    return this.#counted(root);
  }

  /** The tree without one of its nodes. */
  #without(root: number, node: number): number {
    if (root === node) return this.#joined(this.#left[node]!, this.#right[node]!);
    if (this.#isBefore(node, root)) this.#left[root] = this.#without(this.#left[root]!, node);
    else this.#right[root] = this.#without(this.#right[root]!, node);
    return this.#counted(root);
  }

  /** Into `#below` the nodes before `node`, into `#above` those after it. */
  #cut(root: number, node: number): void {
    if (root === 0) {
      this.#below = 0;
      this.#above = 0;
    } else if (this.#isBefore(node, root)) {
      this.#cut(this.#left[root]!, node);
      this.#left[root] = this.#above;
      this.#above = this.#counted(root);
    } else {
      this.#cut(this.#right[root]!, node);
      this.#right[root] = this.#below;
      this.#below = this.#counted(root);
    }
  }

  /** Into `#below` the first `count` nodes, into `#above` the others. */
  #part(root: number, count: number): void {
    if (root === 0) {
      this.#below = 0;
      this.#above = 0;
      return;
    }
    const before = this.#sizes[this.#left[root]!]!;
    if (count <= before) {
      this.#part(this.#left[root]!, count);
      this.#left[root] = this.#above;
      this.#above = this.#counted(root);
    } else {
      this.#part(this.#right[root]!, count - before - 1);
      this.#right[root] = this.#below;
      this.#below = this.#counted(root);
    }
  }

  /** One tree of two, all of `below` before all of `above`. */
  #joined(below: number, above: number): number {
    if (below === 0) return above;
    if (above === 0) return below;
    if (rankOf(below) > rankOf(above)) {
      this.#right[below] = this.#joined(this.#right[below]!, above);
      return this.#counted(below);
    }
    this.#left[above] = this.#joined(below, this.#left[above]!);
    return this.#counted(above);
  }

  #counted(node: number): number {
    this.#sizes[node] = 1 + this.#sizes[this.#left[node]!]! + this.#sizes[this.#right[node]!]!;
    return node;
  }

  /** In the order of their numbers; equal ones in that of their slots, so that each can be found again. */
  #isBefore(node: number, other: number): boolean {
    const a = this.#numbers[node]!;
    const b = this.#numbers[other]!;
    return a < b || (a === b && node < other);
  }
}

/** A node's height in the tree: its number scrambled (the finisher of MurmurHash3), so that no two are equal. */
function rankOf(node: number): number {
  let hash = Math.imul(node ^ (node >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/** Halfway, each halved by itself so that no sum is endless. */
function middle(a: number, b: number): number {
  return a === b ? a : a / 2 + b / 2;
}
