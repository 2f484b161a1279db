import { rejectLine } from './line-protocol.js';

/** The unit of a request's timestamps; `auto` guesses it for each line from its size. */
export type Precision = 'ns' | 'us' | 'ms' | 's' | 'auto';

const NAMES: ReadonlyMap<string, Precision> = new Map([
  ['ns', 'ns'],
  ['n', 'ns'],
  ['nanosecond', 'ns'],
  ['us', 'us'],
  ['u', 'us'],
  ['microsecond', 'us'],
  ['ms', 'ms'],
  ['millisecond', 'ms'],
  ['s', 's'],
  ['second', 's'],
  ['auto', 'auto'],
]);

const NANOS = { ns: 1n, us: 1_000n, ms: 1_000_000n, s: 1_000_000_000n } as const;

// Up to these a number is taken for seconds, milliseconds, microseconds (InfluxDB 3's own limits for `auto`).
const GUESSES = [
  [5_000_000_000n, 's'],
  [5_000_000_000_000n, 'ms'],
  [5_000_000_000_000_000n, 'us'],
] as const;

const MIN_NANOS = -(2n ** 63n) + 2n; // the two lowest values and the highest mean "infinity" and "none" in the store
const MAX_NANOS = 2n ** 63n - 2n;

/** The precision named in a query string; null when there is none of that name. */
export function precisionFromName(name: string): Precision | null {
  return NAMES.get(name) ?? null;
}

/** Nanoseconds since the epoch. @throws a rejected line when they do not fit 64 bits. */
export function nanosFromTimestamp(timestamp: bigint, precision: Precision): bigint {
  const unit = precision === 'auto' ? guessUnit(timestamp < 0n ? -timestamp : timestamp) : precision;
  const nanos = timestamp * NANOS[unit];
  if (nanos < MIN_NANOS || nanos > MAX_NANOS) throw rejectLine(`Timestamp ${timestamp} (${unit}) is out of range`);
  return nanos;
}

function guessUnit(size: bigint): Exclude<Precision, 'auto'> {
  for (const [limit, unit] of GUESSES) if (size < limit) return unit;
  return 'ns';
}
