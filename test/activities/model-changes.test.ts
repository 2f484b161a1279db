import { describe, expect, it } from 'vitest';
import type { PipelineSettings } from '../../src/contract/pipeline.js';
import { AlertRecords } from '../../src/store/alert-records.js';
import { pipelineOf } from '../pipeline.js';
import { randomFrom, testSeed } from '../random.js';
import { Killed, MemoryPlant, PIPELINE } from './memory-plant.js';

const SECOND = 1_000_000_000n;
/** Aligned to nothing. */
const START = 1_700_000_001_234_567_890n;
const MACHINES = ['m0', 'm1'];
const SEED = testSeed();

function settingsOf(change: Partial<PipelineSettings> = {}): PipelineSettings {
  return pipelineOf({ late: { within: 60_000, action: 'report' }, output: { table: 'scores' }, ...change });
}

const OTHER_DETECTOR = { kind: 'half_space_trees', n_trees: 5, height: 3, window_size: 12, seed: 2 } as const;

/** Seconds after START. */
function at(seconds: number): bigint {
  return START + BigInt(seconds) * SECOND;
}

function putRows(plant: MemoryPlant, random: () => number, from: number, to: number): void {
  for (const machine of MACHINES) {
    for (let second = from; second < to; second++) {
      const value = random() < 0.03 ? 300 * random() : 50 + 10 * random();
      plant.influx.put({ machine, time: at(second) + BigInt(Math.floor(random() * 1e9)), value });
    }
  }
}

/** A plant whose rows of ten minutes are there from the beginning. */
function fullPlant(settings: PipelineSettings = settingsOf()): MemoryPlant {
  const plant = new MemoryPlant(settings);
  putRows(plant, randomFrom(SEED), 0, 600);
  return plant;
}

function models(plant: MemoryPlant): string[] {
  return MACHINES.map((machine) => Buffer.from(plant.newest(machine) ?? []).toString('hex'));
}

function scoresFrom(plant: MemoryPlant, from: bigint): [string, Record<string, string>][] {
  const scores = [...plant.influx.scores].filter(([key]) => BigInt(key.split(' ').at(-1) ?? '') >= from);
  return scores.sort(([a], [b]) => (a < b ? -1 : 1));
}

function snapshotKeys(plant: MemoryPlant, machine = 'm0', root = 'snapshots'): string[] {
  return [...plant.store.objects.keys()].filter((key) => key.startsWith(`${root}/${PIPELINE}/${machine}/`)).sort();
}

function damage(plant: MemoryPlant, key: string | undefined): void {
  const bytes = plant.store.objects.get(key ?? '');
  if (bytes === undefined) throw new Error(`Expected an object ${key}`);
  bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1;
}

/** Runs in peace over all rows, for comparing. */
async function undisturbed(ends: readonly number[]): Promise<MemoryPlant> {
  const plant = fullPlant();
  for (const end of ends) await plant.run(at(end));
  return plant;
}

