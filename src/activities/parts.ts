/** Joins encoded tables to one object: u32 length (little-endian) before each, padded so that each begins at a multiple of 8. */
export function packTables(tables: readonly Uint8Array[]): Uint8Array {
  const total = tables.reduce((sum, table) => sum + HEADER_BYTES + padded(table.length), 0);
  const pack = new Uint8Array(total);
  const view = new DataView(pack.buffer);
  let at = 0;
  for (const table of tables) {
    view.setUint32(at, table.length, true);
    pack.set(table, at + HEADER_BYTES);
    at += HEADER_BYTES + padded(table.length);
  }
  return pack;
}

/** The tables that {@link packTables} joined, as views of `pack`. */
export function* unpackTables(pack: Uint8Array): Generator<Uint8Array> {
  const view = new DataView(pack.buffer, pack.byteOffset, pack.byteLength);
  for (let at = 0; at < pack.length; ) {
    const length = view.getUint32(at, true);
    yield pack.subarray(at + HEADER_BYTES, at + HEADER_BYTES + length);
    at += HEADER_BYTES + padded(length);
  }
}

const HEADER_BYTES = 8;

function padded(length: number): number {
  return Math.ceil(length / 8) * 8;
}
