import { performance } from 'node:perf_hooks';
import { setImmediate as breathe } from 'node:timers/promises';
import { loadSettings } from '../config/load.js';
import { featureNames } from '../contract/features.js';
import type { PipelineSettings } from '../contract/pipeline.js';
import { loadDetectorModules } from '../detector-modules.js';
import { createModel, type ScoredSlice, scoreInSteps } from '../model/model.js';
import type { Shaped } from '../shape/group.js';
import { nothingWritten } from './csv/nothing-written.js';
import type { Decimal } from './csv/number-text.js';
import { chooseOutput, type Output, writeOutput } from './csv/output.js';
import { readPipelineRows } from './csv/pipeline-rows.js';
import { timeUnitOf } from './csv/time-text.js';
import { createScoreLines, type TextStyle } from './csv/write-scores.js';
import type { CliIo } from './io.js';
import { pipelineSettings } from './pipeline-settings.js';
import { createProgress } from './progress.js';
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
  /** A point when left out, unless the numbers look otherwise. */
  readonly decimal?: Decimal | undefined;
}

/** What `halfspace score --json` prints. */
export interface ScoreResult {
  readonly pipeline: string;
  /** The file's. */
  readonly rows: number;
  /** Rows with a score: those of the grid with `resample`, and none without a value. */
  readonly rows_scored: number;
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
  const { pipeline, settings } = pipelineSettings(options.pipeline ?? loaded.defaultPipeline, loaded.pipelines);
  await loadDetectorModules({ file: loaded.file, pipelines: { [pipeline]: settings } });
  const output = await chooseOutput('Scores', out, { 'file to score': file, 'settings file': loaded.file }, io);

  const { shaped, timeFormat } = await nothingWritten(
    readPipelineRows({ file, timeUnit, decimal: options.decimal ?? null, settings }, io),
  );
  const style: TextStyle =
    settings.mode === 'replay' ? { kind: 'data frame', format: timeFormat } : { kind: 'rfc 3339' };
  const totals: Totals = { rows_scored: 0, anomalies: 0, unscored: 0 };
  // A bar would be drawn between the rows of a terminal.
  const scoring = createProgress(output.kind === 'file' ? io : { ...io, isTty: false }, 'scoring', shaped.counts.rows);
  await writeOutput(output, scoreTexts(shaped, settings, style, totals, scoring.update), io).finally(scoring.stop);

  const { rows, missing, duplicates, unidentified } = shaped.counts;
  const seconds = Math.round(performance.now() - started) / 1000;
  const machines = shaped.slices.length;
  const result = { pipeline, rows, machines, ...totals, missing, duplicates, unidentified, out, seconds };
  return { result, output };
}

/** Over all machines. */
interface Totals {
  rows_scored: number;
  anomalies: number;
  unscored: number;
}

async function* scoreTexts(
  { slices, appearance }: Shaped,
  settings: PipelineSettings,
  style: TextStyle,
  totals: Totals,
  onRows: (rows: number) => void,
): AsyncGenerator<string, void, void> {
  const lines = createScoreLines(featureNames(settings), style);
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
    totals.rows_scored += scored.scores.reduce((sum, score) => (Number.isNaN(score) ? sum : sum + 1), 0);
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

function summary({ rows, rows_scored: scored, machines, anomalies, out, seconds }: ScoreResult): string {
  const of = `${scored} ${scored === 1 ? 'row' : 'rows'} of ${machines} ${machines === 1 ? 'machine' : 'machines'}`;
  const read = scored === rows ? '' : `, of ${rows} read,`;
  return `scored ${of}${read} in ${seconds.toFixed(1)} s, ${anomalies} anomalous: ${out}\n`;
}
