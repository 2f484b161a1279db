/**
 * The inner loops of Half-Space Trees: one tree, many rows. Node 1 is the root, node i has the children 2i and 2i + 1,
 * the leaves are 2^height and up; slot 0 of each buffer is unused.
 *
 * Learning a row never changes the way it takes afterwards, not even where features are missing (the heavier child only
 * gets heavier), and the reference masses on that way follow from its leaf: one walk to the leaf learns, and the leaf
 * scores, in either order of the two. Only the window's turn in between differs; the caller looks after that.
 *
 * Sums are integers below 2^53 (checked when a detector is made), hence exact in whatever order they are added: rows may
 * go tree by tree, and a tree's nodes stay in the cache.
 */
export interface Tree {
  readonly height: number;
  /** 2^height: the column an inner node looks at, and the value below which its left child is next. */
  readonly columns: Uint16Array;
  readonly thresholds: Float64Array;
  /** 2^(height + 1): rows that passed each node in the window being filled, and in the full window before it. */
  latest: Int32Array;
  reference: Int32Array;
  /** A slot a node of level `sumsLevel`: what `sumOfLeaf` gives for the leaves below it where that is one number, else NaN. */
  readonly sums: Float64Array;
  readonly sumsLevel: number;
  /** The column of every node where there is but one. */
  readonly column: number | null;
  /** Small trees count the rows at the leaves only and add them up once a window; see `countInner`. */
  readonly countsLeavesOnly: boolean;
  innerIsStale: boolean;
}

/** Rows `from <= i < to` of `values`, rows x stride, row-major; 1 in `missing` where a feature is absent. */
export interface Rows {
  readonly values: Float64Array;
  readonly missing: Uint8Array | null;
  readonly stride: number;
  readonly from: number;
  readonly to: number;
}

const LOCKSTEP = 4; // rows walked side by side: each step waits for the one before, four rows wait together

/** Learns each row and adds its sum in the reference window to `sums[row]`. */
export function walkRows(tree: Tree, sizeLimit: number, rows: Rows, sums: Float64Array): void {
  const { from, to, missing } = rows;
  const together = missing === null ? from + LOCKSTEP * Math.floor((to - from) / LOCKSTEP) : from;
  if (together > from) {
    tree.innerIsStale = tree.countsLeavesOnly;
    if (tree.column === null) walkFours(tree, sizeLimit, rows, from, together, sums);
    else walkFoursOfColumn(tree, tree.column, sizeLimit, rows, from, together, sums);
  }
  if (together === to) return;
  countInner(tree);
  for (let row = together; row < to; row++) {
    sums[row]! += sumOfLeaf(tree, sizeLimit, learnRow(tree, rows, row));
  }
}

/** Makes the latest masses of the inner nodes what their leaves' are, where only those were counted. */
export function countInner(tree: Tree): void {
  if (!tree.innerIsStale) return;
  const { latest } = tree;
  for (let node = latest.length / 2 - 1; node > 0; node--) latest[node] = latest[2 * node]! + latest[2 * node + 1]!;
  tree.innerIsStale = false;
}

/** Rows without missing features, four at a time. Not below the threshold goes right, and so does NaN. */
function walkFours(tree: Tree, sizeLimit: number, rows: Rows, from: number, to: number, sums: Float64Array): void {
  const { height, columns, thresholds } = tree;
  const { values, stride } = rows;
  for (let row = from; row < to; row += LOCKSTEP) {
    const base0 = row * stride;
    const base1 = base0 + stride;
    const base2 = base1 + stride;
    const base3 = base2 + stride;
    let node0 = 1;
    let node1 = 1;
    let node2 = 1;
    let node3 = 1;
    for (let level = 0; level < height; level++) {
      // A comparison as a number costs no branch; `1 -` of "below", not "at or above", sends NaN to the right.
      node0 = ((node0 << 1) + 1 - Number(values[base0 + columns[node0]!]! < thresholds[node0]!)) | 0;
      node1 = ((node1 << 1) + 1 - Number(values[base1 + columns[node1]!]! < thresholds[node1]!)) | 0;
      node2 = ((node2 << 1) + 1 - Number(values[base2 + columns[node2]!]! < thresholds[node2]!)) | 0;
      node3 = ((node3 << 1) + 1 - Number(values[base3 + columns[node3]!]! < thresholds[node3]!)) | 0;
    }
    learnLeaves(tree, node0, node1, node2, node3);
    addSums(tree, sizeLimit, row, node0, node1, node2, node3, sums);
  }
}

