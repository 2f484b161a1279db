import { stat } from 'node:fs/promises';
import { HalfspaceError } from '../../contract/failures.js';
import type { PipelineSettings } from '../../contract/pipeline.js';
import type { ShapeCounts } from '../../contract/slice.js';
import type { Column, Table } from '../../contract/table.js';
import { createShaper, type Shaped } from '../../shape/group.js';
import type { CliIo } from '../io.js';
import { createProgress } from '../progress.js';
import { untilStopped } from '../until-stopped.js';
import { remarkCells, shownCell } from './cell-remarks.js';
import { idTextsOf } from './id-text.js';
import type { NumberTally } from './number-tally.js';
import { type Decimal, isMissingText } from './number-text.js';
import { type CsvSource, type CsvTables, readCsv } from './read-table.js';
import { brokenLine } from './records.js';
import type { TimeFormat, TimeUnit } from './time-text.js';

/** A pipeline's rows in a CSV file. */
export interface PipelineFile {
  /** CSV with the source's time, id and value columns. */
  readonly file: string;
  /** Null: told by the times' size. */
  readonly timeUnit: TimeUnit | null;
  /** Null: a point, unless the numbers look otherwise. */
  readonly decimal: Decimal | null;
  readonly settings: PipelineSettings;
}

/**
 * Reads and shapes all rows of a file, and remarks on those that were left out.
 * @throws HalfspaceError for a file, column, line or id that cannot be used, or a file without rows, or without a value in
 * any of them.
 */
export async function readPipelineRows(
  { file, timeUnit, decimal, settings }: PipelineFile,
  io: CliIo,
): Promise<{ shaped: Shaped; timeFormat: TimeFormat | null }> {
  const { source, mode } = settings;
  const { time, values: numbers, id: strings } = source;
  const read = await readInput({ file, time, timeUnit, decimal, numbers, strings }, io);
  if (read.tables.length === 0) throw new HalfspaceError('BadSchema', `${file} has no rows below its first line.`);
  const shaped = shapeTables(mode === 'replay' ? withDataFrameIds(read.tables, source.id) : read.tables, settings);
  refuseEmpty(read.tallies, shaped, settings, file);
  remark(read.tallies, shaped.counts, settings, file, io);
  return { shaped, timeFormat: read.timeFormat };
}

async function readInput(source: CsvSource, io: CliIo): Promise<CsvTables> {
  const found = await stat(source.file).catch(() => null); // reading says what is wrong
  // A pipe has no size, and may keep a read waiting for ever, which only the signal's own effect can end.
  if (!found?.isFile()) return readCsv(source);
  const reading = createProgress(io, `reading ${source.file}`, found.size);
  return untilStopped((signal) => readCsv({ ...source, signal, onBytes: reading.update })).finally(reading.stop);
}

/**
 * In replay mode ids are what a data frame makes of them, so that the same file gives the same unique_ids. Three things
 * that pandas does are left out: it reads long files in parts and then mixes "007" and 7 in one column, it subtracts
 * integers above 2^53 exactly (here they are doubles), and it reads a field such as `"A"x` as Ax.
 */
function withDataFrameIds(tables: readonly Table[], ids: readonly string[]): Table[] {
  const dictionaries = new Map<readonly string[], readonly string[]>();
  for (const [i, name] of ids.entries()) {
    const column = tables[0]?.columns.get(name);
    if (column?.kind !== 'string') continue;
    const texts = idTextsOf(column.dictionary);
    // Only the last id has a name where there is no value: a missing value has no slug.
    const named = texts.map((text, at) =>
      i < ids.length - 1 && isMissingText(column.dictionary[at] ?? '') ? '' : text,
    );
    dictionaries.set(column.dictionary, named);
  }
  return tables.map(({ rows, columns }) => ({
    rows,
    columns: new Map(Array.from(columns, ([name, column]): [string, Column] => [name, renamed(column, dictionaries)])),
  }));
}

function renamed(column: Column, dictionaries: ReadonlyMap<readonly string[], readonly string[]>): Column {
  const dictionary = column.kind === 'string' ? dictionaries.get(column.dictionary) : undefined;
  return column.kind === 'string' && dictionary !== undefined ? { ...column, dictionary } : column;
}

function shapeTables(tables: readonly Table[], { source, mode }: PipelineSettings): Shaped {
  const shaper = createShaper(source, mode);
  for (const table of tables) shaper.add(table);
  const shaped = shaper.finish();
  const [first, ...others] = shaped.refused;
  if (first === undefined) return shaped;
  const more = others.length === 0 ? '' : ` (${others.length} more cannot be told either)`;
  throw new HalfspaceError(shaped.collisions.length > 0 ? 'IdCollision' : 'BadSettings', `${first.reason}${more}`);
}

/** Rows that nobody can score would look like healthy ones. */
function refuseEmpty(
  tallies: readonly NumberTally[],
  { slices, counts }: Shaped,
  { source }: PipelineSettings,
  file: string,
): void {
  const rows = slices.reduce((sum, slice) => sum + slice.rows, 0);
  if (rows === 0) {
    const names = [...source.id, source.time].map((name) => JSON.stringify(name)).join(', ');
    throw new HalfspaceError('BadSchema', `${file}: no row has an id and a time (${names}).`);
  }
  if (counts.empty < rows) return;
  const nothing = `no row of the file has a value in ${source.values.map((name) => JSON.stringify(name)).join(', ')}`;
  const unreadable = tallies
    .flatMap(({ column, notNumbers, infinite }) => [
      { column, first: notNumbers.first, what: 'no number' },
      { column, first: infinite.first, what: 'infinite' },
    ])
    .flatMap(({ first, ...cell }) => (first === null ? [] : [{ ...first, ...cell }]))
    .sort((a, b) => a.line - b.line)[0];
  if (unreadable === undefined) throw new HalfspaceError('BadSchema', `${file}: ${nothing}.`);
  const { line, text, column, what } = unreadable;
  throw brokenLine(file, line, `${shownCell(text, column)} is ${what}, and ${nothing}`);
}

function remark(
  tallies: readonly NumberTally[],
  counts: ShapeCounts,
  { mode }: PipelineSettings,
  file: string,
  io: CliIo,
): void {
  const infinite =
    mode === 'replay' ? 'is infinite and stays a value, as in a data frame' : 'is infinite and counts as missing';
  for (const tally of tallies) {
    remarkCells(tally.column, tally.notNumbers, 'is no number and counts as missing', file, io);
    remarkCells(tally.column, tally.infinite, infinite, file, io);
  }
  if (counts.unidentified > 0) io.stderr(`${counts.unidentified} rows without an id or time were left out\n`);
  if (counts.duplicates > 0) io.stderr(`${counts.duplicates} rows were replaced by later ones of the same time\n`);
}
