import { HalfspaceError } from '../contract/failures.js';
import { lineFormatter } from '../influx/line-protocol.js';
import { NumberTally, otherWritingIn } from './csv/number-tally.js';
import { type Decimal, isMissingText } from './csv/number-text.js';
import { placeOf, timeProblem } from './csv/read-table.js';
import { brokenLine, readRecords } from './csv/records.js';
import { createRowClashes } from './csv/row-clashes.js';
import { nanosFromText, type TimeFormat, type TimeUnit, timeFormatOf } from './csv/time-text.js';
import { UsageError } from './usage-error.js';

export interface ImportOptions {
  /** CSV whose first line names the columns. */
  readonly file: string;
  readonly table: string;
  /** Columns to write as tags; every other one but the time becomes a field. */
  readonly tags: readonly string[];
  /** Tags with one value for all rows, for a file without a column that says whose rows they are. */
  readonly constants?: Readonly<Record<string, string>> | undefined;
  /** Column of the rows' times. */
  readonly time: string;
  readonly config?: string | undefined;
  /** `s`, `ms`, `us` or `ns`; told by the first time's size when left out. */
  readonly timeUnit?: string | undefined;
  /** A point when left out, unless the numbers look otherwise. */
  readonly decimal?: Decimal | undefined;
}

/** Name of the column where InfluxDB 3 keeps a row's own time. */
const TIME_COLUMN = 'time';
const RESERVED = "`time` is InfluxDB's name of the row's own time";

type RowFormatter = ReturnType<typeof lineFormatter>;

/** What the first pass over the file found. */
export interface FilePlan {
  readonly header: readonly string[];
  readonly timeFormat: TimeFormat | null;
  readonly numbers: readonly string[];
  readonly texts: readonly string[];
  /** What the cells of each field looked like. */
  readonly tallies: ReadonlyMap<string, NumberTally>;
  readonly rows: number;
  /** By tag values. */
  readonly series: ReadonlyMap<string, RowFormatter>;
}

/** @throws UsageError for names that cannot work whatever the file holds. */
export function checkOptions({ file, table, tags, time, constants = {} }: ImportOptions): void {
  if (file.trim() === '') throw new UsageError('Expected the path of a CSV file, got nothing');
  const named: readonly (readonly [string, string])[] = [
    ['--table', table],
    ['--time', time],
    ...tags.map((tag) => ['--tags', tag] as const),
  ];
  for (const [option, name] of named) {
    if (name.trim() === '') throw new UsageError(`Expected a name in ${option}, got \`${name}\``);
  }
  if (tags.includes(time)) throw new UsageError(`The column \`${time}\` cannot be time and tag.`);
  const twice = tags.find((tag, i) => tags.indexOf(tag) !== i);
  if (twice !== undefined) throw new UsageError(`The column \`${twice}\` is there twice in --tags`);
  if (Object.hasOwn(constants, TIME_COLUMN)) throw new UsageError(`--set ${TIME_COLUMN}: ${RESERVED}`);
  asUsage('--table', () => lineFormatter(table, {}));
  asUsage('--set', () => lineFormatter(table, constants));
}

/** Runs a check of line protocol on what an option gave. */
function asUsage(option: string, check: () => unknown): void {
  try {
    check();
  } catch (error) {
    throw error instanceof HalfspaceError ? new UsageError(`${option}: ${error.message}`, { cause: error }) : error;
  }
}

/**
 * Reads the whole file, tells each field's type (a number if every value is one) and checks that all of it can be written.
 * @throws HalfspaceError with `file:line` where it cannot, or where numbers are written in another way than was said;
 * UsageError for a constant that is also a column.
 */