/** The same where every node looks at one column: its value is read once a row. */
function walkFoursOfColumn(
  tree: Tree,
  column: number,
  sizeLimit: number,
  rows: Rows,
  from: number,
  to: number,
  sums: Float64Array,
): void {
  const { height, thresholds } = tree;
  const { values, stride } = rows;
  for (let row = from; row < to; row += LOCKSTEP) {
    const base = row * stride + column;
    const value0 = values[base]!;
    const value1 = values[base + stride]!;
    const value2 = values[base + 2 * stride]!;
    const value3 = values[base + 3 * stride]!;
    let node0 = 1;
    let node1 = 1;
    let node2 = 1;
    let node3 = 1;
    for (let level = 0; level < height; level++) {
      node0 = ((node0 << 1) + 1 - Number(value0 < thresholds[node0]!)) | 0;
      node1 = ((node1 << 1) + 1 - Number(value1 < thresholds[node1]!)) | 0;
      node2 = ((node2 << 1) + 1 - Number(value2 < thresholds[node2]!)) | 0;
      node3 = ((node3 << 1) + 1 - Number(value3 < thresholds[node3]!)) | 0;
    }
    learnLeaves(tree, node0, node1, node2, node3);
    addSums(tree, sizeLimit, row, node0, node1, node2, node3, sums);
  }
}

/** Each leaf one heavier, and the nodes above it too where the tree counts them as rows pass. */
function learnLeaves(tree: Tree, leaf0: number, leaf1: number, leaf2: number, leaf3: number): void {
  const { latest, countsLeavesOnly } = tree;
  if (countsLeavesOnly) {
    latest[leaf0]! += 1;
    latest[leaf1]! += 1;
    latest[leaf2]! += 1;
    latest[leaf3]! += 1;
    return;
  }
  let node0 = leaf0;
  let node1 = leaf1;
  let node2 = leaf2;
  let node3 = leaf3;
  while (node0 > 0) {
    latest[node0]! += 1;
    node0 >>= 1;
    latest[node1]! += 1;
    node1 >>= 1;
    latest[node2]! += 1;
    node2 >>= 1;
    latest[node3]! += 1;
    node3 >>= 1;
  }
}

function addSums(
  tree: Tree,
  sizeLimit: number,
  row: number,
  leaf0: number,
  leaf1: number,
  leaf2: number,
  leaf3: number,
  sums: Float64Array,
): void {
  const { sums: known, sumsLevel, height } = tree;
  const shift = height - sumsLevel;
  const mask = (1 << sumsLevel) - 1;
  const sum0 = known[(leaf0 >> shift) & mask]!;
  const sum1 = known[(leaf1 >> shift) & mask]!;
  const sum2 = known[(leaf2 >> shift) & mask]!;
  const sum3 = known[(leaf3 >> shift) & mask]!;
  sums[row]! += Number.isNaN(sum0) ? sumOfLeaf(tree, sizeLimit, leaf0) : sum0;
  sums[row + 1]! += Number.isNaN(sum1) ? sumOfLeaf(tree, sizeLimit, leaf1) : sum1;
  sums[row + 2]! += Number.isNaN(sum2) ? sumOfLeaf(tree, sizeLimit, leaf2) : sum2;
  sums[row + 3]! += Number.isNaN(sum3) ? sumOfLeaf(tree, sizeLimit, leaf3) : sum3;
}

/** The leaf of one row, every node on the way one heavier. */
function learnRow(tree: Tree, rows: Rows, row: number): number {
  const { height, columns, thresholds, latest } = tree;
  const { values, missing, stride } = rows;
  const base = row * stride;
  let node = 1;
  for (let level = 0; level < height; level++) {
    latest[node]! += 1;
    const at = base + columns[node]!;
    const left = node << 1;
    if (missing?.[at] !== 1) node = (left + 1 - Number(values[at]! < thresholds[node]!)) | 0;
    else node = heavierChild(tree, left);
  }
  latest[node]! += 1;
  return node;
}

/** Adds each row's sum in the reference window to `sums[row]` and learns nothing. */
export function scoreRows(tree: Tree, sizeLimit: number, rows: Rows, sums: Float64Array): void {
  countInner(tree);
  for (let row = rows.from; row < rows.to; row++) sums[row]! += sumOfLeaf(tree, sizeLimit, leafOfRow(tree, rows, row));
}

function leafOfRow(tree: Tree, rows: Rows, row: number): number {
  const { height, columns, thresholds } = tree;
  const { values, missing, stride } = rows;
  let node = 1;
  for (let level = 0; level < height; level++) {
    const at = row * stride + columns[node]!;
    const left = node << 1;
    if (missing?.[at] !== 1) node = (left + 1 - Number(values[at]! < thresholds[node]!)) | 0;
    else node = heavierChild(tree, left);
  }
  return node;
}

/**
 * Where a row goes that lacks the feature: to the child that more rows of the window being filled went to. Where these tie,
 * as all do when a window begins, the full window decides, and then the left has it. River 0.26.1 goes left at every tie,
 * which at the beginning of a window may be where no ordinary row ever goes.
 */
function heavierChild({ latest, reference }: Tree, left: number): number {
  const lean = latest[left + 1]! - latest[left]!;
  return left + Number((lean === 0 ? reference[left + 1]! - reference[left]! : lean) > 0);
}

/** Reference mass times 2^depth from the root down to a leaf, nothing below a node lighter than `sizeLimit`. */
export function sumOfLeaf({ height, reference }: Tree, sizeLimit: number, leaf: number): number {
  let weight = 1;
  let sum = 0;
  for (let above = height; above >= 0; above--) {
    const mass = reference[leaf >> above]!;
    sum += mass * weight;
    if (mass < sizeLimit) break;
    weight += weight;
  }
  return sum;
}
