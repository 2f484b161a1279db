import { countInner, type Tree } from './half-space-walk.js';

/** The deepest level whose sums are kept ready: 2 KB a tree, and no shipped configuration is deeper. */
export const MAX_SUMS_LEVEL = 8;

/** Up to so many nodes a row of the window, a pass over all of them beats looking after those touched. */
const SWEEP_NODES_PER_ROW = 4;

/** Whether a tree of this height may be swept at the turn of a window of `windowSize` rows. */
export function isSwept(height: number, windowSize: number): boolean {
  return 2 ** (height + 1) <= SWEEP_NODES_PER_ROW * windowSize;
}

/** The window just filled becomes the reference, and an empty one is begun in the place of the reference before it. */
export function turnWindow(tree: Tree, windowSize: number, sizeLimit: number): void {
  countInner(tree);
  const { latest, reference } = tree;
  tree.latest = reference;
  tree.reference = latest;
  if (isSwept(tree.height, windowSize)) reference.fill(0);
  else clearTouched(reference, 1);
  prepareSums(tree, sizeLimit);
}

/** Fills `tree.sums` from the reference masses. */
export function prepareSums(tree: Tree, sizeLimit: number): void {
  prepareBelow(tree, sizeLimit, 1, 0, 0, 1);
}

function prepareBelow(tree: Tree, sizeLimit: number, node: number, level: number, above: number, weight: number): void {
  const { height, reference, sums, sumsLevel } = tree;
  const mass = reference[node]!;
  const sum = above + mass * weight;
  const isLast = mass < sizeLimit || level === height;
  if (isLast || level === sumsLevel) {
    const shift = sumsLevel - level;
    const first = (node << shift) - sums.length;
    sums.fill(isLast ? sum : Number.NaN, first, first + (1 << shift));
    return;
  }
  prepareBelow(tree, sizeLimit, 2 * node, level + 1, sum, 2 * weight);
  prepareBelow(tree, sizeLimit, 2 * node + 1, level + 1, sum, 2 * weight);
}

/** Empties the nodes with mass at and below `node`: an empty node has empty children. */
function clearTouched(masses: Int32Array, node: number): void {
  masses[node] = 0;
  const left = 2 * node;
  if (left >= masses.length) return;
  if (masses[left] !== 0) clearTouched(masses, left);
  if (masses[left + 1] !== 0) clearTouched(masses, left + 1);
}