export async function planFile(
  { file, table, tags, constants = {}, time, decimal }: ImportOptions,
  unit: TimeUnit | null,
  signal: AbortSignal,
  onBytes: (bytes: number) => void,
): Promise<FilePlan> {
  const series = new Map<string, RowFormatter>();
  const seriesAt = new Map<string, number>();
  const clashes = createRowClashes();
  let fieldsAt: readonly number[] = [];
  let distinct: Set<string>[] = [];
  let header: readonly string[] = [];
  let timeFormat: TimeFormat | null = null;
  let tallies: readonly NumberTally[] = [];
  let rows = 0;
  for await (const batch of readRecords(file, signal)) {
    if (header.length === 0) {
      header = batch.header;
      distinct = header.map(() => new Set());
      fieldsAt = [...header.keys()].filter((c) => header[c] !== time && !tags.includes(header[c] ?? ''));
      tallies = fieldsAt.map((c) => new NumberTally(header[c] ?? '', decimal ?? null));
      checkNames(header, table, tags, time, file);
      checkConstants(constants, header);
    }
    const timeAt = placeOf(header, time, file);
    for (const [i, record] of batch.records.entries()) {
      const line = batch.lines[i] ?? 0;
      const timeText = record[timeAt] ?? '';
      timeFormat ??= timeFormatOf(timeText, unit);
      const nanos = timeFormat === null ? null : nanosFromText(timeText, timeFormat.unit);
      if (nanos === null) {
        throw brokenLine(file, line, timeProblem(timeText, time, timeFormat));
      }
      const key = seriesKey(record, header, tags);
      if (!series.has(key)) {
        seriesAt.set(key, series.size);
        series.set(key, seriesFormatter(record, header, tags, constants, table, file, line));
      }
      const values = fieldsAt.map((c) => record[c] ?? '');
      for (const [f, tally] of tallies.entries()) tally.read(values[f] ?? '', line);
      // A row without a value is not written, so it replaces nothing.
      if (!values.every(isMissingText)) clashes.add(seriesAt.get(key) ?? 0, nanos, values, line);
      for (const c of fieldsAt) {
        const values = distinct[c];
        if (values !== undefined && values.size <= MOST_TAG_VALUES) values.add(record[c] ?? '');
      }
    }
    rows += batch.records.length;
    onBytes(batch.bytes);
  }
  if (rows === 0) throw new HalfspaceError('BadSchema', `${file} has no rows below its first line.`);
  const other = otherWritingIn(tallies, decimal ?? null);
  if (other !== null) throw brokenLine(file, other.line, other.what);
  const present = tallies.filter((tally) => tally.present > 0);
  const numbers = present.filter(({ notNumbers }) => notNumbers.count === 0).map(({ column }) => column);
  const texts = present.filter(({ notNumbers }) => notNumbers.count > 0).map(({ column }) => column);
  const clash = clashes.find();
  if (clash !== null) {
    const possible = texts.filter((name) => isTagLike(distinct[header.indexOf(name)]?.size ?? 0, rows));
    throw brokenLine(file, clash.line, clashProblem(clash.rows, tags, possible));
  }
  if (present.length > 0) {
    const byName = new Map(tallies.map((tally) => [tally.column, tally]));
    return { header, timeFormat, numbers, texts, tallies: byName, rows, series };
  }
  throw new HalfspaceError(
    'BadSchema',
    `${file} has no column with values besides the time and tags: nothing to write.`,
  );
}

/** A column with more values than this, or with as many as rows, says something about a row and not whose it is. */
const MOST_TAG_VALUES = 1000;

/** Columns named in a message. */
const MOST_NAMED = 5;

function isTagLike(values: number, rows: number): boolean {
  return values > 1 && values <= MOST_TAG_VALUES && values < rows;
}

function clashProblem(rows: number, tags: readonly string[], possible: readonly string[]): string {
  const these = rows === 1 ? 'this row has' : `this is the first of ${rows} rows that have`;
  const shared = tags.length === 0 ? 'the time' : `the time and the tags (${tags.join(', ')})`;
  const missing =
    possible.length === 0
      ? 'Name the columns that say whose row it is in --tags'
      : `Name the columns that say whose row it is in --tags; by their values these could: ${possible.slice(0, MOST_NAMED).join(', ')}`;
  return `${these} ${shared} of an earlier row but other values, and would replace it. ${missing}`;
}

/** Every name must be one that line protocol can hold, before anything is written. */
function checkNames(
  header: readonly string[],
  table: string,
  tags: readonly string[],
  time: string,
  file: string,
): void {
  for (const name of [time, ...tags]) placeOf(header, name, file);
  if (time !== TIME_COLUMN && header.includes(TIME_COLUMN)) {
    throw brokenLine(file, 1, `${RESERVED}; give --time ${TIME_COLUMN}, or rename that column`);
  }
  try {
    for (const name of header) lineFormatter(table, {})({ [name]: 1 }, 0n);
  } catch (error) {
    throw error instanceof HalfspaceError ? brokenLine(file, 1, error.message) : error;
  }
}

/** @throws UsageError for a constant that is also a column. */
function checkConstants(constants: Readonly<Record<string, string>>, header: readonly string[]): void {
  for (const name of Object.keys(constants)) {
    if (header.includes(name)) throw new UsageError(`--set ${name} names a column of the file; give it with --tags`);
  }
}

/** The tag values of a row as one text, a key of {@link FilePlan.series}. */
export function seriesKey(record: readonly string[], header: readonly string[], tags: readonly string[]): string {
  return tags.map((name) => record[header.indexOf(name)] ?? '').join('\u0000');
}

function seriesFormatter(
  record: readonly string[],
  header: readonly string[],
  tags: readonly string[],
  constants: Readonly<Record<string, string>>,
  table: string,
  file: string,
  line: number,
): RowFormatter {
  const values = tags.map((name): [string, string] => [name, record[header.indexOf(name)] ?? '']);
  try {
    return lineFormatter(table, { ...constants, ...Object.fromEntries(values) });
  } catch (error) {
    throw error instanceof HalfspaceError ? brokenLine(file, line, error.message) : error;
  }
}
