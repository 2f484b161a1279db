/**
 * Time inside the project is nanoseconds since the epoch: a bigint in memory, a decimal string (`Nanos`) wherever
 * JSON carries it, because a double cannot hold it.
 */
export type Nanos = string;

/** The first time that 64 bits hold. */
export const FIRST_TIME = -(2n ** 63n);
/** The last time that 64 bits hold: 2262-04-11T23:47:16.854775807Z. */
export const LAST_TIME = 2n ** 63n - 1n;

const NANOS_PER_MS = 1_000_000n;
const NANOS_PER_SECOND = 1_000_000_000n;

export function nanosFromMs(ms: number): bigint {
  return BigInt(Math.round(ms)) * NANOS_PER_MS;
}

/** Milliseconds since the epoch, rounded down. */
export function msFromNanos(nanos: bigint): number {
  return Number(floorDivide(nanos, NANOS_PER_MS));
}

/** RFC 3339 in UTC with as many fraction digits (0, 3, 6 or 9) as the value needs. */
export function isoFromNanos(nanos: bigint): string {
  const seconds = floorDivide(nanos, NANOS_PER_SECOND);
  const fraction = (nanos - seconds * NANOS_PER_SECOND).toString().padStart(9, '0');
  const whole = new Date(Number(seconds) * 1000).toISOString().slice(0, -5);
  const digits = fraction.replace(/(000)+$/, '');
  return digits === '' ? `${whole}Z` : `${whole}.${digits}Z`;
}

const RFC3339 = /^(\d{4}-\d{2}-\d{2})[Tt ](\d{2}:\d{2}:\d{2})(?:[.,](\d{1,9})\d*)?\s*([Zz]|[+-]\d{2}:?\d{2})?$/;

/** Nanoseconds of an RFC 3339 text (a missing offset means UTC); null when it is not one. */
export function nanosFromIso(text: string): bigint | null {
  const match = RFC3339.exec(text.trim());
  if (match === null) return null;
  const [, date, clock, fraction = '', offset = 'Z'] = match;
  const zone = /^[zZ]$/.test(offset) ? 'Z' : offset.includes(':') ? offset : `${offset.slice(0, 3)}:${offset.slice(3)}`;
  const ms = Date.parse(`${date}T${clock}${zone}`);
  // A day that its month does not have would come out as one of the next month.
  const isDay = !Number.isNaN(ms) && new Date(`${date}T00:00:00Z`).toISOString().startsWith(`${date}T`);
  return !isDay ? null : BigInt(ms) * NANOS_PER_MS + BigInt(fraction.padEnd(9, '0'));
}

/** Why a text is no time that InfluxDB holds, as a sentence that begins with `Expected` and the name; null when it is one. */
export function timeProblem(name: string, text: string): string | null {
  const time = nanosFromIso(text);
  if (time === null) return `Expected ${name} to be a time such as 2026-01-31T12:00:00Z, got \`${text}\``;
  if (time >= 0n && time <= LAST_TIME) return null;
  return `Expected ${name} between ${isoFromNanos(0n)} and ${isoFromNanos(LAST_TIME)}, got \`${text}\``;
}

/** Whether a value that was read is a time as JSON carries it: one that 64 bits hold. */
export function isNanos(value: unknown): value is Nanos {
  return typeof value === 'string' && /^-?\d{1,19}$/.test(value) && BigInt.asIntN(64, BigInt(value)) === BigInt(value);
}

/** The earlier of two times, both in memory or both as JSON carries them. */
export function earlierOf<Time extends bigint | Nanos>(a: Time, b: Time): Time {
  return BigInt(a) <= BigInt(b) ? a : b;
}

/** The later one, as {@link earlierOf}. */
export function laterOf<Time extends bigint | Nanos>(a: Time, b: Time): Time {
  return BigInt(a) >= BigInt(b) ? a : b;
}

function floorDivide(value: bigint, by: bigint): bigint {
  const quotient = value / by;
  return value % by < 0n ? quotient - 1n : quotient;
}
