// Scores a detector on the Skoltech Anomaly Benchmark (github.com/waico/SKAB): every run in DIR with an `anomaly` column,
// one configuration for all, rows in order and each scored before it is learned. The first 400 rows of a run are its
// warm-up and do not count; the others are pooled over the runs.
//   npm run bench:skab -- --data DIR [--detector drift_gate] [--json]
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { pipelineSchema } from '../dist/config/pipeline-schema.js';
import { countPoints, poolPoints, ratesOf } from '../dist/evaluation/pointwise.js';
import { createModel, scoreSlice } from '../dist/model/model.js';

const WARM_UP_ROWS = 400;
/** The verdict is the detector's alone: the guard of flat columns, a rule on top of it, is off. */
const VERDICT = { threshold: 0.5, flat_guard: 0 };
/** What a detector needs beside its defaults. */
const SETTINGS = {
  half_space_trees: { normalise: 'running', verdict: { ...VERDICT, threshold: 0.8 } },
  drift_gate: { verdict: { ...VERDICT, clear_level: 0.375 } },
};

const { values: options } = parseArgs({
  options: {
    data: { type: 'string' },
    detector: { type: 'string', default: 'drift_gate' },
    json: { type: 'boolean', default: false },
  },
});

try {
  if (options.data === undefined) throw new Error('give the folder with the runs: --data DIR');
  const runs = await readRuns(options.data);
  if (runs.length === 0) throw new Error(`no run (CSV with \`;\` and a column \`anomaly\`) in ${options.data}`);
  const { f1, far, mar } = ratesOf(poolPoints(runs.map((run) => judged(run, options.detector))));
  const result = { detector: options.detector, files: runs.length, f1, far, mar };
  process.stdout.write(options.json ? `${JSON.stringify(result)}\n` : textOf(result));
} catch (error) {
  process.stderr.write(`bench:skab: ${error.issues?.[0]?.message ?? error.message}\n`);
  process.exitCode = 1;
}

async function readRuns(folder) {
  const names = await readdir(folder, { recursive: true });
  const runs = [];
  for (const name of names.filter((each) => each.endsWith('.csv')).sort()) {
    const run = runOf(await readFile(join(folder, name), 'utf8'));
    if (run !== null) runs.push(run);
  }
  return runs;
}

/** Times, sensors and labels of one run; null for a file that is none. */
function runOf(text) {
  const [head, ...lines] = text.trim().split(/\r?\n/);
  const columns = head.split(';');
  const label = columns.indexOf('anomaly');
  if (label < 0) return null;
  const rows = lines.map((line) => line.split(';'));
  const sensors = columns.slice(1, label);
  return {
    sensors,
    times: BigInt64Array.from(rows, ([time]) => BigInt(Date.parse(`${time.replace(' ', 'T')}Z`)) * 1_000_000n),
    values: Float64Array.from(rows.flatMap((row) => row.slice(1, label).map(Number))),
    labels: Uint8Array.from(rows, (row) => Number(row[label])),
  };
}

/** What the live job's modules make of a run, beside its labels. */
function judged({ sensors, times, values, labels }, kind) {
  const settings = pipelineSchema.parse({
    source: { table: 'skab', id: ['run'], values: sensors },
    detector: { kind },
    verdict: VERDICT,
    ...SETTINGS[kind],
  });
  const slice = { uniqueId: 'run', ids: ['run'], rows: times.length, times, values };
  const { causes } = scoreSlice(createModel(settings), slice, settings);
  const anomalous = causes.map((cause) => Number(cause !== 0));
  return countPoints(anomalous, labels, WARM_UP_ROWS);
}

function textOf({ detector, files, f1, far, mar }) {
  return `${detector} on ${files} runs: F1 ${f1.toFixed(3)}, false alarms ${far.toFixed(1)} %, missed ${mar.toFixed(1)} %\n`;
}
