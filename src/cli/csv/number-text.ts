/** Texts that stand for "no value", as pandas' read_csv takes them (its `na_values` documentation). */
const MISSING: ReadonlySet<string> = new Set(
  ',#N/A,#N/A N/A,#NA,-1.#IND,-1.#QNAN,-NaN,-nan,1.#IND,1.#QNAN,<NA>,N/A,NA,NULL,NaN,None,n/a,nan,null'.split(','),
);

/** The sign before a number's decimals. */
export type Decimal = '.' | ',';

const DECIMAL: Readonly<Record<Decimal, RegExp>> = {
  '.': /^\s*[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?\s*$/,
  ',': /^\s*[+-]?(?:\d+,?\d*|,\d+)(?:[eE][+-]?\d+)?\s*$/,
};
const INFINITE = /^([+-]?)inf(?:inity)?$/i;

export function isMissingText(text: string): boolean {
  return MISSING.has(text);
}

/**
 * The double nearest to a decimal number, NaN for a text that stands for "no value"; null for any other text. That is what
 * pandas 3.1 reads; versions before it could miss the nearest double by one bit. With a decimal comma a text with a point is
 * no number: the point may be a decimal sign all the same, or part thousands.
 */
export function numberFromText(text: string, decimal: Decimal = '.'): number | null {
  if (DECIMAL[decimal].test(text)) return Number(decimal === '.' ? text : text.replace(',', '.'));
  if (MISSING.has(text)) return Number.NaN;
  const infinite = INFINITE.exec(text);
  if (infinite === null) return null;
  return infinite[1] === '-' ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
}

/** The shortest text that reads back to the same bits: what was read as 207.64 is written so; NaN is empty. */
export function shortNumberText(value: number): string {
  return Number.isFinite(value) && !Object.is(value, -0) ? String(value) : textFromNumber(value);
}

/**
 * A double as C's printf writes it with `%.17g`: reads back to the same bits; NaN is empty, as in a data frame's file.
 */
export function textFromNumber(value: number): string {
  if (Number.isNaN(value)) return '';
  if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf';
  if (value === 0) return Object.is(value, -0) ? '-0' : '0';
  const [mantissa = '', power = '0'] = seventeenDigits(value).split('e');
  const exponent = Number(power);
  const sign = mantissa.startsWith('-') ? '-' : '';
  const digits = mantissa.replace(/[-.]/g, '');
  if (exponent < -4 || exponent >= 17) {
    const fraction = withoutZeros(digits.slice(1));
    const size = String(Math.abs(exponent)).padStart(2, '0');
    return `${sign}${digits[0]}${fraction === '' ? '' : `.${fraction}`}e${exponent < 0 ? '-' : '+'}${size}`;
  }
  if (exponent < 0) return `${sign}0.${'0'.repeat(-exponent - 1)}${withoutZeros(digits)}`;
  const fraction = withoutZeros(digits.slice(exponent + 1));
  return `${sign}${digits.slice(0, exponent + 1)}${fraction === '' ? '' : `.${fraction}`}`;
}

/** `d.dddddddddddddddde±x` with 17 digits, halves to even as C rounds them; JavaScript rounds them away from zero. */
function seventeenDigits(value: number): string {
  const rounded = value.toExponential(16);
  const longer = value.toExponential(17);
  if (longer[longer.indexOf('e') - 1] !== '5') return rounded;
  const exact = value.toExponential(100);
  if (!/50{83}e/.test(exact)) return rounded;
  const even = exact.slice(0, exact.indexOf('.') + 17);
  return Number(even.at(-1)) % 2 === 0 ? `${even}${exact.slice(exact.indexOf('e'))}` : rounded;
}

function withoutZeros(digits: string): string {
  let end = digits.length;
  while (digits[end - 1] === '0') end--;
  return digits.slice(0, end);
}

/** A double as Python's `str` writes it: `7.0`, `1e+16`, `1.5e-07`. */
export function pythonText(value: number): string {
  if (Number.isNaN(value)) return 'nan';
  if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf';
  if (value === 0) return Object.is(value, -0) ? '-0.0' : '0.0';
  const [mantissa = '', power = '0'] = value.toExponential().split('e');
  const exponent = Number(power);
  if (exponent < -4 || exponent >= 16) {
    return `${mantissa}e${exponent < 0 ? '-' : '+'}${String(Math.abs(exponent)).padStart(2, '0')}`;
  }
  const plain =
    exponent < 0 ? value.toFixed(Math.min(100, mantissa.replace(/[-.]/g, '').length - 1 - exponent)) : String(value);
  return plain.includes('.') ? plain : `${plain}.0`;
}
