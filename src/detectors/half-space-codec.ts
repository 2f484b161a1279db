import { ByteReader, ByteWriter } from './byte-codec.js';

/**
 * The saved form of Half-Space Trees: little-endian header, features of the first row, masses of the leaves that have
 * any (an inner node's mass is the sum of its children's), checksum. Trees come back from the seed. The same state
 * gives the same bytes.
 */
const MAGIC = 0x54534851; // 'QHST' read as bytes
const VERSION = 1;
const WHAT = 'Half-Space Trees';

export interface SavedTrees {
  /** What the bytes belong to; each must be the same when read. */
  readonly trees: number;
  readonly height: number;
  readonly windowSize: number;
  readonly seed: number;
  /** Mark of feature names and limits. */
  readonly fingerprint: number;
}

export interface SavedState {
  /** Rows learned. */
  readonly rows: number;
  /** Places (in sorted order) of the features that the first row had; empty before the first row. */
  readonly present: readonly number[];
  /** trees x 2^(height + 1) pairs, see half-space-walk.ts; the side that is `latest` counts the window being filled. */
  readonly masses: Int32Array;
  readonly latest: number;
}

export function bytesFromTrees(settings: SavedTrees, state: SavedState): Uint8Array {
  const writer = new ByteWriter();
  writer.u32(MAGIC);
  writer.u32(VERSION);
  writer.u32(settings.trees);
  writer.u32(settings.height);
  writer.u32(settings.windowSize);
  writer.f64(settings.seed);
  writer.u32(settings.fingerprint);
  writer.f64(state.rows);
  writer.u32(state.present.length);
  for (const place of state.present) writer.varint(place);
  const leaves = 2 ** settings.height;
  for (let tree = 0; tree < settings.trees; tree++) {
    writeLeaves(writer, state.masses, 4 * leaves * tree + 2 * leaves + state.latest, leaves);
    writeLeaves(writer, state.masses, 4 * leaves * tree + 2 * leaves + 1 - state.latest, leaves);
  }
  return writer.finish();
}

/**
 * The state in `bytes`, `latest` being 0. Throws CorruptSnapshot for bytes that are truncated, altered, of another kind
 * or version, or made with other settings, and for masses that no run of rows could have left.
 */
export function treesFromBytes(settings: SavedTrees, features: number, bytes: Uint8Array): SavedState {
  const reader = new ByteReader(bytes, WHAT, MAGIC);
  reader.expect('the version', reader.u32(), VERSION);
  reader.expect('`n_trees`', reader.u32(), settings.trees);
  reader.expect('`height`', reader.u32(), settings.height);
  reader.expect('`window_size`', reader.u32(), settings.windowSize);
  reader.expect('`seed`', reader.f64(), settings.seed);
  reader.expect('the mark of features and limits', reader.u32(), settings.fingerprint);
  const rows = reader.f64();
  if (!Number.isSafeInteger(rows) || rows < 0) throw reader.corrupt(`Expected a number of rows, got \`${rows}\``);
  const present = readPresent(reader, features, rows);

  const leaves = 2 ** settings.height;
  const masses = new Int32Array(settings.trees * 4 * leaves);
  const reference = rows < settings.windowSize ? 0 : settings.windowSize;
  for (let tree = 0; tree < settings.trees; tree++) {
    const ofTree = masses.subarray(4 * leaves * tree, 4 * leaves * (tree + 1));
    readLeaves(reader, ofTree, 0, rows % settings.windowSize);
    readLeaves(reader, ofTree, 1, reference);
    for (let node = leaves - 1; node > 0; node--) {
      ofTree[2 * node] = ofTree[4 * node]! + ofTree[4 * node + 2]!;
      ofTree[2 * node + 1] = ofTree[4 * node + 1]! + ofTree[4 * node + 3]!;
    }
  }
  reader.end();
  return { rows, present, masses, latest: 0 };
}

function readPresent(reader: ByteReader, features: number, rows: number): number[] {
  const count = reader.u32();
  if (count > features || count > 0 !== rows > 0) {
    throw reader.corrupt(`Expected 1 to ${features} features after the first row, got \`${count}\` at ${rows} rows`);
  }
  const present: number[] = [];
  for (let i = 0; i < count; i++) {
    const place = reader.varint();
    if (place >= features || place <= (present[i - 1] ?? -1)) {
      throw reader.corrupt(`Expected ascending places of features below ${features}, got \`${place}\``);
    }
    present.push(place);
  }
  return present;
}

/** A count of leaves with mass, then for each the empty leaves before it and its mass. `first` is the first leaf's slot. */
function writeLeaves(writer: ByteWriter, masses: Int32Array, first: number, leaves: number): void {
  let count = 0;
  for (let leaf = 0; leaf < leaves; leaf++) count += Number(masses[first + 2 * leaf] !== 0);
  writer.varint(count);
  let empty = 0;
  for (let leaf = 0; leaf < leaves; leaf++) {
    const mass = masses[first + 2 * leaf]!;
    if (mass === 0) {
      empty += 1;
      continue;
    }
    writer.varint(empty);
    writer.varint(mass);
    empty = 0;
  }
}

function readLeaves(reader: ByteReader, masses: Int32Array, side: number, expected: number): void {
  const leaves = masses.length / 4;
  const count = reader.varint();
  let leaf = -1;
  let sum = 0;
  for (let i = 0; i < count; i++) {
    leaf += 1 + reader.varint();
    if (leaf >= leaves) throw reader.corrupt(`Expected a leaf below ${leaves}, got \`${leaf}\``);
    const mass = reader.varint();
    if (mass === 0) throw reader.corrupt(`Expected a mass of at least 1 at leaf ${leaf}, got \`0\``);
    sum += mass;
    masses[2 * (leaves + leaf) + side] = mass;
  }
  reader.expect("the sum of a tree's masses", sum, expected);
}
