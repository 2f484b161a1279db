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

const FIELDS: readonly Field[] = [
  { name: 'minute', min: 0, max: 59, names: [] },
  { name: 'hour', min: 0, max: 23, names: [] },
  { name: 'day of month', min: 1, max: 31, names: [] },
  { name: 'month', min: 1, max: 12, names: MONTHS },
  { name: 'day of week', min: 0, max: 7, names: DAYS },
];

const EVERY = /^@every\s+(?:\d+(?:ms|[smhd]))+$/;

/** What is wrong with a cron expression, in words; null when nothing is. */
export function cronProblem(expression: string): string | null {
  const text = expression.trim();
  if (text.startsWith('@')) {
    if (PERIODS.includes(text) || EVERY.test(text)) return null;
    return `expected one of ${PERIODS.join(', ')} or @every 10m`;
  }
  const parts = text.split(/\s+/);
  if (text === '' || parts.length !== FIELDS.length) {
    const found = text === '' ? 0 : parts.length;
    return `expected five fields (minute hour day-of-month month day-of-week), found ${found}`;
  }
  for (const [i, field] of FIELDS.entries()) {
    const problem = fieldProblem(parts[i] ?? '', field);
    if (problem !== null) return problem;
  }
  return null;
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