describe(`a machine whose newest snapshot is damaged (seed ${SEED})`, () => {
  it('is named, and ends after the next run where it would have been', async () => {
    const plant = fullPlant();
    for (const end of [100, 200, 300]) await plant.run(at(end));
    const [, , newest] = snapshotKeys(plant);
    damage(plant, newest);

    const named = await plant.run(at(400));
    expect(named).toMatchObject({ done: 1, failedCount: 0, damagedCount: 1, lagging: 1, warnings: [] });
    expect(named.damaged[0]).toMatchObject({ uniqueId: 'm0', reason: expect.stringContaining(newest ?? '') });
    const healed = await plant.run(at(500));
    expect(healed).toMatchObject({ done: 2, damagedCount: 1, lagging: 0, lateRows: 0 });

    const peace = await undisturbed([100, 200, 300, 400, 500]);
    expect(models(plant)).toEqual(models(peace));
    expect(scoresFrom(plant, 0n)).toEqual(scoresFrom(peace, 0n));
    expect(snapshotKeys(plant)).not.toContain(newest);
    expect(snapshotKeys(plant, 'm0', 'damaged')).toEqual([newest?.replace('snapshots/', 'damaged/')]);
    expect(await plant.run(at(600))).toMatchObject({ done: 2, damagedCount: 0 });
  });

  it('loses nothing when the run that found it dies before it could say so', async () => {
    const plant = fullPlant();
    for (const end of [100, 200, 300]) await plant.run(at(end));
    damage(plant, snapshotKeys(plant).at(-1));
    plant.store.beforeCall = (verb, key) => {
      if (verb === 'write' && key.startsWith('progress/')) throw new Error('dead');
    };
    await expect(plant.run(at(400))).rejects.toThrow('dead');
    plant.store.beforeCall = () => {};
    for (const end of [450, 500]) await plant.run(at(end));
    expect(models(plant)).toEqual(models(await undisturbed([100, 200, 300, 450, 500])));
  });

  it('passes over all that are damaged, and over one of another machine', async () => {
    const plant = fullPlant();
    for (const end of [100, 200, 300]) await plant.run(at(end));
    const [first, second, third] = snapshotKeys(plant);
    damage(plant, third);
    const foreign = plant.store.objects.get(snapshotKeys(plant, 'm1')[1] ?? '') ?? new Uint8Array();
    const foreignName = snapshotKeys(plant, 'm1')[1]?.split('/').at(-1) ?? '';
    plant.store.objects.delete(second ?? '');
    plant.store.objects.set(`snapshots/${PIPELINE}/m0/${foreignName}`, foreign);
    for (const end of [400, 500]) await plant.run(at(end));
    expect(models(plant)).toEqual(models(await undisturbed([100, 200, 300, 400, 500])));
    expect(snapshotKeys(plant, 'm0', 'damaged')).toHaveLength(2);
    expect(snapshotKeys(plant)).toContain(first);
  });

  it('begins anew from window.history when no snapshot is left', async () => {
    const plant = fullPlant();
    for (const end of [100, 200]) await plant.run(at(end));
    for (const key of snapshotKeys(plant)) damage(plant, key);
    expect(await plant.run(at(400))).toMatchObject({ done: 1, damagedCount: 1, lagging: 1 });
    expect(await plant.run(at(500))).toMatchObject({ done: 2, models: { fresh: 1 }, lagging: 0 });
    const model = Buffer.from(plant.newest('m0') ?? []);
    // Learned: all rows from 400 - 300 s on; the look back for late rows may add a little before.
    expect(model.readDoubleLE(16)).toBeGreaterThanOrEqual(399);
  });

  it('waits for no rows that window.catch_up leaves out', async () => {
    const plant = fullPlant(settingsOf({ window: { history: 300_000, settle: 0, catch_up: 110_000, chunk: null } }));
    for (const end of [100, 200, 300]) await plant.run(at(end));
    for (const key of snapshotKeys(plant).slice(1)) damage(plant, key);
    expect(await plant.run(at(400))).toMatchObject({ damagedCount: 1, lagging: 1 });
    expect(await plant.run(at(500))).toMatchObject({ done: 2, lagging: 0 });
  });
});

