import { isMissingText } from './number-text.js';

/** Rows that the rows after them would replace. */
export interface Clashes {
  /** Rows with the tags and time of an earlier row and other values. */
  readonly rows: number;
  /** The first of them, counted from 1. */
  readonly line: number;
}

/** Finds the rows of a file that InfluxDB would keep as one, other than those that only fill in each other's missing fields. */
export interface RowClashes {
  /**
   * Takes a row that will be written; lines come in the order of the file.
   * @param series what stands for its tags, counted from 0.
   * @param time nanoseconds since the epoch.
   * @param values the row's fields, the same number for each row; empty where there is none.
   */
  add(series: number, time: bigint, values: readonly string[], line: number): void;
  /** Null when every row keeps its place. */
  find(): Clashes | null;
}

/** One series, 20 bytes a row. */
interface Rows {
  times: BigInt64Array;
  hashes: Uint32Array;
  /** A bit for each field that is there. */
  fields: Uint32Array;
  lines: Uint32Array;
  length: number;
  last: bigint;
  isRising: boolean;
  isFalling: boolean;
}

const FIRST_CAPACITY = 8; // rows; a file may have many short series

/**
 * Keeps a row's time, which fields it has and a hash of them: 20 to 40 bytes a row. Two rows of other values look alike once
 * in 2^32 times; such a pair is not seen. Of more than 32 columns some share a bit: rows that fill in each other's fields may
 * then count as rows that replace each other.
 */
export function createRowClashes(): RowClashes {
  const bySeries: Rows[] = [];
  return {
    add(series, time, values, line) {
      const rows = bySeries[series] ?? newRows();
      bySeries[series] = rows;
      if (rows.length === rows.hashes.length) grow(rows);
      if (rows.length > 0) {
        rows.isRising &&= time > rows.last;
        rows.isFalling &&= time < rows.last;
      }
      rows.times[rows.length] = time;
      rows.hashes[rows.length] = hashOf(values);
      rows.fields[rows.length] = fieldsOf(values);
      rows.lines[rows.length] = line;
      rows.last = time;
      rows.length++;
    },
    find() {
      let count = 0;
      let line = Number.POSITIVE_INFINITY;
      for (const rows of bySeries) {
        // Times that only rise, or only fall, are all different.
        if (rows === undefined || rows.isRising || rows.isFalling) continue;
        const found = clashesIn(rows);
        count += found.rows;
        line = Math.min(line, found.line);
      }
      return count === 0 ? null : { rows: count, line };
    },
  };
}

function newRows(): Rows {
  return {
    times: new BigInt64Array(FIRST_CAPACITY),
    hashes: new Uint32Array(FIRST_CAPACITY),
    fields: new Uint32Array(FIRST_CAPACITY),
    lines: new Uint32Array(FIRST_CAPACITY),
    length: 0,
    last: 0n,
    isRising: true,
    isFalling: true,
  };
}

function grow(rows: Rows): void {
  const capacity = 2 * rows.length;
  const { times, hashes, fields, lines } = rows;
  rows.times = new BigInt64Array(capacity);
  rows.times.set(times);
  rows.hashes = new Uint32Array(capacity);
  rows.hashes.set(hashes);
  rows.fields = new Uint32Array(capacity);
  rows.fields.set(fields);
  rows.lines = new Uint32Array(capacity);
  rows.lines.set(lines);
}

function clashesIn({ times, hashes, fields, lines, length }: Rows): Clashes {
  // Halves of the times as numbers: comparing bigints would make two objects each time. Any order brings equal ones together.
  const halves = new Uint32Array(times.buffer);
  const order = Uint32Array.from({ length }, (_, row) => row).sort(
    (a, b) => at(halves, 2 * a) - at(halves, 2 * b) || at(halves, 2 * a + 1) - at(halves, 2 * b + 1) || a - b,
  );
  let count = 0;
  let line = Number.POSITIVE_INFINITY;
  let first = order[0] ?? 0;
  let filled = 0;
  const known = new Set<number>();
  for (const row of order) {
    if (times[row] !== times[first]) {
      first = row;
      filled = 0;
      known.clear();
    }
    const hash = at(hashes, row);
    if (known.has(hash)) continue;
    if ((filled & at(fields, row)) === 0) {
      filled |= at(fields, row);
      known.add(hash);
      continue;
    }
    count++;
    line = Math.min(line, at(lines, row));
  }
  return { rows: count, line };
}

function at(numbers: Uint32Array, index: number): number {
  return numbers[index] ?? 0;
}

function fieldsOf(values: readonly string[]): number {
  let fields = 0;
  for (let c = 0; c < values.length; c++) if (!isMissingText(values[c] ?? '')) fields |= 1 << (c % 32);
  return fields >>> 0;
}

/** FNV-1a over UTF-16 units, http://www.isthe.com/chongo/tech/comp/fnv/; the end of each value counts as a unit of its own. */
function hashOf(values: readonly string[]): number {
  let hash = 0x811c9dc5;
  for (const value of values) {
    for (let i = 0; i < value.length; i++) hash = Math.imul(hash ^ value.charCodeAt(i), 0x01000193);
    hash = Math.imul(hash ^ 0x10000, 0x01000193);
  }
  return hash >>> 0;
}
