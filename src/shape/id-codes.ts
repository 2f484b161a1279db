import type { NumberColumn, StringColumn } from '../contract/table.js';

/** A column that can hold an id; numbers are written in decimal. */
export type IdColumn = StringColumn | NumberColumn;

/** Stands for a missing or empty id. */
export const NO_ID = -1;

/** Codes stay below this, so that two of them make one exact integer. */
const MOST_CODES = 2 ** 26;

/** Numbers id tuples 0, 1, 2, ... in the order of their first row, over any number of tables. */
export class IdTuples {
  readonly #columns: ColumnCodes[];
  /** For each column but the first: (code of the ids before it, code of its own) to code of both. */
  readonly #pairs: Map<number, number>[];
  /** Code of all ids to the tuple's number. */
  readonly #numbers = new Map<number, number>();
  readonly #tuples: (readonly string[])[] = [];

  constructor(columns: number) {
    this.#columns = Array.from({ length: columns }, () => new ColumnCodes());
    this.#pairs = Array.from({ length: columns - 1 }, () => new Map<number, number>());
  }

  /** Exact values of each tuple, by its number. */
  get tuples(): readonly (readonly string[])[] {
    return this.#tuples;
  }

  /**
   * Number of each row's tuple, n rows; `NO_ID` where an id is missing or empty.
   * @param columns one for each id column, all with `rows` rows.
   */
  number(columns: readonly IdColumn[], rows: number): Int32Array {
    const codes = columns.map(
      (column, c) => this.#columns[c]?.encode(column, rows) ?? new Int32Array(rows).fill(NO_ID),
    );
    const numbers = Int32Array.from(codes[0] ?? []);
    for (const [i, pairs] of this.#pairs.entries()) {
      const right = codes[i + 1] ?? numbers;
      for (let row = 0; row < rows; row++) numbers[row] = pairCode(numbers[row] ?? NO_ID, right[row] ?? NO_ID, pairs);
    }
    for (let row = 0; row < rows; row++) {
      const code = numbers[row] ?? NO_ID;
      if (code === NO_ID) continue;
      let number = this.#numbers.get(code);
      if (number === undefined) {
        number = this.#tuples.length;
        this.#numbers.set(code, number);
        this.#tuples.push(this.#columns.map((column, c) => column.text(codes[c]?.[row] ?? NO_ID)));
      }
      numbers[row] = number;
    }
    return numbers;
  }
}

function pairCode(left: number, right: number, pairs: Map<number, number>): number {
  if (left === NO_ID || right === NO_ID) return NO_ID;
  const key = left * MOST_CODES + right;
  const known = pairs.get(key);
  if (known !== undefined) return known;
  pairs.set(key, pairs.size);
  return pairs.size - 1;
}

/** Codes of one column's distinct values, the same in every table. */
class ColumnCodes {
  readonly #texts: string[] = [];
  readonly #codes = new Map<string, number>();
  /** The dictionary seen last and its codes: sources share one that only grows. */
  #dictionary: readonly string[] = [];
  #codeOf: number[] = [];

  text(code: number): string {
    return this.#texts[code] ?? '';
  }

  encode(column: IdColumn, rows: number): Int32Array {
    const codes = new Int32Array(rows);
    if (column.kind === 'number') {
      for (let row = 0; row < rows; row++) codes[row] = this.#intern(numberText(column.values[row]));
      return codes;
    }
    if (column.dictionary !== this.#dictionary) {
      this.#dictionary = column.dictionary;
      this.#codeOf = [];
    }
    const codeOf = this.#codeOf;
    for (let i = codeOf.length; i < column.dictionary.length; i++) {
      codeOf.push(this.#intern(column.dictionary[i] ?? ''));
    }
    for (let row = 0; row < rows; row++) codes[row] = codeOf[column.codes[row] ?? NO_ID] ?? NO_ID;
    return codes;
  }

  #intern(text: string): number {
    if (text === '') return NO_ID;
    const known = this.#codes.get(text);
    if (known !== undefined) return known;
    if (this.#texts.length === MOST_CODES)
      throw new RangeError(`Expected fewer than ${MOST_CODES} values of an id column`);
    this.#codes.set(text, this.#texts.length);
    this.#texts.push(text);
    return this.#texts.length - 1;
  }
}

function numberText(value: number | undefined): string {
  return value === undefined || Number.isNaN(value) ? '' : String(value);
}
