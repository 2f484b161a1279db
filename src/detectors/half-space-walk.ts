/**
 * The inner loops of Half-Space Trees: one tree, many rows. Buffers of one tree, all with a slot a node (slot 0 unused):
 * `columns` and `thresholds` 2^height inner nodes each, `masses` 2^(height + 1) pairs. A node's pair lies side by side,
 * so that one cache line serves both; `latest` (0 or 1) tells which of the pair counts the window being filled, the
 * other is the full window before it, the reference that scores.
 *
 * A score is a sum of integers below 2^53 (checked when a detector is made), hence exact in whatever order it is added:
 * rows may go tree by tree. Learning a row first never changes the way it takes afterwards, not even where features are
 * missing (the heavier child only gets heavier), so one walk both scores and learns, in either order; only the window's
 * turn in between differs, and the caller looks after that.
 */
export interface Tree {
  readonly height: number;
  readonly columns: Uint16Array;
  readonly thresholds: Float64Array;
  readonly masses: Int32Array;
}

/** Rows `from <= i < to` of `values`, rows x stride, row-major; 1 in `missing` where a feature is absent. */
export interface Rows {
  readonly values: Float64Array;
  readonly missing: Uint8Array | null;
  readonly stride: number;
  readonly from: number;
  readonly to: number;
}

/**
 * Adds each row's mass on its way down (reference mass times 2^depth, nothing below a node lighter than `sizeLimit`) to
 * `sums[i]`, and one to the latest mass of each node on the way.
 */
export function walkRows(tree: Tree, latest: number, sizeLimit: number, rows: Rows, sums: Float64Array): void {
  if (rows.missing === null) walkComplete(tree, latest, sizeLimit, rows, rows.values, sums);
  else walkWithMissing(tree, latest, sizeLimit, rows, rows.missing, sums);
}

function walkComplete(
  tree: Tree,
  latest: number,
  sizeLimit: number,
  rows: Rows,
  values: Float64Array,
  sums: Float64Array,
): void {
  const { columns, thresholds, masses } = tree;
  const { stride, from, to } = rows;
  const leaves = 2 ** tree.height;
  const reference = 1 - latest;
  for (let row = from; row < to; row++) {
    const base = row * stride;
    let node = 1;
    let weight = 1;
    let sum = 0;
    while (node < leaves) {
      const pair = 2 * node;
      const mass = masses[pair + reference]!;
      sum += mass * weight;
      weight = mass < sizeLimit ? 0 : weight + weight;
      masses[pair + latest]! += 1;
      // Not below the threshold goes right, and so does NaN.
      node = pair + 1 - Number(values[base + columns[node]!]! < thresholds[node]!);
    }
    sum += masses[2 * node + reference]! * weight;
    masses[2 * node + latest]! += 1;
    sums[row]! += sum;
  }
}

function walkWithMissing(
  tree: Tree,
  latest: number,
  sizeLimit: number,
  rows: Rows,
  missing: Uint8Array,
  sums: Float64Array,
): void {
  const { columns, thresholds, masses } = tree;
  const { values, stride, from, to } = rows;
  const leaves = 2 ** tree.height;
  const reference = 1 - latest;
  for (let row = from; row < to; row++) {
    const base = row * stride;
    let node = 1;
    let weight = 1;
    let sum = 0;
    while (node < leaves) {
      const pair = 2 * node;
      const mass = masses[pair + reference]!;
      sum += mass * weight;
      weight = mass < sizeLimit ? 0 : weight + weight;
      masses[pair + latest]! += 1;
      const at = base + columns[node]!;
      if (missing[at] === 0) node = pair + 1 - Number(values[at]! < thresholds[node]!);
      else node = pair + Number(masses[2 * pair + latest]! < masses[2 * pair + 2 + latest]!);
    }
    sum += masses[2 * node + reference]! * weight;
    masses[2 * node + latest]! += 1;
    sums[row]! += sum;
  }
}

/** The sum of one row without learning it. */
export function sumRow(tree: Tree, latest: number, sizeLimit: number, rows: Rows, row: number): number {
  const { columns, thresholds, masses } = tree;
  const { values, missing, stride } = rows;
  const leaves = 2 ** tree.height;
  const reference = 1 - latest;
  let node = 1;
  let weight = 1;
  let sum = 0;
  while (node < leaves) {
    const pair = 2 * node;
    const mass = masses[pair + reference]!;
    sum += mass * weight;
    if (mass < sizeLimit) return sum;
    weight += weight;
    const at = row * stride + columns[node]!;
    if (missing === null || missing[at] === 0) node = pair + 1 - Number(values[at]! < thresholds[node]!);
    else node = pair + Number(masses[2 * pair + latest]! < masses[2 * pair + 2 + latest]!);
  }
  return sum + masses[2 * node + reference]! * weight;
}

/** Sets the `side` of every pair in one tree to 0 and visits only nodes that have mass: an empty node has empty children. */
export function clearMasses(masses: Int32Array, height: number, side: number, stack: Int32Array): void {
  const leaves = 2 ** height;
  let depth = 0;
  stack[depth++] = 1;
  while (depth > 0) {
    const node = stack[--depth]!;
    const at = 2 * node + side;
    if (masses[at] === 0) continue;
    masses[at] = 0;
    if (node < leaves) {
      stack[depth++] = 2 * node;
      stack[depth++] = 2 * node + 1;
    }
  }
}
