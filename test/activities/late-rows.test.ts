import { describe, expect, it } from 'vitest';
import type { PipelineSettings } from '../../src/contract/pipeline.js';
import { DETECTORS } from '../detectors/detector-table.js';
import { pipelineOf } from '../pipeline.js';
import { randomFrom, testSeed } from '../random.js';
import type { SourceRow } from './memory-influx.js';
import { Killed, MemoryPlant } from './memory-plant.js';

const SECOND = 1_000_000_000n;
/** Aligned to nothing. */
const START = 1_700_000_001_234_567_890n;
const WITHIN_S = 60;

function settingsOf(change: Partial<PipelineSettings> = {}): PipelineSettings {
  return pipelineOf({
    // Longer than any series here: where the first runs die, the one that begins looks back over all of it.
    window: { history: 500_000, settle: 0, catch_up: 100_000_000, chunk: 100_000 },
    late: { within: WITHIN_S * 1000, action: 'rescore' },
    output: { table: 'scores' },
    ...change,
  });
}

interface Arrival extends SourceRow {
  readonly arrives: bigint;
}

const MACHINES = ['m0', 'm1', 'm2'];

/** Rows of three machines over `seconds`; some come late, up to `late.within`, some are written once more with another value. */
function arrivals(random: () => number, seconds: number, shareLate: number): Arrival[] {
  const found: Arrival[] = [];
  for (const machine of MACHINES) {
    // One machine is silent most of the time.
    const every = machine === 'm2' ? 25 : 1.5;
    for (let at = random() * every; at < seconds; at += random() * 2 * every) {
      const time = START + BigInt(Math.round(at * 1e9));
      const arrives = random() < shareLate ? time + BigInt(Math.floor(random() * WITHIN_S * 1e9)) : time;
      const isCorrected = arrives > time && random() < 0.2;
      if (isCorrected) found.push({ machine, time, value: random() < 0.5 ? Number.NaN : random(), arrives: time });
      const value = random() < 0.03 ? 300 * random() : 50 + 10 * random();
      found.push({ machine, time, value: !isCorrected && random() < 0.02 ? Number.NaN : value, arrives });
    }
  }
  return found;
}

/** The ends of runs, seconds after START: often close, sometimes further apart than `late.within`. */
function runTimes(random: () => number, seconds: number): bigint[] {
  const times: bigint[] = [];
  for (
    let at = 10 + random() * 30;
    at < seconds + WITHIN_S + 1;
    at += random() < 0.15 ? 60 + random() * 200 : 3 + random() * 25
  ) {
    times.push(START + BigInt(Math.round(at * 1e9)));
  }
  return [...times, START + BigInt(seconds + 2 * WITHIN_S) * SECOND];
}

function deliver(plant: MemoryPlant, rows: readonly Arrival[], after: bigint, until: bigint): void {
  const due = rows.filter(({ arrives }) => arrives > after && arrives <= until);
  for (const row of due.sort((a, b) => (a.arrives < b.arrives ? -1 : 1))) plant.influx.put(row);
}

interface PlantState {
  readonly scores: Readonly<Record<string, Record<string, string>>>;
  readonly models: readonly string[];
}

/** What is left at the end, for comparing. */
function stateOf(plant: MemoryPlant): PlantState {
  return {
    scores: Object.fromEntries([...plant.influx.scores].sort(([a], [b]) => (a < b ? -1 : 1))),
    models: MACHINES.map((machine) => Buffer.from(plant.newest(machine) ?? []).toString('hex')),
  };
}

/** All rows there from the beginning, learned in one run. */
async function inOrder(rows: readonly Arrival[], end: bigint, change: Partial<PipelineSettings>): Promise<PlantState> {
  const window = { history: 10_000_000, settle: 0, catch_up: 100_000_000, chunk: null };
  const plant = new MemoryPlant(settingsOf({ ...change, window }));
  deliver(plant, rows, 0n, end);
  await plant.run(end);
  return stateOf(plant);
}

/** A bound that a row has no more cannot be taken out of the database. */
function withoutOldBounds({ scores, models }: PlantState): PlantState {
  const rows = Object.entries(scores).map(([key, { lower: _lower, upper: _upper, ...fields }]) => [key, fields]);
  return { scores: Object.fromEntries(rows), models };
}

interface Trouble {
  /** Share of runs that die at some call, and of machines that fail. */
  readonly dying: number;
  readonly failing: number;
}

