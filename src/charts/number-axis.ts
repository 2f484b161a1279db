/** Round numbers that cover a range, and how each is written. */
export interface NumberTicks {
  /** Ascending, evenly spaced; the first is at or below the range, the last at or above it. */
  readonly values: readonly number[];
  readonly labels: readonly string[];
}

const NICE_FACTORS = [1, 2, 2.5, 5, 10];
/** A constant series gets this share of its size as room on each side. */
const CONSTANT_MARGIN = 0.05;
/** Smaller spans, also relative to the numbers, count as none: a step has to be many times what a double resolves. */
const SPAN_LEAST = 1e-290;
const RELATIVE_SPAN_LEAST = 1e-13;
/** Numbers outside these are written with an exponent. */
const PLAIN_MOST = 1e6;
const PLAIN_STEP_LEAST = 1e-6;

/** Ticks for `low <= high`, both finite: about `count` of them, each a multiple of 1, 2, 2.5 or 5 times a power of ten. */
export function numberTicks(low: number, high: number, count: number): NumberTicks {
  const [from, to] = isConstant(low, high) ? widened(low) : [low, high];
  const step = niceStep((to - from) / Math.max(1, count - 1));
  const first = Math.floor(from / step + 1e-9);
  const last = Math.ceil(to / step - 1e-9);
  const values: number[] = [];
  // Steps too small for the doubles around them would never get anywhere: the count bounds the loop.
  for (let tick = first; tick <= last && values.length <= 2 * count + 2; tick++) values.push(tick * step);
  return { values, labels: values.map((value) => numberLabel(value, step)) };
}

function niceStep(rough: number): number {
  const power = 10 ** Math.floor(Math.log10(rough));
  const factor = NICE_FACTORS.find((candidate) => candidate * power >= rough * (1 - 1e-9)) ?? 10;
  return factor * power;
}

/** True where doubles leave no room for ticks in between. */
function isConstant(low: number, high: number): boolean {
  return high - low <= Math.max(SPAN_LEAST, Math.max(Math.abs(low), Math.abs(high)) * RELATIVE_SPAN_LEAST);
}

function widened(value: number): readonly [number, number] {
  const margin = Math.abs(value) <= SPAN_LEAST ? 1 : Math.abs(value) * CONSTANT_MARGIN;
  return [value - margin, value + margin];
}

function numberLabel(value: number, step: number): string {
  if (value === 0) return '0';
  if (Math.abs(value) >= PLAIN_MOST || step < PLAIN_STEP_LEAST) {
    // One digit more than it takes to tell neighbours apart covers steps of 2.5.
    const digits = Math.ceil(Math.log10(Math.abs(value) / step)) + 1;
    return value
      .toExponential(Math.min(15, Math.max(0, digits)))
      .replace(/\.?0+e/, 'e')
      .replace('e+', 'e');
  }
  const decimals = Math.max(0, Math.ceil(-Math.log10(step)) + 1);
  return value.toFixed(decimals).replace(/\.0+$|(\.\d*?)0+$/, '$1');
}
