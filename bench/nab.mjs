/**
 * The score that the Numenta Anomaly Benchmark's rules give a detector on the series that DIR/windows.json names. Detectors
 * run through the modules the job uses, one configuration for all series, each row seen once and in order.
 *
 *   npm run bench:nab -- --data DIR [--detector NAME | all | '{"kind": ...}'] [--json]
 *   npm run bench:nab -- --data DIR --results DIR [--json]     stored scores instead of a detector's
 */

import { basename, resolve } from 'node:path';
import { performance } from 'node:perf_hooks';
import { parseArgs } from 'node:util';
import { pipelineSchema } from '../dist/config/pipeline-schema.js';
import { nabScore } from '../dist/evaluation/nab-score.js';
import { createModel, scoreSlice } from '../dist/model/model.js';
import { readScores, readSeries, resultFolders } from './nab/read.mjs';

/**
 * The benchmark leaves the first 15 % of a series out by itself, at most 750 rows, so nothing more is hidden. The last is
 * the configuration of the original job, with a min-max that knows the past alone.
 */
const DETECTORS = {
  novelty: { detector: { kind: 'novelty', hide_first: 0 } },
  'novelty-pattern': { detector: { kind: 'novelty', hide_first: 0, pattern: true } },
  'half-space-trees': { detector: { kind: 'half_space_trees' }, normalise: 'running' },
  'half-space-trees-original': {
    detector: { kind: 'half_space_trees', n_trees: 5, height: 2, window_size: 250, seed: 1 },
    normalise: 'running',
    order: 'learn_then_score',
  },
};

const { values: options } = parseArgs({
  options: {
    data: { type: 'string' },
    detector: { type: 'string', default: 'novelty' },
    results: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
});

try {
  if (options.data === undefined) throw new Error('Expected --data DIR, the folder of windows.json');
  const series = await readSeries(resolve(options.data));
  if (series.length === 0) throw new Error('windows.json names no series');
  if (options.results === undefined) {
    for (const [name, settings] of chosenDetectors(options.detector)) tell(name, series, runDetector(settings, series));
  } else {
    for (const folder of await resultFolders(resolve(options.results), series[0].file)) {
      const scores = await Promise.all(series.map(({ file }) => readScores(folder, file)));
      tell(basename(folder), series, { scores });
    }
  }
} catch (error) {
  process.stderr.write(`bench:nab: ${error.message}\n`);
  process.exitCode = 1;
}

/** Pipelines by the name to show. */
function chosenDetectors(text) {
  const chosen = text.startsWith('{') ? { [text]: ownDetector(JSON.parse(text)) } : DETECTORS;
  const names = text === 'all' || text.startsWith('{') ? Object.keys(chosen) : [text];
  return names.map((name) => {
    if (!Object.hasOwn(chosen, name)) {
      throw new Error(`No detector is called \`${name}\`; there are: ${Object.keys(chosen).join(', ')}, all`);
    }
    const source = { table: 'series', id: ['file'], values: ['value'] };
    return [name, pipelineSchema.parse({ source, ...chosen[name] })];
  });
}

/** `detector` as in halfspace.yaml. */
function ownDetector(detector) {
  return { detector, ...(detector.kind === 'half_space_trees' ? { normalise: 'running' } : {}) };
}

function runDetector(settings, series) {
  const started = performance.now();
  const scores = series.map(({ file, times, values }) => {
    const slice = { uniqueId: file, ids: [file], rows: times.length, times, values };
    return scoreSlice(createModel(settings), slice, settings).scores;
  });
  return { scores, seconds: (performance.now() - started) / 1000 };
}

function tell(detector, series, { scores, seconds }) {
  const labelled = series.map(({ file, times, windows }, i) => {
    if (scores[i].length === times.length) return { scores: scores[i], windows };
    throw new Error(`${detector} has ${scores[i].length} scores of ${file}, which has ${times.length} rows`);
  });
  const result = { detector, files: series.length, ...nabScore(labelled) };
  if (seconds !== undefined) {
    const rows = series.reduce((sum, { times }) => sum + times.length, 0);
    process.stderr.write(`${detector}: ${rows} rows, ${((1e6 * seconds) / rows).toFixed(2)} us a row\n`);
  }
  process.stdout.write(options.json ? `${JSON.stringify(result)}\n` : textOf(result));
}

function textOf({ detector, files, standard, low_fp, low_fn, threshold }) {
  const [a, b, c] = [standard, low_fp, low_fn].map((score) => score.toFixed(2));
  return `${detector}: standard ${a}, low FP ${b}, low FN ${c}, threshold ${threshold.toPrecision(4)}, ${files} files\n`;
}
