/** One tick of a time axis. */
export interface TimeTick {
  /** Milliseconds since the epoch. */
  readonly ms: number;
  /** One or two lines in UTC; the second one (the date or the year) stands only where it differs from the tick before. */
  readonly label: readonly string[];
}

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** Steps below a month, in milliseconds; each divides a day or is whole days. */
const STEPS_MS = [
  ...[1, 2, 5, 10, 20, 50, 100, 200, 500],
  ...[1, 2, 5, 10, 15, 30].map((count) => count * SECOND),
  ...[1, 2, 5, 10, 15, 30].map((count) => count * MINUTE),
  ...[1, 2, 3, 6, 12].map((count) => count * HOUR),
  ...[1, 2, 7, 14].map((count) => count * DAY),
];
const STEPS_MONTHS = [1, 2, 3, 6, 12, 24, 60, 120, 240, 600, 1200, 2400, 6000, 12_000];
const MONTH_MS = 30.4 * DAY;
/** 1970-01-05, a Monday: weekly ticks fall on Mondays. */
const MONDAY_MS = 4 * DAY;

/**
 * Ticks at round UTC times within `fromMs <= tick <= toMs`, at most `count` of them (at least 2 are asked for), from milliseconds to
 * centuries. A range without a round time in it gives none.
 */
export function timeTicks(fromMs: number, toMs: number, count: number): readonly TimeTick[] {
  const most = Math.max(2, count);
  const stepMs = STEPS_MS.find((step) => Math.floor((toMs - fromMs) / step) + 1 <= most);
  if (stepMs !== undefined) {
    return labelled(evenTimes(fromMs, toMs, stepMs), (ms) => timeLabel(ms, stepMs));
  }
  const stepMonths = STEPS_MONTHS.find((step) => Math.floor((toMs - fromMs) / (step * MONTH_MS)) + 2 <= most) ?? 12_000;
  return labelled(monthTimes(fromMs, toMs, stepMonths), (ms) => monthLabel(ms, stepMonths));
}

function evenTimes(fromMs: number, toMs: number, stepMs: number): number[] {
  const origin = stepMs >= 7 * DAY ? MONDAY_MS : 0;
  const times: number[] = [];
  for (let ms = origin + Math.ceil((fromMs - origin) / stepMs) * stepMs; ms <= toMs; ms += stepMs) times.push(ms);
  return times;
}

function monthTimes(fromMs: number, toMs: number, stepMonths: number): number[] {
  const from = new Date(fromMs);
  const firstMonth = Math.floor((from.getUTCFullYear() * 12 + from.getUTCMonth()) / stepMonths) * stepMonths;
  const times: number[] = [];
  for (let month = firstMonth; ; month += stepMonths) {
    const ms = startOfMonth(month);
    if (!(ms <= toMs)) return times;
    if (ms >= fromMs) times.push(ms);
  }
}

/** Date.UTC reads the years 0 to 99 as 1900 to 1999, setUTCFullYear does not. */
function startOfMonth(month: number): number {
  return new Date(0).setUTCFullYear(Math.floor(month / 12), month % 12, 1);
}

function labelled(times: readonly number[], label: (ms: number) => readonly [string, string]): TimeTick[] {
  let before = '';
  return times.map((ms) => {
    const [main, context] = label(ms);
    const lines = context === '' || context === before ? [main] : [main, context];
    before = context;
    return { ms, label: lines };
  });
}

function timeLabel(ms: number, stepMs: number): readonly [string, string] {
  const iso = new Date(ms).toISOString();
  const [date = '', clock = ''] = iso.split('T');
  if (stepMs < SECOND) return [clock.slice(0, 12), date];
  if (stepMs < MINUTE) return [clock.slice(0, 8), date];
  if (stepMs < DAY) return [clock.slice(0, 5), date];
  const day = new Date(ms);
  return [`${day.getUTCDate()} ${monthName(day)}`, String(day.getUTCFullYear())];
}

function monthLabel(ms: number, stepMonths: number): readonly [string, string] {
  const day = new Date(ms);
  const year = String(day.getUTCFullYear());
  return stepMonths % 12 === 0 ? [year, ''] : [monthName(day), year];
}

function monthName(day: Date): string {
  return MONTHS[day.getUTCMonth()] ?? '';
}
