import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Novelty } from '../../src/detectors/novelty.js';
import { readGolden } from './golden-file.js';
import { Xorshift32 } from './random-rows.js';

/** Measured series of the Numenta Anomaly Benchmark and known events in them, where their folder is at hand. */
const NAB = join(resolve(process.env.HALFSPACE_DATA ?? '../shared/data'), 'nab');
const MEASURED = join(NAB, 'golden_novelty.csv');
const MEASURED_LEAST = 0.25; // strength of the events in it
const TOLERANCE = 1e-12; // relative
const HALF_SCORE = 0.72;
const NS = 1_000_000_000n;

interface Golden {
  readonly start: number;
  readonly step: number;
  readonly kept: number;
  readonly cases: readonly GoldenCase[];
}

interface GoldenCase {
  readonly shape: keyof typeof SHAPES;
  readonly rows: number;
  readonly data_seed: number;
  readonly eps: number;
  readonly pattern: boolean;
  readonly timed: boolean;
  readonly events: readonly Event[];
}

type Event = readonly [row: number, strength: number];

/** As in test/golden/make_novelty_golden.py. */
const SHAPES = {
  noise: (_row: number, _rows: number, u: number, v: number) => u + v,
  heavy: (row: number, _rows: number, u: number) => (row % 100 === 99 ? 10 : 1) / (u + 1 / 64),
  steps: (row: number, rows: number, u: number) => Math.floor(8 * u) + (3 * row >= 2 * rows ? 20 : 0),
  days: (row: number, _rows: number, u: number) => {
    const day = Math.floor(row / 96);
    const working = (day + 3) % 7 < 5;
    return day === 20 ? 1 : Math.abs((row % 96) / 4 - 12) * (working ? 2 : 1) + u;
  },
  still: (row: number, _rows: number, u: number) => (row % 500 === 499 ? 4 + u : 3),
};

describe('novelty beside a second implementation', () => {
  const { start, step, kept, cases } = readGolden<Golden>('novelty.json.gz');
  it.each(cases)('finds the same events of the same strength in $shape (eps $eps, pattern $pattern)', (golden) => {
    const { shape, rows, data_seed, eps, pattern, timed, events } = golden;
    const random = new Xorshift32(data_seed);
    const raw = Float64Array.from({ length: rows }, (_, row) => SHAPES[shape](row, rows, random.draw(), random.draw()));
    const times = BigInt64Array.from({ length: rows }, (_, row) => BigInt(start + step * row) * NS);
    expectSame(eventsOf(raw, timed ? times : null, { eps, pattern }, kept), events);
  });

  it.each([...measuredEvents()])('finds the same events of the same strength in %s', (name, events) => {
    const [file = '', variant] = name.split(', ');
    const lines = readFileSync(join(NAB, file), 'utf8').trim().split('\n').slice(1);
    const raw = Float64Array.from(lines, (line) => Number(line.split(',')[1]));
    const times = BigInt64Array.from(lines, (line) => BigInt(Date.parse(`${line.split(',')[0]}Z`) / 1000) * NS);
    expectSame(eventsOf(raw, times, { eps: 1 / 1024, pattern: variant !== undefined }, MEASURED_LEAST), events);
  });
});

/** Events by the name of the series and, behind a comma, of the variant. */
function measuredEvents(): Map<string, Event[]> {
  const found = new Map<string, Event[]>();
  const lines = existsSync(MEASURED) ? readFileSync(MEASURED, 'utf8').trim().split('\n').slice(1) : [];
  for (const line of lines) {
    // The variant's name has a comma of its own, in quotes.
    const [strength, row, file, ...detector] = line.split(',').reverse();
    const name = `${file}${detector.length > 1 ? ', pattern' : ''}`;
    found.set(name, [...(found.get(name) ?? []), [Number(row), Number(strength)]]);
  }
  return found;
}

function eventsOf(
  raw: Float64Array,
  times: BigInt64Array | null,
  settings: { eps: number; pattern: boolean },
  least: number,
): Event[] {
  const rows = raw.length;
  const detector = new Novelty({ kind: 'novelty', hide_first: 0, ...settings }, ['value']);
  const scores = new Float64Array(rows);
  const batch = { rows, times, raw, values: raw, missing: null };
  detector.process(batch, 0, rows, 'score_then_learn', { scores, explained: null });
  const events = Array.from(scores, (score, row): Event => [row, (HALF_SCORE * score) / (1 - score)]);
  return events.filter(([, strength]) => strength > least);
}

function expectSame(found: readonly Event[], expected: readonly Event[]): void {
  expect(found.map(([row]) => row)).toEqual(expected.map(([row]) => row));
  found.forEach(([row, strength], i) => {
    const off = Math.abs(strength / (expected[i]?.[1] ?? Number.NaN) - 1);
    if (!(off <= TOLERANCE)) expect.fail(`the event of row ${row} is off by ${off}`);
  });
}
