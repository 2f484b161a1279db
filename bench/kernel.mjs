/**
 * Rows per second of Half-Space Trees (score, then learn, each row) beside River 0.26.1: the same uniform random values,
 * rounds of both taking turns in one run, medians. The scores of every round must be equal bit for bit.
 *
 * usage: npm run bench:kernel -- [--rounds 5] [--json]
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { HalfSpaceTrees } from '../dist/detectors/half-space-trees.js';
import { MersenneTwister } from '../dist/detectors/mersenne-twister.js';
import { riverPython } from './kernel/river-venv.mjs';

const { values: options } = parseArgs({
  options: { rounds: { type: 'string', default: '5' }, json: { type: 'boolean', default: false } },
});
const ROUNDS = Number(options.rounds);
const SEED = 1;
const WINDOW_SIZE = 250;
/** Trees, height, and the rows River takes in about a second. */
const CONFIGS = [
  { n_trees: 5, height: 2, riverRows: 100_000 },
  { n_trees: 10, height: 8, riverRows: 20_000 },
  { n_trees: 25, height: 15, riverRows: 750 },
];
/** Our side of a round repeats its rows for this long. */
const LEAST_SECONDS = 0.3;
const say = (text) => process.stderr.write(`${text}\n`);

const folder = await mkdtemp(join(tmpdir(), 'halfspace-kernel-'));
try {
  const python = await riverPython(say);
  const results = [];
  for (const config of CONFIGS) results.push(await measure(config, python));
  process.stdout.write(options.json ? `${JSON.stringify(results)}\n` : textOf(results));
} catch (error) {
  say(`bench:kernel: ${error.message}`);
  process.exitCode = 1;
} finally {
  await rm(folder, { recursive: true, force: true });
}

async function measure({ n_trees, height, riverRows }, python) {
  const settings = { n_trees, height, window_size: WINDOW_SIZE, seed: SEED };
  const warm = 2 * WINDOW_SIZE;
  const values = uniform(warm + riverRows * ROUNDS);
  const file = join(folder, `${n_trees}x${height}`);
  await writeFile(file, new Uint8Array(values.buffer));

  const ours = new HalfSpaceTrees(settings, ['x']);
  run(ours, values.subarray(0, warm));
  warmUp(settings, values);
  const river = await startRiver(python, [file, n_trees, height, WINDOW_SIZE, SEED, warm]);
  const seconds = { ours: [], river: [] };
  for (let round = 0; round < ROUNDS; round++) {
    const from = warm + round * riverRows;
    const part = values.subarray(from, from + riverRows);
    const theirs = await river.next(riverRows);
    const sha256 = createHash('sha256')
      .update(new Uint8Array(run(ours, part).buffer))
      .digest('hex');
    if (sha256 !== theirs.sha256) throw new Error(`${n_trees} x ${height}: the scores of round ${round + 1} differ`);
    seconds.river.push(theirs.seconds / riverRows);
    seconds.ours.push(secondsPerRow(ours, settings, part));
  }
  river.end();
  const rate = Math.round(1 / median(seconds.ours));
  const riverRate = Math.round(1 / median(seconds.river));
  const result = {
    config: `${n_trees}x${height}`,
    rows_per_s: rate,
    river_rows_per_s: riverRate,
    ratio: Math.round((rate / riverRate) * 10) / 10,
  };
  say(`${result.config}: ${(1e9 / rate).toFixed(0)} ns a row, ${(ours.sizeBytes / 1024).toFixed(0)} KB a model`);
  return result;
}

/** A copy works through the same rows until the compiler has seen enough of them. */
function warmUp(settings, values) {
  const copy = new HalfSpaceTrees(settings, ['x']);
  const started = performance.now();
  while (performance.now() - started < 1000) run(copy, values);
}

/** A copy of the detector takes the rows again and again: the original has scored them, for the comparison. */
function secondsPerRow(detector, settings, part) {
  const copy = HalfSpaceTrees.fromBytes(detector.toBytes(), settings, ['x']);
  const started = performance.now();
  let rows = 0;
  let seconds = 0;
  while (seconds < LEAST_SECONDS) {
    run(copy, part);
    rows += part.length;
    seconds = (performance.now() - started) / 1000;
  }
  return seconds / rows;
}

function run(detector, values) {
  const scores = new Float64Array(values.length);
  const batch = { rows: values.length, times: null, raw: values, values, missing: null };
  detector.process(batch, 0, values.length, 'score_then_learn', { scores, explained: null });
  return scores;
}

function uniform(count) {
  const random = new MersenneTwister(SEED);
  return Float64Array.from({ length: count }, () => random.random());
}

async function startRiver(python, args) {
  const script = fileURLToPath(new URL('./kernel/river_rates.py', import.meta.url));
  const process = spawn(python, [script, ...args.map(String)], { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: process.stdout })[Symbol.asyncIterator]();
  async function line() {
    const { done, value } = await lines.next();
    if (done) throw new Error('River ended early');
    return value;
  }
  await line();
  return {
    async next(rows) {
      process.stdin.write(`${rows}\n`);
      return JSON.parse(await line());
    },
    end: () => process.stdin.end(),
  };
}

function median(numbers) {
  return [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)];
}

function textOf(results) {
  const lines = results.map(
    ({ config, rows_per_s, river_rows_per_s, ratio }) =>
      `${config.padEnd(8)} ${String(rows_per_s).padStart(12)} ${String(river_rows_per_s).padStart(12)} ${String(ratio).padStart(8)}`,
  );
  return `${['config         rows/s      River/s    ratio', ...lines].join('\n')}\n`;
}
