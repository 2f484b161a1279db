import { msFromNanos } from '../../contract/time.js';
import { UsageError } from '../usage-error.js';

/** Unit of times that are numbers. */
export type TimeUnit = 's' | 'ms' | 'us' | 'ns';

const UNITS = ['s', 'ms', 'us', 'ns'] as const;

/** The unit an option names, null when it is left out; throws UsageError for any other text. */
export function timeUnitOf(option: string | undefined): TimeUnit | null {
  if (option === undefined) return null;
  const unit = UNITS.find((known) => known === option);
  if (unit === undefined)
    throw new UsageError(`Expected --time-unit to be one of ${UNITS.join(', ')}, got \`${option}\``);
  return unit;
}

/** Decimal places of a second's fraction in one unit. */
const UNIT_DIGITS: Readonly<Record<TimeUnit, number>> = { s: 0, ms: 3, us: 6, ns: 9 };

/** Below these, a number of today's size is of the unit: 1e11 s is the year 5138, 1e11 ms is 1973. */
const UNIT_LIMITS: readonly (readonly [number, TimeUnit])[] = [
  [1e11, 's'],
  [1e14, 'ms'],
  [1e17, 'us'],
];

const FIRST_NANOS = -(2n ** 63n) + 1n; // the smallest value of all stands for "no time"
const LAST_NANOS = 2n ** 63n - 1n;
const NANOS_PER_SECOND = 1_000_000_000n;
const LONGEST_EPOCH = 40; // digits; more are out of range in any unit unless they are zeros, and slow to read

const ISO =
  /^(\d{4})-(\d\d)-(\d\d)(?:[Tt ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9})\d*)?)?)?\s*(?:[Zz]|(?:UTC)|([+-])(\d\d):?(\d\d)?)?$/;
/** A date with points is one of days, months and years everywhere; one with slashes is not. */
const WITH_POINTS = /^(\d\d?)\.(\d\d?)\.(\d{4})(?:(?:,\s*|\s+|T)(?=\d)|$)/;
const EPOCH = /^([+-]?)(\d+)(?:[.,](\d*))?$/;

/** How the times of a column are written; told by its first time, because a column is written in one way. */
export interface TimeFormat {
  /** Null for dates. */
  readonly unit: TimeUnit | null;
  /** Minutes east of UTC as written; null where no offset is written. */
  readonly offsetMinutes: number | null;
}

/** The format of a time; null when it is neither a date nor a number. */
export function timeFormatOf(text: string, unit: TimeUnit | null): TimeFormat | null {
  const trimmed = text.trim();
  const epoch = EPOCH.exec(trimmed);
  if (epoch !== null) return { unit: unit ?? unitOf(Number(epoch[2])), offsetMinutes: null };
  const iso = ISO.exec(isoOf(trimmed));
  if (iso === null) return null;
  const [, , , , , , , , sign, hours, minutes = '0'] = iso;
  const utc = /[Zz]|UTC$/.test(trimmed) ? 0 : null;
  return { unit: null, offsetMinutes: hours === undefined ? utc : offsetOf(sign, hours, minutes) };
}

/** Nanoseconds since the epoch; a date without an offset is in UTC. Null when the text is no such time or out of range. */
export function nanosFromText(text: string, unit: TimeUnit | null): bigint | null {
  const trimmed = text.trim();
  const nanos = unit === null ? nanosFromDate(trimmed) : nanosFromEpoch(trimmed, UNIT_DIGITS[unit]);
  return nanos === null || nanos < FIRST_NANOS || nanos > LAST_NANOS ? null : nanos;
}

function unitOf(size: number): TimeUnit {
  return UNIT_LIMITS.find(([limit]) => size < limit)?.[1] ?? 'ns';
}

/** Exact whatever the unit: decimal digits are moved, never multiplied as doubles. */
function nanosFromEpoch(text: string, digits: number): bigint | null {
  const match = EPOCH.exec(text);
  if (match === null) return null;
  const [, sign, whole = '', fraction = ''] = match;
  if (whole.length > LONGEST_EPOCH) return null;
  const shift = 9 - digits;
  const nanos = BigInt(whole + fraction.padEnd(shift, '0').slice(0, shift));
  return sign === '-' ? -nanos : nanos;
}

/** `31.1.2026 12:00` as `2026-01-31 12:00`; any other text as it is. */
function isoOf(text: string): string {
  const [begin = '', day = '', month = '', year = ''] = WITH_POINTS.exec(text) ?? [];
  if (begin === '') return text;
  const time = text.slice(begin.length);
  return `${year}-${month.padStart(2, '0')}-${day.padStart(2, '0')}${time === '' ? '' : ` ${time}`}`;
}

function nanosFromDate(text: string): bigint | null {
  const match = ISO.exec(isoOf(text));
  if (match === null) return null;
  const [
    ,
    year,
    month,
    day,
    hour = '0',
    minute = '0',
    second = '0',
    fraction = '',
    sign,
    offHours = '0',
    offMinutes = '0',
  ] = match;
  const date = Date.UTC(Number(year), Number(month) - 1, Number(day));
  // Years below 100 and days such as 31 February come back as other dates; times such as 25:00 would.
  if (new Date(date).toISOString().slice(0, 10) !== `${year}-${month}-${day}`) return null;
  if (Number(hour) > 23 || Number(minute) > 59 || Number(second) > 59) return null;
  if (Number(offHours) > 23 || Number(offMinutes) > 59) return null;
  const clock = Number(hour) * 3600 + Number(minute) * 60 + Number(second);
  const seconds = date / 1000 + clock - offsetOf(sign, offHours, offMinutes) * 60;
  return BigInt(seconds) * NANOS_PER_SECOND + BigInt(fraction.padEnd(9, '0'));
}

function offsetOf(sign: string | undefined, hours: string, minutes: string): number {
  const size = Number(hours) * 60 + Number(minutes);
  return sign === '-' && size !== 0 ? -size : size;
}

/** `2026-01-31 12:00:00` in UTC. */
export function secondText(nanos: bigint): string {
  return new Date(msFromNanos(nanos)).toISOString().slice(0, 19).replace('T', ' ');
}
