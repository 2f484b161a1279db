import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { forgetByHand } from '../../src/cli/model/forget.js';
import { msFromNanos } from '../../src/contract/time.js';
import { Snapshots } from '../../src/store/snapshots.js';
import { Killed, type MemoryPlant, PIPELINE } from './memory-plant.js';
import { at, deadRun, nextRun, ODD, ORDINARY, owedBy, plantOf, put, saidBy, untold } from './plant-by-seconds.js';

describe('what a run could not tell', () => {
  it.each(['dead', 'away'] as const)(
    'is told by the next run, once, though the event is over: a run that was %s',
    async (how) => {
      const plant = plantOf();
      await untold(plant, how);
      expect(saidBy(plant)).toEqual([]);
      await nextRun(plant, 60);
      await nextRun(plant, 70);
      expect(saidBy(plant)).toEqual(['event 35-37']);
      expect(await owedBy(plant)).toEqual([]);
    },
  );

  it('is told of a machine that sends nothing any more, and of one whose models were forgotten', async () => {
    for (const isForgotten of [false, true]) {
      const plant = plantOf();
      await untold(plant);
      if (isForgotten) {
        const machine = { storage: plant.store, snapshots: new Snapshots(plant.store), pipeline: PIPELINE };
        await forgetByHand({ ...machine, uniqueId: 'a' }, msFromNanos(at(50)));
      }
      put(plant, 50, 89, ORDINARY, 'b');
      await plant.run(at(70));
      expect(saidBy(plant)).toEqual(['event 35-37']);
      await plant.run(at(90));
      expect(plant.children.map(({ uniqueId }) => uniqueId)).toEqual(['b']);
    }
  });

  it('is told as over of a machine whose models were forgotten while it went on', async () => {
    const plant = plantOf();
    await nextRun(plant, 10);
    put(plant, 10, 49, ORDINARY);
    put(plant, 47, 49, ODD);
    plant.isDown = true;
    await plant.run(at(50));
    plant.isDown = false;
    const machine = { storage: plant.store, snapshots: new Snapshots(plant.store), pipeline: PIPELINE };
    await forgetByHand({ ...machine, uniqueId: 'a' }, msFromNanos(at(50)));
    put(plant, 50, 89, ORDINARY, 'b');
    await plant.run(at(70));
    expect(saidBy(plant)).toEqual(['event 47-49']);
  });

  it('is told apart from the event that is told now, which does not count it', async () => {
    const plant = plantOf();
    await nextRun(plant, 10);
    put(plant, 10, 29, ORDINARY);
    put(plant, 20, 21, ODD);
    put(plant, 27, 29, ODD);
    await deadRun(plant, 30);
    put(plant, 30, 49, ORDINARY);
    put(plant, 40, 41, ODD);
    await plant.run(at(50));
    expect(saidBy(plant)).toEqual(['event 40-41', 'event 27-29 +1']);
    expect(await owedBy(plant)).toEqual([]);
  });

  it('counts the events before it that nobody was told of, also when it is told later', async () => {
    for (const last of [47, 49]) {
      const plant = plantOf();
      await nextRun(plant, 10);
      put(plant, 10, 49, ORDINARY);
      put(plant, 20, 21, ODD);
      put(plant, 47, last, ODD);
      await deadRun(plant, 50);
      await nextRun(plant, 60);
      expect(saidBy(plant)).toEqual([`event 47-${last} +1`]);
    }
  });

  it('is told as the event is by then, and not at all when it is none', async () => {
    for (const [first, last, said] of [
      [37, 37, ['event 35-36']],
      [35, 35, ['event 36-37']],
      [35, 37, []],
    ] as const) {
      const plant = plantOf();
      await untold(plant);
      put(plant, first, last, ORDINARY);
      await nextRun(plant, 60);
      await nextRun(plant, 70);
      expect(saidBy(plant)).toEqual(said);
      expect(await owedBy(plant)).toEqual([]);
    }
  });

  it('is told as it is by then beside a newer event', async () => {
    const plant = plantOf();
    await untold(plant);
    put(plant, 35, 35, ORDINARY);
    put(plant, 50, 69, ORDINARY);
    put(plant, 60, 61, ODD);
    await plant.run(at(70));
    await nextRun(plant, 80);
    expect(saidBy(plant)).toEqual(['event 60-61', 'event 36-37']);
    expect(await owedBy(plant)).toEqual([]);
  });

  it('is not told when it is older than window.catch_up', async () => {
    for (const [catchUpS, said] of [
      [25, ['event 35-37']],
      [20, []],
    ] as const) {
      const plant = plantOf();
      await untold(plant, 'away');
      plant.settings = plantOf(catchUpS).settings;
      await nextRun(plant, 60);
      expect(saidBy(plant)).toEqual(said);
      expect(await owedBy(plant)).toEqual([]);
    }
  });

  it('is told whatever call to the store the run died at, twice only between the message and its record', async () => {
    const history = async (dieAt: number) => {
      const plant = plantOf();
      await nextRun(plant, 10);
      put(plant, 10, 49, ORDINARY);
      put(plant, 35, 37, ODD);
      let calls = 0;
      let isUnrecorded = false;
      plant.store.beforeCall = () => {
        if (calls++ !== dieAt) return;
        isUnrecorded = plant.sent.length > 0;
        throw new Killed();
      };
      await plant.run(at(50)).catch((error) => {
        if (!(error instanceof Killed)) throw error;
      });
      plant.store.beforeCall = () => {};
      await nextRun(plant, 60);
      await nextRun(plant, 70);
      return { calls, isUnrecorded, said: saidBy(plant), owed: await owedBy(plant) };
    };
    const { calls, said } = await history(-1);
    expect(said).toEqual(['event 35-37']);
    for (let dieAt = 0; dieAt < calls; dieAt++) {
      const found = await history(dieAt);
      const most = found.isUnrecorded ? 2 : 1;
      expect(found.said.length, `call ${dieAt}`).toBeGreaterThan(0);
      expect(found.said.length, `call ${dieAt}`).toBeLessThanOrEqual(most);
      expect(found.owed, `call ${dieAt}`).toEqual([]);
    }
  });
});

