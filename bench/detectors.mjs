/**
 * Time a row and bytes a model of every detector with its default settings, scoring and then learning a noisy wave of one
 * column, a row every ten seconds. Medians over rounds.
 *
 * usage: npm run bench:detectors -- [--rounds 5] [--json]
 */
import { parseArgs } from 'node:util';
import { detector as schema } from '../dist/config/detector-schema.js';
import { createDetector } from '../dist/detectors/registry.js';

const { values: options } = parseArgs({
  options: { rounds: { type: 'string', default: '5' }, json: { type: 'boolean', default: false } },
});
const ROUNDS = Number(options.rounds);
const ROWS = 20_000;
const SEED = 1;

const GIVEN = [
  { kind: 'half_space_trees' },
  { kind: 'drift_gate' },
  { kind: 'novelty' },
  { kind: 'threshold', high: 400 },
  { kind: 'quantile' },
  { kind: 'robust_zscore' },
  { kind: 'persist' },
  { kind: 'level_shift' },
  { kind: 'volatility_shift' },
  { kind: 'seasonal' },
  { kind: 'vote', of: [{ detector: { kind: 'persist' } }, { detector: { kind: 'level_shift' } }], need: 'all' },
];

const results = GIVEN.map(measure);
process.stdout.write(options.json ? `${JSON.stringify(results)}\n` : textOf(results));

function measure(given) {
  const settings = schema.parse(given);
  const detector = createDetector(settings, ['x']);
  const seconds = [];
  for (let round = 0; round <= ROUNDS; round++) {
    const batch = rows(round);
    const out = { scores: new Float64Array(ROWS), explained: null };
    const start = process.hrtime.bigint();
    detector.process(batch, 0, ROWS, 'score_then_learn', out);
    if (round > 0) seconds.push(Number(process.hrtime.bigint() - start) / ROWS); // the first warms up
  }
  const ns = seconds.sort((a, b) => a - b)[Math.floor(seconds.length / 2)];
  return { detector: settings.kind, ns_per_row: Math.round(ns), bytes: detector.toBytes().length };
}

function rows(round) {
  let state = SEED + round;
  const raw = Float64Array.from({ length: ROWS }, (_, i) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0; // Numerical Recipes' generator
    return 300 + 50 * Math.sin(i / 1000) + (20 * state) / 2 ** 32;
  });
  const first = BigInt(round * ROWS);
  const times = BigInt64Array.from({ length: ROWS }, (_, i) => (first + BigInt(i)) * 10_000_000_000n);
  return { rows: ROWS, times, raw, values: raw.map((value) => value / 500), missing: null };
}

function textOf(results) {
  const lines = results.map(({ detector, ns_per_row, bytes }) => {
    return `${detector.padEnd(18)} ${String(ns_per_row).padStart(6)} ns a row ${String(bytes).padStart(7)} bytes a model\n`;
  });
  return lines.join('');
}