describe(`changed learning settings (seed ${SEED})`, () => {
  it('are a first start over the same history where they are to be learned again', async () => {
    const plant = fullPlant();
    for (const end of [200, 400]) await plant.run(at(end));
    plant.settings = settingsOf({ detector: OTHER_DETECTOR });
    const changed = await plant.run(at(500));
    const first = fullPlant(plant.settings);
    expect(await first.run(at(500))).toMatchObject({ warnings: [], window: changed.window, models: { fresh: 2 } });
    expect(changed).toMatchObject({ models: { fresh: 2, cached: 0, loaded: 0 }, lateRows: 0 });
    expect(changed.warnings).toEqual([expect.stringMatching(/^learning settings changed: .* from .*relearn/)]);
    expect(models(plant)).toEqual(models(first));
    expect(scoresFrom(plant, at(200))).toEqual(scoresFrom(first, at(200)));

    // And so it goes on.
    for (const either of [plant, first]) expect(await either.run(at(600))).toMatchObject({ warnings: [], rows: 200 });
    expect(models(plant)).toEqual(models(first));
  });

  it('tell nobody again of an incident whose first row the new model sees elsewhere', async () => {
    const random = randomFrom(SEED);
    const plant = new MemoryPlant(
      settingsOf({ alerts: ['ops'], normalise: { x: [0, 300] }, verdict: { threshold: 0.7, clear_after: 60_000 } }),
    );
    // A value that rises in steps: how soon it is anomalous is up to the trees.
    const fault = (second: number) => (second < 350 ? 0 : 3 * (second - 345));
    for (let second = 0; second < 600; second++) {
      plant.influx.put({ machine: 'm0', time: at(second), value: 50 + 10 * random() + fault(second) });
    }
    await plant.run(at(340));
    plant.sent.length = 0;
    await plant.run(at(400));
    expect(plant.sent.map(({ event }) => event.uniqueId)).toEqual(['m0']);
    const told = plant.sent[0]?.event.first;
    plant.settings = { ...plant.settings, detector: { ...OTHER_DETECTOR, n_trees: 25, height: 6, seed: 7 } };
    await plant.run(at(420));
    const stretch = { from: String(at(340)), until: String(at(600)) };
    const records = await new AlertRecords(plant.store).incidents(PIPELINE, 'm0', 'ops', stretch);
    expect(records.map(({ event }) => event.first)).toContain(told);
    expect(plant.sent).toHaveLength(1);
  });

  it('reach further back than window.history where rows are due from before it', async () => {
    const plant = fullPlant(settingsOf({ window: { history: 50_000, settle: 0, catch_up: 100_000_000, chunk: null } }));
    await plant.run(at(100));
    plant.settings = { ...plant.settings, detector: OTHER_DETECTOR };
    expect((await plant.run(at(300))).window.from).toBe(String(at(100)));
  });

  it('take a machine along that failed meanwhile', async () => {
    const plant = fullPlant();
    await plant.run(at(400));
    plant.beforeChild = (uniqueId) => {
      if (uniqueId === 'm0') throw new Error('a bad day');
    };
    await plant.run(at(410));
    plant.settings = settingsOf({ detector: OTHER_DETECTOR });
    await plant.run(at(420));
    plant.beforeChild = () => {};
    expect(await plant.run(at(500))).toMatchObject({ done: 2, lagging: 0 });
    const first = fullPlant(plant.settings);
    await first.run(at(420));
    await first.run(at(500));
    expect(models(plant)).toEqual(models(first));
  });

  it('begin new models with the rows that come next where that is set', async () => {
    const plant = fullPlant();
    await plant.run(at(400));
    plant.settings = settingsOf({ detector: OTHER_DETECTOR, on_settings_change: 'fresh' });
    const changed = await plant.run(at(500));
    expect(changed).toMatchObject({ rows: 200, models: { fresh: 2 }, window: { from: String(at(400)) } });
    expect(changed.warnings).toEqual([expect.stringMatching(/^learning settings changed: .*fresh/)]);
  });

  it.each(['relearn', 'fresh'] as const)(
    'that are taken back after a run of theirs died cost nothing (%s)',
    async (how) => {
      const window = { history: 1_000_000, settle: 0, catch_up: 100_000_000, chunk: null };
      const own = settingsOf({ on_settings_change: how, window });
      const plant = fullPlant(own);
      for (const end of [200, 400]) await plant.run(at(end));
      const die = async (end: number) => {
        plant.beforeChild = (uniqueId) => {
          if (uniqueId === 'm1') throw new Killed();
        };
        await expect(plant.run(at(end))).rejects.toThrow(Killed);
        plant.beforeChild = () => {};
      };
      plant.settings = { ...own, detector: OTHER_DETECTOR };
      await die(450);
      plant.settings = own;
      // One that learns anew may die, too.
      await die(460);
      const back = await plant.run(at(500));
      expect(back).toMatchObject({ done: 2, lagging: 0, models: { fresh: 0 } });
      expect(await plant.run(at(600))).toMatchObject({ warnings: [], rows: 200, models: { fresh: 0 } });

      const peace = fullPlant(own);
      for (const end of [200, 400, 500, 600]) await peace.run(at(end));
      expect(models(plant)).toEqual(models(peace));
      // Of what the dead run has written over, only models that learn anew write it again.
      const since = how === 'relearn' ? 0 : 400;
      expect(scoresFrom(plant, at(since))).toEqual(scoresFrom(peace, at(since)));
    },
  );
});
