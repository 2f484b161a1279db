import { isMissingText, numberFromText, pythonText } from './number-text.js';

const INTEGER = /^\s*[+-]?\d+\s*$/;
const BOOLEAN = /^(?:True|TRUE|true|False|FALSE|false)$/;
const LARGEST_INT64 = 2n ** 63n - 1n;
const SMALLEST_INT64 = -(2n ** 63n);
const LARGEST_UINT64 = 2n ** 64n - 1n;

/**
 * The texts of an id column as an f-string shows them after pandas' read_csv: a column of integers alone loses leading
 * zeros ("007" is "7"), one of numbers is written as floats ("7" among "7.5" or gaps is "7.0"), one of true and false has
 * capitals; in any other column texts stay as they are.
 * @param texts distinct texts of the whole column.
 * @returns one text for each of `texts`; "nan" for those that stand for "no value".
 */
export function idTextsOf(texts: readonly string[]): string[] {
  const present = texts.filter((text) => !isMissingText(text));
  const write = writerOf(present, present.length < texts.length);
  return texts.map((text) => (isMissingText(text) ? 'nan' : write(text)));
}

function writerOf(present: readonly string[], hasGaps: boolean): (text: string) => string {
  if (present.every((text) => INTEGER.test(text))) {
    const integers = present.map(integerOf);
    const fitsSigned = integers.every((value) => value >= SMALLEST_INT64 && value <= LARGEST_INT64);
    const fitsUnsigned = integers.every((value) => value >= 0n && value <= LARGEST_UINT64);
    const isHuge = integers.some((value) => value > LARGEST_UINT64 || value < SMALLEST_INT64);
    if (hasGaps && fitsSigned) return (text) => pythonText(Number(text));
    // Beyond 64 bits they become Python's own integers; a mix of signed and unsigned ones stays text.
    return fitsSigned || isHuge || (fitsUnsigned && !hasGaps) ? (text) => integerOf(text).toString() : (text) => text;
  }
  if (present.every((text) => numberFromText(text) !== null)) return (text) => pythonText(numberFromText(text) ?? NaN);
  if (present.every((text) => BOOLEAN.test(text))) return (text) => (/^t/i.test(text) ? 'True' : 'False');
  return (text) => text;
}

function integerOf(text: string): bigint {
  return BigInt(text.trim().replace(/^\+/, ''));
}
