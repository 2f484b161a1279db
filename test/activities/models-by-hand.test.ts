import { describe, expect, it } from 'vitest';
import { learningSettingsHash } from '../../src/activities/plan-document.js';
import { forgetByHand } from '../../src/cli/model/forget.js';
import { rollBackByHand } from '../../src/cli/model/roll-back.js';
import type { PipelineSettings } from '../../src/contract/pipeline.js';
import { msFromNanos } from '../../src/contract/time.js';
import { readSnapshotHeader } from '../../src/model/snapshot.js';
import { Snapshots } from '../../src/store/snapshots.js';
import { pipelineOf } from '../pipeline.js';
import { randomFrom, testSeed } from '../random.js';
import { Killed, MemoryPlant, PIPELINE } from './memory-plant.js';

const SECOND = 1_000_000_000n;
/** Aligned to nothing: every window begins in the middle of a stretch in which late rows are found. */
const START = 1_700_000_001_234_567_890n;
const SEED = testSeed();

function settingsOf(change: Partial<PipelineSettings> = {}): PipelineSettings {
  return pipelineOf({
    late: { within: 60_000, action: 'rescore' },
    output: { table: 'scores' },
    alerts: ['ops'],
    ...change,
  });
}

/** Seconds after START. */
function at(seconds: number): bigint {
  return START + BigInt(Math.round(seconds * 1000)) * (SECOND / 1000n);
}

function put(plant: MemoryPlant, from: number, to: number, value: (second: number) => number = (s) => 50 + (s % 3)) {
  for (let second = from; second < to; second++) {
    plant.influx.put({ machine: 'm0', time: at(second), value: value(second) });
  }
}

function forget(plant: MemoryPlant, nowS: number): Promise<void> {
  const { store } = plant;
  const machine = { storage: store, snapshots: new Snapshots(store), pipeline: PIPELINE, uniqueId: 'm0' };
  return forgetByHand(machine, msFromNanos(at(nowS)));
}

async function skipToOldest(plant: MemoryPlant, nowS: number): Promise<void> {
  const { store, settings } = plant;
  const snapshots = new Snapshots(store);
  const [newest, ...older] = await snapshots.list(PIPELINE, 'm0');
  const target = older.at(-1);
  if (newest === undefined || target === undefined) throw new Error('Expected two snapshots');
  const machine = {
    ...{ storage: store, snapshots, pipelines: { [PIPELINE]: settings }, file: '', pipeline: PIPELINE, uniqueId: 'm0' },
    ...{ settings, settingsHash: learningSettingsHash(settings), names: [newest, ...older] as const },
  };
  await rollBackByHand(machine, { target, how: 'skip', nowMs: msFromNanos(at(nowS)) });
}

function rowsLearned(plant: MemoryPlant): number {
  return readSnapshotHeader(plant.newest('m0') ?? new Uint8Array()).rows;
}

/** What the last run saw may be lost at any time. */
function loseHints(plant: MemoryPlant): void {
  for (const key of plant.store.objects.keys()) if (/\/seen-[^/]*$/.test(key)) plant.store.objects.delete(key);
}

function scoresBefore(plant: MemoryPlant, end: bigint): [string, Record<string, string>][] {
  return scores(plant).filter(([key]) => timeOf(key) < end);
}

function scoresFrom(plant: MemoryPlant, from: bigint): [string, Record<string, string>][] {
  return scores(plant).filter(([key]) => timeOf(key) >= from);
}

function scores(plant: MemoryPlant): [string, Record<string, string>][] {
  return [...plant.influx.scores].sort(([a], [b]) => (a < b ? -1 : 1));
}

function timeOf(key: string): bigint {
  return BigInt(key.split(' ').at(-1) ?? '');
}

/** A plant that has learned 90 rows, the last with an event that was told, and then forgot them. */
async function forgotten(settings = settingsOf({ normalise: { x: [0, 300] } })): Promise<MemoryPlant> {
  const plant = new MemoryPlant(settings);
  put(plant, 0, 90, (second) => (second >= 85 ? 290 : 50 + (second % 3)));
  for (const end of [40, 80, 90]) await plant.run(at(end));
  expect(plant.sent).toHaveLength(1);
  await forget(plant, 91);
  return plant;
}

