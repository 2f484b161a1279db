import { stat } from 'node:fs/promises';
import { performance } from 'node:perf_hooks';
import { setImmediate as breathe } from 'node:timers/promises';
import { loadSettings } from '../config/load.js';
import { HalfspaceError } from '../contract/failures.js';
import { featureNames } from '../contract/features.js';
import type { PipelineSettings } from '../contract/pipeline.js';
import type { ShapeCounts } from '../contract/slice.js';
import type { Column, Table } from '../contract/table.js';
import { loadDetectorModules } from '../detector-modules.js';
import { createModel, type ScoredSlice, scoreInSteps } from '../model/model.js';
import { createShaper, type Shaped } from '../shape/group.js';
import { idTextsOf } from './csv/id-text.js';
import { isMissingText } from './csv/number-text.js';
import { isSameFile, type Output, outputAt, writeOutput } from './csv/output.js';
import { type CsvSource, type CsvTables, readCsv } from './csv/read-table.js';
import { timeUnitOf } from './csv/time-text.js';
import { createScoreLines, type DateStyle } from './csv/write-scores.js';
import type { CliIo } from './io.js';
import { createProgress } from './progress.js';
import { untilStopped } from './until-stopped.js';
import { UsageError } from './usage-error.js';

export interface ScoreOptions {
  /** CSV with the source's time, id and value columns. */
  readonly file: string;
  /** Name in halfspace.yaml; its default one when left out. */
  readonly pipeline?: string | undefined;
  /** CSV to write: a file, replaced as a whole when it is there, or a pipe or device. */
  readonly out: string;
  readonly config?: string | undefined;
  /** `s`, `ms`, `us` or `ns`; told by the times' size when left out. */
  readonly timeUnit?: string | undefined;
}

/** What `halfspace score --json` prints. */
export interface ScoreResult {
  readonly pipeline: string;
  readonly rows: number;
  readonly machines: number;
  readonly anomalies: number;
  /** Rows without any value. */
  readonly unscored: number;
  readonly missing: number;
  readonly duplicates: number;
  readonly unidentified: number;
  readonly out: string;
  readonly seconds: number;
}

/** {@link scoreFile}, with its result printed. */
export async function score(options: ScoreOptions, io: CliIo): Promise<void> {
  const { result, output } = await scoreFile(options, io);
  if (io.json) io.stdout(`${JSON.stringify(result)}\n`);
  else if (output.kind === 'stdout') io.stderr(summary(result));
  else io.stdout(summary(result));
}

/**
 * Scores a CSV file with the modules the job uses, without Temporal or InfluxDB, and writes the scores machine after
 * machine, in the order of their first rows.
 * @throws UsageError for a pipeline or unit that is not there, or files that would be overwritten; HalfspaceError for a
 * file, column, line or id that cannot be used, in which case nothing is written.
 */
export async function scoreFile(options: ScoreOptions, io: CliIo): Promise<{ result: ScoreResult; output: Output }> {
  const { file, out } = options;
  const started = performance.now();
  if (file.trim() === '') throw new UsageError('Expected the path of a CSV file, got nothing');
  const timeUnit = timeUnitOf(options.timeUnit);
  const loaded = loadSettings({ file: options.config, sections: ['pipelines'] });
  const { pipeline, settings } = choosePipeline(options.pipeline ?? loaded.defaultPipeline, loaded.pipelines);
  await loadDetectorModules({ file: loaded.file, pipelines: { [pipeline]: settings } });
  const output = await chooseOutput(out, { 'file to score': file, 'settings file': loaded.file }, io);

  const { source, mode } = settings;
  const { time, values: numbers, id: strings } = source;
  const read = await readInput({ file, time, timeUnit, numbers, strings }, io);
  if (read.tables.length === 0) throw new HalfspaceError('BadSchema', `${file} has no rows below its first line.`);

  const shaped = shapeTables(mode === 'replay' ? withDataFrameIds(read.tables, source.id) : read.tables, settings);
  remark(read, shaped.counts, file, io);
  const dates: DateStyle = mode === 'replay' ? { kind: 'data frame', format: read.timeFormat } : { kind: 'rfc 3339' };
  const totals = { anomalies: 0, unscored: 0 };
  // A bar would be drawn between the rows of a terminal.
  const scoring = createProgress(output.kind === 'file' ? io : { ...io, isTty: false }, 'scoring', shaped.counts.rows);
  await writeOutput(output, scoreTexts(shaped, settings, dates, totals, scoring.update), io).finally(scoring.stop);

  const { rows, missing, duplicates, unidentified } = shaped.counts;
  const seconds = Math.round(performance.now() - started) / 1000;
  const machines = shaped.slices.length;
  const result = { pipeline, rows, machines, ...totals, missing, duplicates, unidentified, out, seconds };
  return { result, output };
}

