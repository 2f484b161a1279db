import { floorTo } from './row-buckets.js';

const NANOS_PER_SECOND = 1_000_000_000n;
const HOUR = 3600;
const DAY = 86_400;
/** Since 1970 clocks were put forward and back at whole half minutes (UTC), so one look serves as long. */
const HALF_MINUTE = 30;
/** 1 January 1970 was a Thursday; Monday is 0. */
const FIRST_WEEKDAY = 3;

/** A time as a clock on the wall of a zone shows it. */
export interface LocalTime {
  /** 0..23. */
  readonly hour: number;
  /** 0 (Monday)..6. */
  readonly weekday: number;
}

/**
 * Tells the local time of nanoseconds since the epoch, summer time included.
 * @param zone name of the IANA time zone database, one that {@link Intl.DateTimeFormat} takes.
 */
export function createLocalClock(zone: string): (time: bigint) => LocalTime {
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone: zone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  });
  let looked = Number.NaN;
  let offset = 0;
  return (time) => {
    const seconds = Number(floorTo(time, NANOS_PER_SECOND) / NANOS_PER_SECOND);
    const from = Math.floor(seconds / HALF_MINUTE) * HALF_MINUTE;
    if (from !== looked) {
      offset = offsetAt(format, from);
      looked = from;
    }
    const local = seconds + offset;
    const day = Math.floor(local / DAY);
    return { hour: Math.floor((local - day * DAY) / HOUR), weekday: (((day + FIRST_WEEKDAY) % 7) + 7) % 7 };
  };
}

/** Seconds that the zone's clocks are ahead of UTC. */
function offsetAt(format: Intl.DateTimeFormat, seconds: number): number {
  const parts = new Map(format.formatToParts(seconds * 1000).map(({ type, value }) => [type, Number(value)]));
  const part = (type: Intl.DateTimeFormatPartTypes): number => parts.get(type) ?? 0;
  const shown = Date.UTC(part('year'), part('month') - 1, part('day'), part('hour'), part('minute'), part('second'));
  return shown / 1000 - seconds;
}