describe('an event to take back', () => {
  it('is taken back by the next run when the one that lost it could tell nobody and died', async () => {
    const plant = plantOf();
    put(plant, 0, 29, ORDINARY);
    put(plant, 10, 12, ODD);
    await plant.run(at(30));
    put(plant, 10, 12, ORDINARY);
    put(plant, 30, 39, ORDINARY);
    await deadRun(plant, 40);
    await nextRun(plant, 50);
    await nextRun(plant, 60);
    expect(saidBy(plant)).toEqual(['event 10-12', 'revised 10-12']);
    expect(await owedBy(plant)).toEqual([]);
  });

  it('waits for its turn where there are more than ten', async () => {
    const plant = plantOf();
    let end = 0;
    for (let told = 0; told < 14; told++) {
      put(plant, end, end + 7, ORDINARY);
      put(plant, end + 1, end + 2, ODD);
      end += 8;
      await plant.run(at(end));
    }
    expect(plant.sent).toHaveLength(14);
    put(plant, 0, end - 1, ORDINARY);
    const taken: number[] = [];
    for (let run = 1; run <= 3; run++) {
      await nextRun(plant, end + 10 * run);
      taken.push(plant.sent.length - 14);
    }
    expect(taken).toEqual([10, 14, 14]);
    expect(new Set(plant.sent.slice(14).map(({ kind, event }) => `${kind} ${event.key}`)).size).toBe(14);
  });
});

describe('messages that a channel refuses every time', () => {
  /** What each of some runs of ordinary rows said, one a second. */
  async function runs(plant: MemoryPlant, from: number, count: number): Promise<string[][]> {
    const said: string[][] = [];
    for (let run = 1; run <= count; run++) {
      vi.setSystemTime(Date.now() + 1000);
      const before = saidBy(plant).length;
      await nextRun(plant, from + 10 * run);
      said.push(saidBy(plant).slice(before));
    }
    return said;
  }

  /** Fourteen events of two rows in eight, one a run, the first at 1 to 2. */
  async function fourteen(plant: MemoryPlant): Promise<number> {
    vi.useFakeTimers({ toFake: ['Date'], now: 0 });
    onTestFinished(() => void vi.useRealTimers());
    let end = 0;
    for (let event = 0; event < 14; event++) {
      put(plant, end, end + 7, ORDINARY);
      put(plant, end + 1, end + 2, ODD);
      end += 8;
      await plant.run(at(end));
    }
    return end;
  }

  it('keep no other from it: who was asked longest ago has its turn', async () => {
    const plant = plantOf();
    plant.isDown = true;
    const end = await fourteen(plant);
    plant.isDown = false;
    plant.refuses = ({ event }) => BigInt(event.first) < at(80);
    expect(await runs(plant, end, 3)).toEqual([
      [],
      ['81-82', '89-90', '97-98', '105-106'].map((e) => `event ${e}`),
      [],
    ]);
    expect(await owedBy(plant)).toHaveLength(10);
    plant.refuses = () => false;
    const [later = []] = await runs(plant, end + 30, 1);
    expect(later.toSorted()).toEqual(
      Array.from({ length: 10 }, (_, i) => `event ${8 * i + 1}-${8 * i + 2}`).toSorted(),
    );
    expect(await owedBy(plant)).toEqual([]);
  });

  it('keep no other from it that takes an event back either', async () => {
    const plant = plantOf();
    const end = await fourteen(plant);
    put(plant, 0, end - 1, ORDINARY);
    plant.refuses = ({ event }) => BigInt(event.first) < at(80);
    const [none, some = [], ...others] = await runs(plant, end, 3);
    expect([none, some.length, ...others]).toEqual([[], 4, []]);
    // One that comes back meanwhile is the incident that it was.
    put(plant, 73, 74, ODD);
    await runs(plant, end + 30, 1);
    plant.refuses = () => false;
    await runs(plant, end + 40, 1);
    expect(plant.sent.filter(({ event }) => event.first === String(at(73)))).toHaveLength(1);
  });
});

describe('a run that owes nothing', () => {
  it('takes one look at what is owed, whether it has something to tell or not', async () => {
    const plant = plantOf();
    await nextRun(plant, 10);
    const calls: string[] = [];
    plant.store.beforeCall = (verb, key) => {
      if (key.startsWith('owed')) calls.push(`${verb} ${key.replace(/\.\d+\./, '.<first>.')}`);
    };
    put(plant, 10, 19, ORDINARY, 'b');
    await nextRun(plant, 20);
    expect(calls).toEqual(['list owed/p']);
    put(plant, 20, 29, ODD);
    await plant.run(at(30));
    const name = 'owed/p/a.<first>.ops.json';
    expect(calls.slice(1)).toEqual(['list owed/p', `write ${name}`, `remove ${name}`]);
    // It goes on, and its record grows.
    put(plant, 30, 39, ODD);
    await plant.run(at(40));
    expect(calls.slice(4)).toEqual(['list owed/p']);
  });
});
