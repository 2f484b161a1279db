import { stat } from 'node:fs/promises';
import { HalfspaceError } from '../contract/failures.js';
import { createInflux, type Influx } from '../influx/connect.js';
import type { Fields } from '../influx/line-protocol.js';
import { writeAll } from '../influx/write-all.js';
import { remarkCells } from './csv/cell-remarks.js';
import { nothingWritten } from './csv/nothing-written.js';
import { numberFromText } from './csv/number-text.js';
import { type RecordBatch, readRecords } from './csv/records.js';
import { nanosFromText, timeUnitOf } from './csv/time-text.js';
import { checkTable } from './import-check.js';
import { checkOptions, type FilePlan, type ImportOptions, planFile, seriesKey } from './import-plan.js';
import { influxOptions } from './influx-options.js';
import type { CliIo } from './io.js';
import { createProgress } from './progress.js';
import { untilStopped } from './until-stopped.js';
import { UsageError } from './usage-error.js';

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

/**
 * Writes a CSV file to InfluxDB, in two passes: the first reads the whole file, tells each field's type (a number if every
 * value is one) and writes nothing when a line is broken. The same file may be imported again: rows with the same tags and
 * time are replaced.
 * @throws UsageError for options that cannot work; HalfspaceError with `file:line` for the file or a column that the table
 * has as another type, or from InfluxDB.
 */
export async function importCsv(options: ImportOptions, io: CliIo): Promise<void> {
  const unit = timeUnitOf(options.timeUnit);
  checkOptions(options);
  const size = await sizeOf(options.file);
  const influx = createInflux(influxOptions(options.config));
  const reading = createProgress(io, `reading ${options.file}`, size);
  try {
    const result = await untilStopped(async (signal): Promise<ImportResult> => {
      const plan = await nothingWritten(planFile(options, unit, signal, reading.update).finally(reading.stop));
      io.stderr(planText(options, plan));
      remark(options.file, plan, io);
      await nothingWritten(checkTable(influx, options, plan, signal));
      const rows = await writeRows(influx, options, plan, signal, io);
      const { numbers, texts } = plan;
      const { table, tags } = options;
      return { table, rows, empty: plan.rows - rows, tags, numbers, texts };
    });
    io.stdout(io.json ? `${JSON.stringify(result)}\n` : resultText(result));
  } finally {
    await influx.close();
  }
}

/** Bytes; 0 for a file that reading will refuse. */
async function sizeOf(file: string): Promise<number> {
  const found = await stat(file).catch(() => null);
  if (found === null || found.isDirectory()) return 0;
  if (found.isFile()) return found.size;
  throw new UsageError(`${file} is no regular file, and import reads it twice; write the data to a file first`);
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
    if (written === 0 && !signal.aborted) throw error;
    const cause = signal.aborted ? signal.reason : error;
    const why = cause instanceof Error ? cause.message : String(cause);
    const kind = error instanceof HalfspaceError ? error.kind : 'TimedOut';
    const again = 'Import the file again when it is put right: rows that are there are replaced.';
    throw new HalfspaceError(kind, `${why} (at least ${written} of ${counted(plan.rows)} had been written. ${again})`, {
      cause: error,
    });
  } finally {
    progress.stop();
  }
}

async function* linesOf(
  { file, tags, time, decimal }: ImportOptions,
  { header, timeFormat, numbers, texts, rows, series }: FilePlan,
  signal: AbortSignal,
): AsyncGenerator<string, void, void> {
  const timeAt = header.indexOf(time);
  const numberAt = numbers.map((name) => [name, header.indexOf(name)] as const);
  const textAt = texts.map((name) => [name, header.indexOf(name)] as const);
  let found = 0;
  for await (const { records } of readAgain(file, signal)) {
    found += records.length;
    for (const record of records) {
      const nanos = nanosFromText(record[timeAt] ?? '', timeFormat?.unit ?? null);
      const format = series.get(seriesKey(record, header, tags));
      if (nanos === null || format === undefined) throw changed(file);
      const fields: Record<string, Fields[string]> = Object.create(null); // a column may be called __proto__
      for (const [name, at] of numberAt) fields[name] = numberFromText(record[at] ?? '', decimal) ?? Number.NaN;
      for (const [name, at] of textAt) if (record[at] !== '') fields[name] = record[at] ?? '';
      const line = format(fields, nanos);
      if (line !== null) yield line;
    }
  }
  if (found !== rows) throw changed(file);
}

/** The records once more; the first time nothing was wrong with them. */
async function* readAgain(file: string, signal: AbortSignal): AsyncGenerator<RecordBatch, void, void> {
  try {
    yield* readRecords(file, signal);
  } catch (error) {
    throw error instanceof HalfspaceError ? changed(file, error) : error;
  }
}

function changed(file: string, cause?: unknown): HalfspaceError {
  return new HalfspaceError('BadSchema', `${file} has changed since it was checked`, { cause });
}

function planText({ file, tags, time }: ImportOptions, { rows, numbers, texts }: FilePlan): string {
  const parts = [
    `time from ${time}`,
    ...(tags.length > 0 ? [`tags ${tags.join(', ')}`] : []),
    ...(numbers.length > 0 ? [`numbers ${numbers.join(', ')}`] : []),
    ...(texts.length > 0 ? [`texts ${texts.join(', ')}`] : []),
  ];
  return `${file}: ${counted(rows)}; ${parts.join('; ')}\n`;
}

/** What is not written as it might be expected: columns of numbers that one cell makes text, and infinite numbers. */
function remark(file: string, { numbers, texts, tallies }: FilePlan, io: CliIo): void {
  for (const tally of tallies.values()) {
    const { column, notNumbers, infinite, isMostlyNumbers } = tally;
    if (texts.includes(column) && isMostlyNumbers) {
      remarkCells(column, notNumbers, 'is no number, so the column is written as text', file, io);
    }
    if (numbers.includes(column)) {
      remarkCells(column, infinite, 'is infinite, which InfluxDB cannot hold, and is left out', file, io);
    }
  }
}

function resultText({ rows, table, empty }: ImportResult): string {
  const left = empty === 0 ? '' : `; ${counted(empty)} without a value left out`;
  return `wrote ${counted(rows)} to ${table}${left}\n`;
}

function counted(rows: number): string {
  return `${rows} ${rows === 1 ? 'row' : 'rows'}`;
}