describe('a machine whose models were forgotten', () => {
  it('begins a new one with the rows of its window alone', async () => {
    const plant = await forgotten();
    const before = scores(plant);
    put(plant, 90, 93);
    expect(await plant.run(at(93))).toMatchObject({ rows: 3, models: { fresh: 1 }, lateRows: 0, scoresWritten: 3 });
    expect(rowsLearned(plant)).toBe(3);
    expect(scoresBefore(plant, at(90))).toEqual(before);
  });

  it('learns nothing from before it when a row comes late, and tells no old event again', async () => {
    const plant = await forgotten();
    put(plant, 90, 93);
    await plant.run(at(93));
    plant.influx.put({ machine: 'm0', time: at(70.5), value: 50 });
    expect(await plant.run(at(96))).toMatchObject({ lateRows: 0, rescoredCount: 0, scoresWritten: 0, alerts: [] });
    expect(rowsLearned(plant)).toBe(3);
    expect(plant.sent).toHaveLength(1);
  });

  it.each(['relearn', 'fresh'] as const)(
    'learns nothing from before it when what was seen is lost or settings change (%s)',
    async (change) => {
      const plant = await forgotten();
      loseHints(plant);
      put(plant, 90, 93);
      expect(await plant.run(at(93))).toMatchObject({ lateRows: 0, scoresWritten: 3 });
      expect(rowsLearned(plant)).toBe(3);
      loseHints(plant);
      put(plant, 93, 95);
      expect(await plant.run(at(95))).toMatchObject({ lateRows: 0, rescoredCount: 0, scoresWritten: 2 });
      expect(rowsLearned(plant)).toBe(5);
      plant.settings = { ...plant.settings, on_settings_change: change, normalise: { x: [0, 301] } };
      put(plant, 95, 100);
      expect(await plant.run(at(100))).toMatchObject({ lateRows: 0 });
      expect(rowsLearned(plant)).toBe(change === 'relearn' ? 10 : 5);
      loseHints(plant);
      put(plant, 100, 101);
      expect(await plant.run(at(101))).toMatchObject({ lateRows: 0, scoresWritten: 1 });
      expect(plant.sent).toHaveLength(1);
    },
  );

  it('learns nothing from before it when all its new snapshots are damaged', async () => {
    const plant = await forgotten();
    put(plant, 90, 95);
    await plant.run(at(95));
    for (const [key, bytes] of plant.store.objects) if (key.endsWith('.snapshot')) bytes[60] = (bytes[60] ?? 0) ^ 1;
    put(plant, 95, 99);
    await plant.run(at(97));
    await plant.run(at(99));
    expect(rowsLearned(plant)).toBe(9);
  });

  it('learns the rows again that were not learned while it lagged', async () => {
    const plant = new MemoryPlant(settingsOf());
    put(plant, 0, 90);
    await plant.run(at(40));
    plant.beforeChild = () => {
      throw new Error('a bad day');
    };
    await plant.run(at(60));
    plant.beforeChild = () => {};
    await forget(plant, 61);
    await plant.run(at(90));
    expect(rowsLearned(plant)).toBe(50);
  });

  it('learns all of window.history where the pipeline begins anew', async () => {
    const plant = new MemoryPlant(settingsOf());
    put(plant, 0, 90);
    await plant.run(at(40));
    await plant.store.remove(`progress/${PIPELINE}.json`);
    await forget(plant, 41);
    expect(await plant.run(at(90))).toMatchObject({ lateRows: 0, models: { fresh: 1 } });
    expect(rowsLearned(plant)).toBe(90);
  });

  it('has either all its models or none, wherever forgetting dies', async () => {
    let calls = 0;
    for (let dies = 0; ; dies++) {
      const plant = new MemoryPlant(settingsOf());
      put(plant, 0, 100);
      for (const end of [30, 60, 90]) await plant.run(at(end));
      calls = 0;
      plant.store.beforeCall = () => {
        if (calls++ === dies) throw new Killed();
      };
      const done = await forget(plant, 91).then(
        () => true,
        () => false,
      );
      plant.store.beforeCall = () => {};
      expect(await plant.run(at(100))).toMatchObject({ rows: 10, lateRows: 0, failedCount: 0 });
      expect([10, 100], `died at call ${dies}`).toContain(rowsLearned(plant));
      if (rowsLearned(plant) === 10) {
        const files = await plant.store.list(`snapshots/${PIPELINE}/m0`);
        expect(files.filter((file) => file.endsWith('.snapshot'))).toHaveLength(1);
      }
      if (done) break;
    }
    expect(calls).toBeGreaterThan(5);
  });

  it.each([
    ['', {}],
    [', on a grid', { resample: { every: 4000, how: 'mean', fill: 'none', limit: 16_000 } }],
  ] as const)(
    `ends as if nothing had come late, whatever came when and whichever hints were lost (seed ${SEED})%s`,
    async (_what, change) => {
      const random = randomFrom(SEED);
      let rescored = 0;
      for (let round = 0; round < 8; round++) {
        const forgetAt = 100 + Math.floor(random() * 50);
        const rows = Array.from({ length: 250 }, (_, second) => ({
          ...{ machine: 'm0', time: at(second), value: random() < 0.05 ? 300 * random() : 50 + 10 * random() },
          arrives: random() < 0.2 ? second + random() * 59 : second,
        }));
        const plant = new MemoryPlant(settingsOf(change));
        const inOrder = new MemoryPlant(settingsOf(change));
        let last = -1;
        const runUntil = async (end: number) => {
          for (const row of rows) if (row.arrives > last && row.arrives <= end) plant.influx.put(row);
          last = end;
          rescored += (await plant.run(at(end))).rescoredCount;
          if (random() < 0.4) loseHints(plant);
        };
        for (let end = 30; end < forgetAt; end += 5 + random() * 25) await runUntil(end);
        await runUntil(forgetAt);
        await forget(plant, forgetAt + 1);
        for (let end = forgetAt + 2; end < 310; end += 5 + random() * 25) await runUntil(end);
        await runUntil(320);

        for (const row of rows) inOrder.influx.put(row);
        await inOrder.run(at(forgetAt));
        await forget(inOrder, forgetAt + 1);
        await inOrder.run(at(320));
        const context = `seed ${SEED}, round ${round}`;
        expect(Buffer.from(plant.newest('m0') ?? []), context).toEqual(Buffer.from(inOrder.newest('m0') ?? []));
        expect(scoresFrom(plant, at(forgetAt)), context).toEqual(scoresFrom(inOrder, at(forgetAt)));
      }
      expect(rescored).toBeGreaterThan(8);
    },
  );
});

