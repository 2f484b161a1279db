import { performance } from 'node:perf_hooks';
import { setImmediate as breathe } from 'node:timers/promises';
import { Backtest, type BacktestResult } from '../backtest/backtest.js';
import { reportHtml } from '../backtest/report/report.js';
import { loadDetectorModules } from '../detector-modules.js';
import type { Influx } from '../influx/connect.js';
import { type BacktestRemarks, backtestDocument, backtestSummary } from './backtest/document.js';
import type { History } from './backtest/history.js';
import { type Label, labelsWithin, readLabelFile, readLabelTable } from './backtest/labels.js';
import { type HistoryOptions, noRows, noValues, openHistory, rangeOf, withInflux } from './backtest/open-history.js';
import { readVariants, type VariantOptions } from './backtest/variants.js';
import { chooseOutput, writeOutput } from './csv/output.js';
import type { CliIo } from './io.js';
import { createProgress } from './progress.js';
import { untilStopped } from './until-stopped.js';
import { UsageError } from './usage-error.js';
import { visible } from './visible.js';

export interface BacktestOptions extends VariantOptions, HistoryOptions {
  /** CSV of labelled stretches; or a table of the database. */
  readonly labels?: string | undefined;
  readonly labelsTable?: string | undefined;
  /** HTML file to write. */
  readonly out: string;
}

/** Machines that are named where all of a kind are counted. */
const NAMED = 3;

/**
 * Runs a pipeline's settings, and others beside them, over history with new models, writes one HTML report and prints counts.
 * @throws UsageError for options that do not fit together; HalfspaceError for settings, files, labels or rows that cannot be
 * used, in which case nothing is written.
 */
export async function backtest(options: BacktestOptions, io: CliIo): Promise<void> {
  const started = performance.now();
  const { file, labels: labelFile, labelsTable, out } = options;
  const range = rangeOf(options);
  if (labelFile !== undefined && labelsTable !== undefined) {
    throw new UsageError('Expected --labels or --labels-table, got both');
  }
  const { pipeline, variants, file: settingsFile } = readVariants(options);
  for (const { settings } of variants) {
    await loadDetectorModules({ file: settingsFile, pipelines: { [pipeline]: settings } });
  }
  const inputs = { 'file to look at': file, 'file of labels': labelFile, 'settings file': settingsFile };
  const present = Object.entries(inputs).flatMap(([what, path]) => (path === undefined ? [] : [[what, path] as const]));
  const output = await chooseOutput('The report', out, Object.fromEntries(present), io);

  const { result, ...remarks } = await untilStopped((signal) =>
    withInflux(options, async (influx) => {
      const history = await openHistory(options, variants[0].settings, range, influx, signal, io);
      const labels = await openLabels(options, influx, signal);
      const within = labels === null ? null : labelsWithin(labels, history.span);
      const input = { pipeline, variants, span: history.span, labels: within?.byMachine ?? null };
      const { isEmpty, ...run } = await runOver(history, new Backtest(input), signal, io);
      if (run.result.rows === 0) throw noRows(history.source, range);
      if (isEmpty) throw noValues(history.source, variants[0].settings);
      return { ...run, unusedLabels: (within?.outside ?? 0) + remarkLabels(run.result, io) };
    }),
  );
  await writeOutput(output, textsOf(result), io);
  const seconds = Math.round(performance.now() - started) / 1000;
  const all: BacktestRemarks = { ...remarks, report: out, seconds };
  const text = io.json ? `${JSON.stringify(backtestDocument(result, all))}\n` : backtestSummary(result, all);
  if (output.kind === 'stdout') io.stderr(text);
  else io.stdout(text);
}

async function openLabels(
  { labels, labelsTable }: BacktestOptions,
  influx: Influx | null,
  signal: AbortSignal,
): Promise<Label[] | null> {
  if (labels !== undefined) return readLabelFile(labels, signal);
  return labelsTable === undefined || influx === null ? null : readLabelTable(influx, labelsTable, signal);
}

async function runOver(
  history: History,
  run: Backtest,
  signal: AbortSignal,
  io: CliIo,
): Promise<
  { result: BacktestResult; isEmpty: boolean } & Pick<
    BacktestRemarks,
    'duplicates' | 'missing' | 'unidentified' | 'refused'
  >
> {
  const counts = { duplicates: 0, missing: 0, unidentified: 0 };
  const refused = new Map<string, string>();
  const progress = createProgress(io, 'backtesting', 1);
  let before = 0;
  let isEmpty = true;
  try {
    for await (const chunk of history.chunks) {
      counts.duplicates += chunk.counts.duplicates;
      counts.missing += chunk.counts.missing;
      counts.unidentified += chunk.counts.unidentified;
      for (const { uniqueId, reason } of chunk.refused) refused.set(uniqueId, reason);
      for (const [i, slice] of chunk.slices.entries()) {
        isEmpty &&= slice.values.every(Number.isNaN);
        for (const _step of run.add(slice)) {
          progress.update(before + ((chunk.done - before) * i) / chunk.slices.length);
          await breathe();
          signal.throwIfAborted();
        }
      }
      before = chunk.done;
    }
  } finally {
    progress.stop();
  }
  for (const [uniqueId, reason] of refused) io.stderr(`${visible(uniqueId)} is left out: ${visible(reason)}\n`);
  return { result: run.finish(), isEmpty, ...counts, refused: refused.size };
}

/** Labels of machines that have no rows count for nothing: most likely their unique_id is another. How many there are. */
function remarkLabels({ labels, machines }: BacktestResult, io: CliIo): number {
  const known = new Set(machines.map(({ uniqueId }) => uniqueId));
  const lost = [...(labels ?? [])].filter(([uniqueId]) => !known.has(uniqueId));
  if (lost.length === 0) return 0;
  const named = lost.slice(0, NAMED).map(([uniqueId]) => visible(uniqueId));
  const more = lost.length > NAMED ? ` and ${lost.length - NAMED} more` : '';
  io.stderr(`there are labels of machines without rows: ${named.join(', ')}${more}\n`);
  return lost.reduce((sum, [, stretches]) => sum + stretches.length, 0);
}

async function* textsOf(result: BacktestResult): AsyncGenerator<string, void, void> {
  yield* reportHtml(result);
}