function choosePipeline(
  name: string | null,
  pipelines: Readonly<Record<string, PipelineSettings>>,
): { pipeline: string; settings: PipelineSettings } {
  const settings = name !== null && Object.hasOwn(pipelines, name) ? pipelines[name] : undefined;
  if (name !== null && settings !== undefined) return { pipeline: name, settings };
  const known = Object.keys(pipelines).join(', ') || 'none';
  throw new UsageError(`No pipeline is called \`${name ?? ''}\`; the settings have: ${known}`);
}

/** @param inputs what must not be overwritten: path by what it is. */
async function chooseOutput(out: string, inputs: Readonly<Record<string, string>>, io: CliIo): Promise<Output> {
  if (out.trim() === '') throw new UsageError('Expected --out to name a file, got nothing');
  for (const [what, path] of Object.entries(inputs)) {
    if (await isSameFile(path, out)) throw new UsageError(`${out} is the ${what} itself; give --out another path`);
  }
  const output = await outputAt(out);
  if (io.json && output.kind === 'stdout') {
    throw new UsageError('Scores and the document of --json cannot both go to stdout; give --out another path');
  }
  return output;
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

async function* scoreTexts(
  { slices, appearance }: Shaped,
  settings: PipelineSettings,
  dates: DateStyle,
  totals: { anomalies: number; unscored: number },
  onRows: (rows: number) => void,
): AsyncGenerator<string, void, void> {
  const lines = createScoreLines(featureNames(settings), dates);
  const byId = new Map(slices.map((slice) => [slice.uniqueId, slice]));
  let rows = 0;
  for (const uniqueId of appearance) {
    const slice = byId.get(uniqueId);
    if (slice === undefined) continue;
    const steps = scoreInSteps(createModel(settings), slice, settings);
    let step = steps.next();
    for (; !step.done; step = steps.next()) {
      onRows(rows + step.value);
      // A moment for whatever asks the process to end, which is heeded between two texts.
      await breathe();
      yield '';
    }
    const scored = step.value;
    totals.anomalies += scored.anomalies;
    totals.unscored += scored.unscored;
    yield* sliceTexts(scored, settings.features.length, lines);
    rows += slice.rows;
  }
  yield lines.end();
}

function* sliceTexts(
  { slice: { uniqueId, rows, times }, scores, normalised, causes }: ScoredSlice,
  features: number,
  lines: ReturnType<typeof createScoreLines>,
): Generator<string, void, void> {
  for (let row = 0; row < rows; row++) {
    const values = normalised.subarray(row * features, (row + 1) * features);
    lines.add(times[row] ?? 0n, scores[row] ?? Number.NaN, values, causes[row] !== 0, uniqueId);
    const text = lines.take();
    if (text !== '') yield text;
  }
}

function remark({ notNumbers }: CsvTables, counts: ShapeCounts, file: string, io: CliIo): void {
  const { count, first } = notNumbers;
  if (first !== null) {
    const where = `${file}:${first.line}: ${JSON.stringify(first.text.slice(0, 80))} in ${JSON.stringify(first.column)}`;
    io.stderr(`${where} is no number and counts as missing${count > 1 ? `; so do ${count - 1} more\n` : '\n'}`);
  }
  if (counts.unidentified > 0) io.stderr(`${counts.unidentified} rows without an id or time were left out\n`);
  if (counts.duplicates > 0) io.stderr(`${counts.duplicates} rows were replaced by later ones of the same time\n`);
}

function summary({ rows, machines, anomalies, out, seconds }: ScoreResult): string {
  const of = `${rows} ${rows === 1 ? 'row' : 'rows'} of ${machines} ${machines === 1 ? 'machine' : 'machines'}`;
  return `scored ${of} in ${seconds.toFixed(1)} s, ${anomalies} anomalous: ${out}\n`;
}