/** A random plant: rows come late, runs come when they come, die and fail; then a last run in peace. */
async function randomHistory(random: () => number, { dying, failing }: Trouble, change: Partial<PipelineSettings>) {
  const seconds = 120 + Math.floor(random() * 300);
  const rows = arrivals(random, seconds, 0.02 + random() * 0.4);
  const plant = new MemoryPlant(settingsOf(change));
  const times = runTimes(random, seconds);
  const counts = { rescored: 0, notRescored: 0, killed: 0, failed: 0 };
  let last = 0n;
  for (const [index, until] of times.entries()) {
    deliver(plant, rows, last, until);
    last = until;
    const isLast = index === times.length - 1;
    let callsLeft = !isLast && random() < dying ? Math.floor(random() * 120) : Number.POSITIVE_INFINITY;
    const count = () => {
      if (callsLeft-- <= 0) throw new Killed();
    };
    plant.store.beforeCall = count;
    plant.influx.beforeCall = count;
    plant.beforeChild = () => {
      if (!isLast && random() < failing) throw new Error('a bad day');
    };
    try {
      const result = await plant.run(until);
      counts.rescored += result.rescoredCount;
      counts.notRescored += result.notRescoredCount;
      counts.failed += result.failedCount;
    } catch (error) {
      if (!(error instanceof Killed)) throw error;
      counts.killed++;
    }
  }
  return { plant, rows, end: last, counts };
}

const SHAPED: Partial<PipelineSettings> = {
  resample: { every: 4000, how: 'mean', fill: 'linear', limit: 16_000 },
  features: [
    { kind: 'value', column: 'x' },
    { kind: 'rolling_mean', column: 'x', rows: 3 },
  ],
};

const ROUNDS = 15;

describe('rescoring late rows', () => {
  const seed = testSeed();

  it.each([
    ['whatever came when and whenever runs began', { dying: 0, failing: 0 }, {}],
    ['also where runs die at any call and machines fail', { dying: 0.4, failing: 0.1 }, {}],
    ['of rows on a grid with filled gaps and features too', { dying: 0.4, failing: 0.1 }, SHAPED],
  ])('ends in the scores and the bytes of in-order arrival, %s', async (_what, trouble, change) => {
    const random = randomFrom(seed);
    const sums = { rescored: 0, killed: 0, failed: 0 };
    for (let round = 0; round < ROUNDS; round++) {
      const context = `seed ${seed}, round ${round}`;
      const { plant, rows, end, counts } = await randomHistory(random, trouble, change);
      expect(counts.notRescored, context).toBe(0);
      expect(stateOf(plant), context).toEqual(await inOrder(rows, end, change));
      sums.rescored += counts.rescored;
      sums.killed += counts.killed;
      sums.failed += counts.failed;
    }
    expect(sums.rescored).toBeGreaterThan(20);
    expect(sums.killed > 0 && sums.failed > 0).toBe(trouble.dying > 0);
  });

  it.each(DETECTORS.map(({ name, settings }) => ({ name, settings })))(
    'ends in the scores and the bytes of in-order arrival, judged by $name',
    async ({ settings: detector }) => {
      const random = randomFrom(seed);
      for (let round = 0; round < 3; round++) {
        const change: Partial<PipelineSettings> = {
          detector,
          normalise: detector.kind === 'half_space_trees' ? 'running' : 'none',
          verdict: { threshold: 0.5, clear_after: 5000, pause_learning: random() < 0.5 },
        };
        const { plant, rows, end } = await randomHistory(random, { dying: 0.3, failing: 0.1 }, change);
        const expected = await inOrder(rows, end, change);
        expect(withoutOldBounds(stateOf(plant)), `seed ${seed}, round ${round}`).toEqual(withoutOldBounds(expected));
      }
    },
  );

  // Stretches are 5 s long, and runs end 3 s after the begin of one.
  it.each([0.7, 1.5, 4, 9])(
    'reaches back from a model that is ahead of the progress, to a row %s s after where its window begins again',
    async (second) => {
      const base = START - (START % (5n * SECOND)) + 3n * SECOND;
      const at = (seconds: number) => base + BigInt(Math.round(seconds * 1e9));
      const rowAt = (seconds: number) => ({ machine: 'm0', time: at(seconds), value: 50 + (seconds % 7), arrives: 1n });
      const inTime = Array.from({ length: 160 }, (_, index) => rowAt(index - 120.1));
      const late = rowAt(second);
      const plant = new MemoryPlant(settingsOf());
      for (const end of [-60, -30, 0]) {
        for (const row of inTime) if (row.time < at(end)) plant.influx.put(row);
        await plant.run(at(end));
      }
      for (const row of inTime) if (row.time < at(20)) plant.influx.put(row);
      plant.store.beforeCall = (verb, key) => {
        if (verb === 'write' && key.startsWith('progress/')) throw new Killed();
      };
      const before = plant.newest('m0');
      await expect(plant.run(at(20))).rejects.toThrow(Killed);
      expect(plant.newest('m0')).not.toEqual(before);

      plant.store.beforeCall = () => {};
      for (const row of [...inTime, late]) plant.influx.put(row);
      const { rescoredCount, notRescoredCount } = await plant.run(at(40));
      expect({ rescoredCount, notRescoredCount }).toEqual({ rescoredCount: 1, notRescoredCount: 0 });
      expect(stateOf(plant)).toEqual(await inOrder([...inTime, late], at(40), {}));
    },
  );
});