describe('a machine that skipped rows', () => {
  it.each(['report', 'rescore'] as const)('has none late when what was seen is lost (%s)', async (action) => {
    const plant = new MemoryPlant(settingsOf({ late: { within: 60_000, action } }));
    put(plant, 0, 100);
    for (const end of [60, 90]) await plant.run(at(end));
    await skipToOldest(plant, 91);
    expect(await plant.run(at(95))).toMatchObject({ rows: 5, lateRows: 0 });
    expect(rowsLearned(plant)).toBe(65);
    loseHints(plant);
    expect(await plant.run(at(100))).toMatchObject({ rows: 5, lateRows: 0, notRescoredCount: 0, warnings: [] });
    expect(rowsLearned(plant)).toBe(70);
  });

  it('has those late that come after it, and learns them in their place', async () => {
    const plant = new MemoryPlant(settingsOf());
    const inTime = new MemoryPlant(settingsOf());
    for (const either of [plant, inTime]) {
      put(either, 0, 90);
      for (const end of [60, 90]) await either.run(at(end));
      await skipToOldest(either, 91);
      put(either, 95, 100);
      if (either === inTime) put(either, 90, 95);
      await either.run(at(100));
    }
    put(plant, 90, 95);
    plant.influx.put({ machine: 'm0', time: at(80.5), value: 50 });
    loseHints(plant);
    expect(await plant.run(at(110))).toMatchObject({ lateRows: 5, rescored: ['m0'], notRescoredCount: 0 });
    expect(plant.newest('m0')).toEqual(inTime.newest('m0'));
    expect(scoresFrom(plant, at(90))).toEqual(scoresFrom(inTime, at(90)));
  });
});

describe('a new model that leaves out what an old one of other settings learned', () => {
  it('has none of it late, also when the machine was silent at first and what was seen is lost', async () => {
    const plant = new MemoryPlant(settingsOf({ on_settings_change: 'fresh' }));
    put(plant, 0, 90);
    await plant.run(at(90));
    plant.settings = { ...plant.settings, normalise: { x: [0, 300] } };
    await plant.run(at(93));
    put(plant, 93, 100);
    expect(await plant.run(at(96))).toMatchObject({ rows: 3, lateRows: 0 });
    loseHints(plant);
    expect(await plant.run(at(100))).toMatchObject({ rows: 4, lateRows: 0 });
    expect(rowsLearned(plant)).toBe(7);
  });
});
