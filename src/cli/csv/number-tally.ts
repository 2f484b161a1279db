import { firstOf, shownCell } from './cell-remarks.js';
import { type Decimal, isMissingText, numberFromText } from './number-text.js';

/** Cells of one kind: how many, and the first with its line. */
export interface Cells {
  readonly count: number;
  /** Null when there is none. */
  readonly first: Cell | null;
}

export interface Cell {
  readonly line: number;
  readonly text: string;
}

/** Numbers that are not written in the expected way. */
export interface OtherWriting {
  /** Of the first of them. */
  readonly line: number;
  /** What it is, and what to do. */
  readonly what: string;
  /** It has the other decimal sign; else a sign between thousands. */
  readonly isDecimal: boolean;
}

/** A column is taken for numbers when at least this share of what is there looks like it. */
const NEARLY_ALL = 0.9;

const WITH_COMMA = /^\s*[+-]?\d*,\d+(?:[eE][+-]?\d+)?\s*$/;
const WITH_POINT = /^\s*[+-]?\d*\.\d+(?:[eE][+-]?\d+)?\s*$/;
/** `1.234,56`, `1,234.56`, `1 234,56` or `1'234.56`: nothing else is written like that. */
const GROUPED = /^\s*[+-]?\d{1,3}([.,' \u00a0\u202f])\d{3}(?:\1\d{3})*(?!\1)[.,]\d+\s*$/;
/** May be a number below 1000 with three decimals, or one of thousands. */
const THOUSANDS = /^\s*[+-]?\d{1,3}[.,]\d{3}\s*$/;

/** Reads the cells of one column as numbers and keeps what they looked like. */
export class NumberTally {
  readonly column: string;
  readonly #decimal: Decimal | null;
  /** Finite or not. */
  #numbers = 0;
  #fractions = 0;
  #notNumbers: Cells = { count: 0, first: null };
  #infinite: Cells = { count: 0, first: null };
  /** Numbers that are written in another way. */
  #others: Cells = { count: 0, first: null };
  #grouped = 0;
  #areThousands = true;

  /** @param decimal null where nobody said it: a point, as long as the cells agree. */
  constructor(column: string, decimal: Decimal | null) {
    this.column = column;
    this.#decimal = decimal;
  }

  /** NaN for a cell that is missing or no number. */
  read(text: string, line: number): number {
    const value = numberFromText(text, this.#decimal ?? '.');
    if (value === null) {
      this.#notNumbers = oneMore(this.#notNumbers, text, line);
      const isGrouped = GROUPED.test(text);
      if (isGrouped) this.#grouped++;
      if (isGrouped || (this.#decimal === ',' ? WITH_POINT : WITH_COMMA).test(text)) {
        this.#others = oneMore(this.#others, text, line);
        this.#areThousands &&= THOUSANDS.test(text);
      }
      return Number.NaN;
    }
    if (Number.isInteger(value)) this.#numbers++;
    else if (Number.isFinite(value)) {
      this.#numbers++;
      this.#fractions++;
    } else if (!isMissingText(text)) {
      this.#numbers++;
      this.#infinite = oneMore(this.#infinite, text, line);
    }
    return value;
  }

  /** Cells that are not missing. */
  get present(): number {
    return this.#numbers + this.#notNumbers.count;
  }

  get notNumbers(): Cells {
    return this.#notNumbers;
  }

  get infinite(): Cells {
    return this.#infinite;
  }

  /** Whether at least half of what is there is a number, in whichever way it is written. */
  get isMostlyNumbers(): boolean {
    return 2 * (this.#numbers + this.#others.count) >= this.present;
  }

  /** Whether a number with decimals was there, written in the expected way. */
  get hasDecimals(): boolean {
    return this.#fractions > 0;
  }

  /**
   * The first cell of a column of numbers that are not written in the expected way, with what to do; null for any other
   * column, and where a decimal point was asked for: the cells are then texts as they stand.
   */
  findOtherWriting(): OtherWriting | null {
    const { count, first } = this.#others;
    if (first === null || this.#decimal === '.' || this.#numbers + count < NEARLY_ALL * this.present) return null;
    // A few commas among decimal points are slips.
    if (this.#grouped === 0 && count <= this.#fractions) return null;
    const { line, text } = first;
    const cell = shownCell(text, this.column);
    const more = firstOf(count);
    if (GROUPED.test(text)) {
      const what = `${cell} has a sign between thousands${more}. Write numbers without it`;
      return { line, what, isDecimal: false };
    }
    const isPoint = this.#decimal === ',';
    const plain = isPoint
      ? 'Leave out --decimal , to read it'
      : 'Give --decimal , to read it, or --decimal . where it is none';
    const remedy = this.#areThousands
      ? `If it is one ${isPoint ? 'leave out' : 'give'} --decimal , and if it is a sign between thousands write numbers without it`
      : plain;
    return { line, what: `${cell} has a decimal ${isPoint ? 'point' : 'comma'}${more}. ${remedy}`, isDecimal: true };
  }
}

/**
 * The first column of a file whose numbers are not written in the expected way. Where a decimal comma was asked for and some
 * column has one, points in another are texts, such as a version.
 */
export function otherWritingIn(tallies: readonly NumberTally[], decimal: Decimal | null): OtherWriting | null {
  const isRight = decimal === ',' && tallies.some(({ hasDecimals }) => hasDecimals);
  for (const tally of tallies) {
    const other = tally.findOtherWriting();
    if (other !== null && !(isRight && other.isDecimal)) return other;
  }
  return null;
}

/** Whether a text is a number in some way of writing it. */
export function looksLikeNumber(text: string): boolean {
  return [numberFromText(text, '.'), numberFromText(text, ',')].some(Number.isFinite) || GROUPED.test(text);
}

function oneMore({ count, first }: Cells, text: string, line: number): Cells {
  return { count: count + 1, first: first ?? { line, text } };
}
