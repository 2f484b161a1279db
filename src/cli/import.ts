import { stat } from 'node:fs/promises';
import { loadSettings } from '../config/load.js';
import { HalfspaceError } from '../contract/failures.js';
import { createInflux, type Influx } from '../influx/connect.js';
import { type Fields, lineFormatter } from '../influx/line-protocol.js';
import { writeAll } from '../influx/write-all.js';
import { isMissingText, numberFromText } from './csv/number-text.js';
import { placeOf, timeProblem } from './csv/read-table.js';
import { brokenLine, readRecords } from './csv/records.js';
import { nanosFromText, type TimeFormat, timeFormatOf, timeUnitOf } from './csv/time-text.js';
import type { CliIo } from './io.js';
import { createProgress } from './progress.js';
import { listenForStop } from './stop-signal.js';
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
}

/** What `halfspace import --json` prints. */
export interface ImportResult {
  readonly table: string;
  /** Rows written. */
  readonly rows: number;
  /** Rows without any field, which InfluxDB cannot hold. */
  readonly empty: number;
  readonly tags: readonly string[];
  /** Fields by the type that was told from the whole file. */
  readonly numbers: readonly string[];
  readonly texts: readonly string[];
}

type RowFormatter = ReturnType<typeof lineFormatter>;

/** What the first pass over the file found. */
interface FilePlan {
  readonly header: readonly string[];
  readonly timeFormat: TimeFormat | null;
  readonly numbers: readonly string[];
  readonly texts: readonly string[];
  readonly rows: number;
  /** By tag values. */
  readonly series: ReadonlyMap<string, RowFormatter>;
}

/**
 * Writes a CSV file to InfluxDB, in two passes: the first reads the whole file, tells each field's type (a number if every
 * value is one) and writes nothing when a line is broken. The same file may be imported again: rows with the same tags and
 * time are replaced.
 * @throws UsageError for options that cannot work; HalfspaceError with `file:line` for the file, or from InfluxDB.
 */
export async function importCsv(options: ImportOptions, io: CliIo): Promise<void> {
  const unit = timeUnitOf(options.timeUnit);
  if (options.tags.includes(options.time))
    throw new UsageError(`The column \`${options.time}\` cannot be time and tag.`);
  const { influx: connection } = loadSettings({ file: options.config, sections: ['influx'] });
  const size = await stat(options.file).then(
    (found) => found.size,
    () => 0, // reading says what is wrong
  );
  const stop = listenForStop();
  const reading = createProgress(io, `reading ${options.file}`, size);
  const influx = createInflux({
    host: connection.host,
    token: connection.token,
    database: connection.database,
    writeTimeoutMs: connection.write_timeout,
  });
  try {
    const plan = await planFile(options, unit, stop.signal, reading.update).finally(reading.stop);
    io.stderr(planText(options, plan));
    const rows = await writeRows(influx, options, plan, stop.signal, io);
    const { numbers, texts } = plan;
    const { table, tags } = options;
    const result: ImportResult = { table, rows, empty: plan.rows - rows, tags, numbers, texts };
    io.stdout(io.json ? `${JSON.stringify(result)}\n` : resultText(result));
  } catch (error) {
    if (!stop.signal.aborted || error instanceof HalfspaceError) throw error;
    throw new HalfspaceError('TimedOut', `${stop.signal.reason.message}; nothing was written`, { cause: error });
  } finally {
    stop.release();
    await influx.close();
  }
}

async function planFile(
  { file, table, tags, constants = {}, time }: ImportOptions,
  unit: ReturnType<typeof timeUnitOf>,
  signal: AbortSignal,
  onBytes: (bytes: number) => void,
): Promise<FilePlan> {
  const series = new Map<string, RowFormatter>();
  let header: readonly string[] = [];
  let timeFormat: TimeFormat | null = null;
  let kinds: ('empty' | 'number' | 'text')[] = [];
  let rows = 0;
  for await (const batch of readRecords(file, signal)) {
    if (header.length === 0) {
      header = batch.header;
      kinds = header.map(() => 'empty');
      checkNames(header, table, tags, time, file);
      checkConstants(constants, header, table);
    }
    const timeAt = placeOf(header, time, file);
    for (const [i, record] of batch.records.entries()) {
      const line = batch.lines[i] ?? 0;
      const timeText = record[timeAt] ?? '';
      timeFormat ??= timeFormatOf(timeText, unit);
      if (timeFormat === null || nanosFromText(timeText, timeFormat.unit) === null) {
        throw brokenLine(file, line, timeProblem(timeText, time, timeFormat));
      }
      const key = seriesKey(record, header, tags);
      if (!series.has(key)) series.set(key, seriesFormatter(record, header, tags, constants, table, file, line));
      for (let c = 0; c < record.length; c++) kinds[c] = widened(kinds[c] ?? 'empty', record[c] ?? '');
    }
    rows += batch.records.length;
    onBytes(batch.bytes);
  }
  if (rows === 0) throw new HalfspaceError('BadSchema', `${file} has no rows below its first line.`);
  const fields = (kind: string): string[] =>
    header.filter((name, c) => kinds[c] === kind && name !== time && !tags.includes(name));
  const plan = { header, timeFormat, numbers: fields('number'), texts: fields('text'), rows, series };
  if (plan.numbers.length + plan.texts.length > 0) return plan;
  throw new HalfspaceError(
    'BadSchema',
    `${file} has no column with values besides the time and tags: nothing to write.`,
  );
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
  try {
    for (const name of header) lineFormatter(table, {})({ [name]: 1 }, 0n);
  } catch (error) {
    throw error instanceof HalfspaceError ? brokenLine(file, 1, error.message) : error;
  }
}

