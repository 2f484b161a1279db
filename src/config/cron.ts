import { parseDuration } from '../contract/duration.js';
import type { DurationMs } from '../contract/pipeline.js';

/**
 * What Temporal's schedules accept as a cron string (`parseCronString` in the server): five fields, or the name of a
 * period. Its optional year and seconds fields and time zones are left out: schedules here are in UTC.
 */
const PERIODS = ['@yearly', '@annually', '@monthly', '@weekly', '@daily', '@midnight', '@hourly'];

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const DAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];

interface Field {
  readonly name: string;
  readonly min: number;
  readonly max: number;
  readonly names: readonly string[];
}

const DAY: Field = { name: 'day of month', min: 1, max: 31, names: [] };
const MONTH: Field = { name: 'month', min: 1, max: 12, names: MONTHS };
const FIELDS: readonly Field[] = [
  { name: 'minute', min: 0, max: 59, names: [] },
  { name: 'hour', min: 0, max: 23, names: [] },
  DAY,
  MONTH,
  { name: 'day of week', min: 0, max: 7, names: DAYS },
];

/** Temporal refuses an interval below a second and cuts fractions of one off. */
const SECOND_MS = 1000;

/** Temporal finds no next start for intervals of centuries; nobody wants one of more than a year. */
const LONGEST_EVERY_MS = 365 * 86_400_000;

/** By month; 29 February comes, if seldom. */
const LONGEST_MONTH = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/** The interval of `@every 10m`; null when the text is none. */
export function everyMs(expression: string): DurationMs | null {
  const [, text] = /^@every\s+(\S+)$/.exec(expression.trim()) ?? [];
  return text === undefined ? null : parseDuration(text);
}

/** What is wrong with a cron expression, in words; null when nothing is. */
export function cronProblem(expression: string): string | null {
  const text = expression.trim();
  if (text.startsWith('@')) return PERIODS.includes(text) ? null : everyProblem(text);
  const parts = text.split(/\s+/);
  if (text === '' || parts.length !== FIELDS.length) {
    const found = text === '' ? 0 : parts.length;
    return `expected five fields (minute hour day-of-month month day-of-week), found ${found}`;
  }
  for (const [i, field] of FIELDS.entries()) {
    const problem = fieldProblem(parts[i] ?? '', field);
    if (problem !== null) return problem;
  }
  // Of the week's days each meets each date in some year, so they need no look.
  const [, , days = '*', months = '*'] = parts;
  const first = Math.min(...valuesOf(days, DAY));
  return valuesOf(months, MONTH).some((month) => first <= (LONGEST_MONTH[month - 1] ?? 0))
    ? null
    : `never comes: no such month has a day ${first}`;
}

function everyProblem(text: string): string | null {
  const ms = everyMs(text);
  if (ms === null) return `expected one of ${PERIODS.join(', ')} or @every 10m`;
  if (ms >= SECOND_MS && ms <= LONGEST_EVERY_MS && ms % SECOND_MS === 0) return null;
  return 'expected @every with whole seconds, from 1s to 365d';
}

function fieldProblem(text: string, field: Field): string | null {
  for (const item of text.split(',')) {
    const [range = '', step, ...more] = item.split('/');
    if (more.length > 0 || (step !== undefined && !(Number(step) >= 1 && /^\d+$/.test(step)))) {
      return `${field.name}: expected a step such as */5, found \`${item}\``;
    }
    if (range === '*') continue;
    const ends = range.split('-').map((end) => numberIn(end, field));
    const [first, last = first] = ends;
    if (ends.length > 2 || first === undefined || last === undefined || Number.isNaN(first) || Number.isNaN(last)) {
      return `${field.name}: expected *, a number ${field.min}-${field.max}, a range or a list, found \`${item}\``;
    }
    if (first < field.min || last > field.max || first > last) {
      return `${field.name}: expected numbers from ${field.min} to ${field.max} in ascending order, found \`${item}\``;
    }
  }
  return null;
}

function numberIn(text: string, field: Field): number {
  if (/^\d{1,2}$/.test(text)) return Number(text);
  const name = field.names.indexOf(text.toLowerCase());
  return name < 0 ? Number.NaN : name + field.min;
}

/** All numbers that a field stands for; `20/5` counts on from 20 to the field's end, as Temporal does. */
function valuesOf(text: string, field: Field): number[] {
  return text.split(',').flatMap((item) => {
    const [range = '', step] = item.split('/');
    const [first = field.min, last = step === undefined ? first : field.max] =
      range === '*' ? [field.min, field.max] : range.split('-').map((end) => numberIn(end, field));
    const count = Math.floor((last - first) / Number(step ?? 1)) + 1;
    return Array.from({ length: count }, (_, i) => first + i * Number(step ?? 1));
  });
}
