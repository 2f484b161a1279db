import { HalfspaceError } from '../../contract/failures.js';
import { type Column, MISSING_TIME, type Table } from '../../contract/table.js';
import { NumberTally, otherWritingIn } from './number-tally.js';
import { type Decimal, isMissingText } from './number-text.js';
import { brokenLine, cut, type RecordBatch, readRecords } from './records.js';
import { separatorHint } from './separator.js';
import { nanosFromText, type TimeFormat, type TimeUnit, timeFormatOf } from './time-text.js';

export interface CsvSource {
  readonly file: string;
  /** Column of the rows' times. */
  readonly time: string;
  /** Unit of times that are numbers; null: told by the first time's size. */
  readonly timeUnit: TimeUnit | null;
  /** Null: a point, unless the numbers look otherwise. */
  readonly decimal: Decimal | null;
  /** Columns to read as numbers. */
  readonly numbers: readonly string[];
  /** Columns to read as texts, exactly as they stand. */
  readonly strings: readonly string[];
  readonly signal?: AbortSignal | undefined;
  /** Called with the bytes read so far. */
  readonly onBytes?: ((bytes: number) => void) | undefined;
}

export interface CsvTables {
  /** In the order of the file, a few thousand rows each; the dictionary of a text column is shared and only grows. */
  readonly tables: readonly Table[];
  /** Null when the file has no times. */
  readonly timeFormat: TimeFormat | null;
  /** One for each column of numbers: what its cells looked like. A cell that is no number is missing. */
  readonly tallies: readonly NumberTally[];
}

/**
 * The wanted columns of a whole CSV file. A time or number that is empty or reads NA, null, nan or the like is missing.
 * @throws HalfspaceError `BadSchema` naming a missing column and those present, or `file:line` of a broken line or time, or
 * of the first number of a column that has them written in another way.
 */
export async function readCsv(source: CsvSource): Promise<CsvTables> {
  const { file, time } = source;
  const dictionaries = source.strings.map((name) => ({
    name,
    texts: [] as string[],
    codes: new Map<string, number>(),
  }));
  const tallies = source.numbers.map((name) => new NumberTally(name, source.decimal));
  const tables: Table[] = [];
  let timeFormat: TimeFormat | null = null;

  function readTimes({ records, lines }: RecordBatch, at: number): Column {
    const values = new BigInt64Array(records.length);
    for (let i = 0; i < records.length; i++) {
      const text = records[i]?.[at] ?? '';
      if (isMissingText(text)) {
        values[i] = MISSING_TIME;
        continue;
      }
      timeFormat ??= timeFormatOf(text, source.timeUnit);
      const nanos = timeFormat === null ? null : nanosFromText(text, timeFormat.unit);
      if (nanos === null) throw brokenLine(file, lines[i] ?? 0, timeProblem(text, time, timeFormat));
      values[i] = nanos;
    }
    return { kind: 'time', values };
  }

  for await (const batch of readRecords(file, source.signal)) {
    const at = (name: string): number => placeOf(batch.header, name, file);
    const columns = new Map<string, Column>([[time, readTimes(batch, at(time))]]);
    for (const tally of tallies) columns.set(tally.column, readNumbers(batch, at(tally.column), tally));
    for (const { name, texts, codes } of dictionaries) columns.set(name, readTexts(batch, at(name), texts, codes));
    if (batch.records.length === 0) continue;
    tables.push({ rows: batch.records.length, columns });
    source.onBytes?.(batch.bytes);
  }
  const other = otherWritingIn(tallies, source.decimal);
  if (other !== null) throw brokenLine(file, other.line, other.what);
  return { tables, timeFormat, tallies };
}

function readNumbers({ records, lines }: RecordBatch, at: number, tally: NumberTally): Column {
  const values = new Float64Array(records.length);
  for (let i = 0; i < records.length; i++) values[i] = tally.read(records[i]?.[at] ?? '', lines[i] ?? 0);
  return { kind: 'number', values };
}

function readTexts({ records }: RecordBatch, at: number, dictionary: string[], codeOf: Map<string, number>): Column {
  const codes = new Int32Array(records.length);
  for (let i = 0; i < records.length; i++) {
    const text = records[i]?.[at] ?? '';
    let code = codeOf.get(text);
    if (code === undefined) {
      code = dictionary.push(text) - 1;
      codeOf.set(text, code);
    }
    codes[i] = code;
  }
  return { kind: 'string', dictionary, codes };
}

/** Index of a column in the header; throws `BadSchema` naming the columns that are there. */
export function placeOf(header: readonly string[], name: string, file: string): number {
  const at = header.indexOf(name);
  if (at >= 0) return at;
  throw new HalfspaceError(
    'BadSchema',
    `${file} has no column ${JSON.stringify(name)}. Its first line has: ${cut(header.map(shownName).join(', '))}.${separatorHint(header)}`,
  );
}

/** As it stands where that is plain; else in quotes, so that spaces are seen and the message stays one line. */
function shownName(name: string): string {
  return /^[\p{L}\p{N}\p{P}\p{S}]+(?: [\p{L}\p{N}\p{P}\p{S}]+)*$/u.test(name) ? name : JSON.stringify(name);
}

/** What is wrong with a time, for a message with its line. */
export function timeProblem(text: string, column: string, format: TimeFormat | null): string {
  const wanted =
    format === null || format.unit === null
      ? 'a time from 1678 to 2262 such as 2026-01-31T12:00:00Z or seconds since 1970'
      : `a number in ${format.unit} since 1970, as in the rows before`;
  return `expected ${wanted} in ${JSON.stringify(column)}, found ${JSON.stringify(text.slice(0, 80))}`;
}