/** @throws UsageError for a constant that is also a column or that line protocol cannot hold. */
function checkConstants(constants: Readonly<Record<string, string>>, header: readonly string[], table: string): void {
  for (const name of Object.keys(constants)) {
    if (header.includes(name)) throw new UsageError(`--set ${name} names a column of the file; give it with --tags`);
  }
  try {
    lineFormatter(table, constants);
  } catch (error) {
    throw error instanceof HalfspaceError ? new UsageError(`--set: ${error.message}`, { cause: error }) : error;
  }
}

function seriesKey(record: readonly string[], header: readonly string[], tags: readonly string[]): string {
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

function widened(kind: 'empty' | 'number' | 'text', text: string): 'empty' | 'number' | 'text' {
  if (kind === 'text' || isMissingText(text)) return kind;
  return numberFromText(text) === null ? 'text' : 'number';
}

async function writeRows(
  influx: Influx,
  options: ImportOptions,
  plan: FilePlan,
  signal: AbortSignal,
  io: CliIo,
): Promise<number> {
  const progress = createProgress(io, `writing to ${options.table}`, plan.rows);
  let written = 0;
  const onRows = (rows: number): void => {
    written = rows;
    progress.update(rows);
  };
  try {
    return await writeAll(influx, linesOf(options, plan, signal), { onRows, signal });
  } catch (error) {
    if (written === 0) throw error;
    const why = error instanceof Error ? error.message : String(error);
    const kind = error instanceof HalfspaceError ? error.kind : 'TimedOut';
    const again = 'Import the file again when it is put right: rows that are there are replaced.';
    throw new HalfspaceError(kind, `${why} (${written} of ${plan.rows} rows had been written. ${again})`, {
      cause: error,
    });
  } finally {
    progress.stop();
  }
}

async function* linesOf(
  { file, tags, time }: ImportOptions,
  { header, timeFormat, numbers, texts, series }: FilePlan,
  signal: AbortSignal,
): AsyncGenerator<string, void, void> {
  const timeAt = header.indexOf(time);
  const numberAt = numbers.map((name) => [name, header.indexOf(name)] as const);
  const textAt = texts.map((name) => [name, header.indexOf(name)] as const);
  for await (const { records, lines } of readRecords(file, signal)) {
    for (const [i, record] of records.entries()) {
      const nanos = nanosFromText(record[timeAt] ?? '', timeFormat?.unit ?? null);
      const format = series.get(seriesKey(record, header, tags));
      // Both were there in the first pass.
      if (nanos === null || format === undefined)
        throw brokenLine(file, lines[i] ?? 0, 'the file has changed meanwhile');
      const fields: Record<string, Fields[string]> = {};
      for (const [name, at] of numberAt) fields[name] = numberFromText(record[at] ?? '') ?? Number.NaN;
      for (const [name, at] of textAt) if (record[at] !== '') fields[name] = record[at] ?? '';
      const line = format(fields, nanos);
      if (line !== null) yield line;
    }
  }
}

function planText({ file, tags, time }: ImportOptions, { rows, numbers, texts }: FilePlan): string {
  const parts = [
    `time from ${time}`,
    ...(tags.length > 0 ? [`tags ${tags.join(', ')}`] : []),
    ...(numbers.length > 0 ? [`numbers ${numbers.join(', ')}`] : []),
    ...(texts.length > 0 ? [`texts ${texts.join(', ')}`] : []),
  ];
  return `${file}: ${rows} rows; ${parts.join('; ')}\n`;
}

function resultText({ rows, table, empty }: ImportResult): string {
  const left = empty === 0 ? '' : `; ${empty} rows without a value were left out`;
  return `wrote ${rows} rows to ${table}${left}\n`;
}
