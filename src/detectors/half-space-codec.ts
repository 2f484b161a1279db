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
}

/** One tree's 2^(height + 1) masses of the window being filled and of the full one before it. */
export interface Masses {
  readonly latest: Int32Array;
  readonly reference: Int32Array;
}

/** `trees` is empty before the first row. */
export function bytesFromTrees(settings: SavedTrees, state: SavedState, trees: readonly Masses[]): Uint8Array {
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
  for (const { latest, reference } of trees) {
    writeLeaves(writer, latest);
    writeLeaves(writer, reference);
  }
  return writer.finish();
}

/**
 * The state in `bytes`; `plant` gives the empty trees to fill. Throws CorruptSnapshot for bytes that are truncated,
 * altered, of another kind or version, or made with other settings, and for masses that no run of rows could have left.
 */
export function treesFromBytes(
  settings: SavedTrees,
  features: number,
  bytes: Uint8Array,
  plant: (present: readonly number[]) => readonly Masses[],
): SavedState {
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

  const inReference = rows < settings.windowSize ? 0 : settings.windowSize;
  for (const { latest, reference } of rows === 0 ? [] : plant(present)) {
    readLeaves(reader, latest, rows % settings.windowSize);
    readLeaves(reader, reference, inReference);
  }
  reader.end();
  return { rows, present };
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

/** A count of leaves with mass, then for each of them the empty leaves before it and its mass. */
function writeLeaves(writer: ByteWriter, masses: Int32Array): void {
  const first = masses.length / 2;
  let count = 0;
  for (let leaf = first; leaf < masses.length; leaf++) count += Number(masses[leaf] !== 0);
  writer.varint(count);
  let next = first;
  for (let leaf = first; leaf < masses.length; leaf++) {
    const mass = masses[leaf]!;
    if (mass === 0) continue;
    writer.varint(leaf - next);
    writer.varint(mass);
    next = leaf + 1;
  }
}

function readLeaves(reader: ByteReader, masses: Int32Array, expected: number): void {
  const first = masses.length / 2;
  const count = reader.varint();
  let leaf = first - 1;
  let sum = 0;
  for (let i = 0; i < count; i++) {
    leaf += 1 + reader.varint();
    if (leaf >= masses.length) throw reader.corrupt(`Expected a leaf below ${first}, got \`${leaf - first}\``);
    const mass = reader.varint();
    if (mass === 0) throw reader.corrupt(`Expected a mass of at least 1 at leaf ${leaf - first}, got \`0\``);
    sum += mass;
    masses[leaf] = mass;
  }
  reader.expect("the sum of a tree's masses", sum, expected);
  for (let node = first - 1; node > 0; node--) masses[node] = masses[2 * node]! + masses[2 * node + 1]!;
}
