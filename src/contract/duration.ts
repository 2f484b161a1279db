import type { DurationMs } from './pipeline.js';

const MS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** The form of a duration: whole numbers with units, largest unit first (`1h30m`); each unit at most once. */
export const DURATION_PATTERN = /^(?=\d)(?:(\d{1,6})d)?(?:(\d{1,6})h)?(?:(\d{1,6})m)?(?:(\d{1,6})s)?(?:(\d{1,9})ms)?$/;

/** Milliseconds of a text such as `90ms`, `10s`, `5m`, `24h`, `7d` or `1h30m`; null when it is not one. */
export function parseDuration(text: string): DurationMs | null {
  const match = DURATION_PATTERN.exec(text);
  if (match === null) return null;
  const [, days = '0', hours = '0', minutes = '0', seconds = '0', ms = '0'] = match;
  return Number(days) * MS.d + Number(hours) * MS.h + Number(minutes) * MS.m + Number(seconds) * MS.s + Number(ms);
}

/** The shortest text that {@link parseDuration} reads back to the same number; `ms` is a whole number >= 0. */
export function formatDuration(ms: DurationMs): string {
  const parts: string[] = [];
  let rest = ms;
  for (const unit of ['d', 'h', 'm', 's', 'ms'] as const) {
    const count = Math.floor(rest / MS[unit]);
    // `24h` reads better than `1d`; only from two days on are days the unit people say.
    if (count === 0 || (unit === 'd' && count < 2)) continue;
    parts.push(`${count}${unit}`);
    rest -= count * MS[unit];
  }
  return parts.length === 0 ? '0s' : parts.join('');
}
