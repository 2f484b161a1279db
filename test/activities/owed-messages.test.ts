import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { forgetByHand } from '../../src/cli/model/forget.js';
import { msFromNanos } from '../../src/contract/time.js';
import { Snapshots } from '../../src/store/snapshots.js';
import { pipelineOf } from '../pipeline.js';
import { Killed, MemoryPlant, PIPELINE } from './memory-plant.js';

const SECOND = 1_000_000_000n;
const START = 1_700_000_000_000_000_000n;
const ORDINARY = 50;
const ODD = 200;

function plantOf(catchUpS = 100_000): MemoryPlant {
  return new MemoryPlant(
    pipelineOf({
      late: { within: 120_000, action: 'rescore' },
      normalise: 'none',
      window: { history: 600_000, settle: 0, catch_up: catchUpS * 1000, chunk: null },
      detector: { kind: 'threshold', low: null, high: 100 },
      verdict: { threshold: 0.5, clear_after: 3000 },
      alerts: ['ops'],
    }),
  );
}

function at(second: number): bigint {
  return START + BigInt(second) * SECOND;
}

/** A row a second, from the first to the last given. */
function put(plant: MemoryPlant, first: number, last: number, value: number, machine = 'a'): void {
  for (let second = first; second <= last; second++) plant.influx.put({ machine, time: at(second), value });
}

/** A run up to a second, of ten more ordinary rows. */
async function nextRun(plant: MemoryPlant, until: number) {
  put(plant, until - 10, until - 1, ORDINARY);
  return plant.run(at(until));
}

function saidBy(plant: MemoryPlant): string[] {
  const second = (time: string): number => Number((BigInt(time) - START) / SECOND);
  return plant.sent.map(({ kind, event: { first, last, open, earlier } }) => {
    const before = earlier === undefined ? '' : ` +${earlier.events}`;
    return `${kind} ${second(first)}-${second(last)}${open ? ' open' : ''}${before}`;
  });
}

async function owedBy({ store }: MemoryPlant): Promise<string[]> {
  return store.list(`owed/${PIPELINE}`);
}

async function textOf({ store }: MemoryPlant, key: string): Promise<string> {
  return new TextDecoder().decode((await store.read(key)) ?? new Uint8Array());
}

/** A run that finds no channel and dies before it can note what it owes: its machines have learned their rows. */
async function deadRun(plant: MemoryPlant, until: number): Promise<void> {
  plant.isDown = true;
  plant.store.beforeCall = (verb, key) => {
    if (verb === 'write' && key.startsWith('progress/')) throw new Killed();
  };
  await expect(plant.run(at(until))).rejects.toThrow(Killed);
  plant.store.beforeCall = () => {};
  plant.isDown = false;
}

/** Rows up to 50 with an event in 35 to 37 that nobody was told of, by a run that died or by one that did not. */
async function untold(plant: MemoryPlant, how: 'dead' | 'away' = 'dead'): Promise<void> {
  await nextRun(plant, 10);
  put(plant, 10, 49, ORDINARY);
  put(plant, 35, 37, ODD);
  if (how === 'dead') return deadRun(plant, 50);
  plant.isDown = true;
  await plant.run(at(50));
  plant.isDown = false;
}

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

describe('a channel that is taken out of a pipeline while it owes', () => {
  it('is named by each run with what it owes, and tells it when it is put back', async () => {
    const plant = plantOf();
    await untold(plant, 'away');
    plant.settings = { ...plant.settings, alerts: [] };
    for (const end of [60, 70]) {
      expect((await nextRun(plant, end)).warnings).toEqual([
        'messages are owed by the channel `ops`, which this pipeline does not have any more: 1, of events from 2023-11-14T22:13:55Z on; put it back to have them sent; they are given up when they are older than window.catch_up',
      ]);
    }
    plant.settings = { ...plant.settings, alerts: ['ops'] };
    expect((await nextRun(plant, 80)).warnings).toEqual([]);
    expect(saidBy(plant)).toEqual(['event 35-37']);
    expect(await owedBy(plant)).toEqual([]);
  });

  it('is forgotten with what is older than window.catch_up, and that is said', async () => {
    const plant = plantOf(30);
    await untold(plant, 'away');
    plant.settings = { ...plant.settings, alerts: [] };
    await nextRun(plant, 60);
    expect(await owedBy(plant)).toHaveLength(1);
    expect((await nextRun(plant, 70)).warnings).toEqual([
      expect.stringMatching(/`ops`.*: 1, of .*; they are older than window\.catch_up and given up$/),
    ]);
    expect(await owedBy(plant)).toEqual([]);
    expect((await nextRun(plant, 80)).warnings).toEqual([]);
  });
});

describe('a run that waits in vain for rows', () => {
  const inVain = { rows: 1, pipeline: null, limit: 0, every: 1000, otherwise: 'skip' } as const;

  it('tells all the same what is owed, moves nothing, and is skipped when nothing is', async () => {
    const plant = plantOf();
    await untold(plant, 'away');
    plant.settings = {
      ...plant.settings,
      wait_for: inVain,
      expectations: { after_load: [{ min_rows: 1, otherwise: 'fail' }], after_transform: [] },
    };
    const progress = JSON.parse(await textOf(plant, `progress/${PIPELINE}.json`));
    const { window, rows, warnings } = await plant.run(at(60));
    expect(saidBy(plant)).toEqual(['event 35-37']);
    expect(window).toEqual({ from: String(at(50)), to: String(at(50)) });
    expect({ rows, warnings }).toEqual({
      rows: 0,
      warnings: [
        expect.stringMatching(
          /^waited until \S+ in vain for rows of rows from \S+ on; no new rows are read, but what earlier runs could not tell is told$/,
        ),
      ],
    });
    const after = JSON.parse(await textOf(plant, `progress/${PIPELINE}.json`));
    expect({ ...after, lagging: 0, late: 0 }).toEqual({ ...progress, lagging: 0, late: 0 });
    await expect(plant.run(at(70))).rejects.toThrow('skipped');
    plant.settings = { ...plant.settings, wait_for: null };
    put(plant, 50, 79, ORDINARY);
    expect(await plant.run(at(80))).toMatchObject({ rows: 30, window: { from: String(at(50)) } });
    expect(saidBy(plant)).toEqual(['event 35-37']);
  });

  it('learns late rows then, with the same models and scores as one that had rows', async () => {
    const ends = await Promise.all(
      [inVain, null].map(async (wait_for) => {
        const plant = plantOf();
        await untold(plant, 'away');
        put(plant, 40, 41, ODD);
        put(plant, 44, 44, ODD);
        plant.settings = { ...plant.settings, wait_for };
        if (wait_for !== null) await plant.run(at(60));
        plant.settings = { ...plant.settings, wait_for: null };
        const told = saidBy(plant).length;
        put(plant, 50, 79, ORDINARY);
        await plant.run(at(80));
        await nextRun(plant, 90);
        return { told, said: saidBy(plant), scores: plant.influx.scores, learned: plant.newest('a')?.length };
      }),
    );
    const [waited, ran] = ends;
    expect(waited?.told).toBeGreaterThan(0);
    expect(ran?.told).toBe(0);
    expect(waited?.said).toEqual(ran?.said);
    expect(waited?.scores).toEqual(ran?.scores);
    expect(waited?.learned).toBe(ran?.learned);
  });

  it('is skipped though it owes where it would begin new models', async () => {
    const plant = plantOf();
    await untold(plant, 'away');
    plant.settings = { ...plant.settings, wait_for: inVain, detector: { kind: 'threshold', low: null, high: 101 } };
    await expect(plant.run(at(60))).rejects.toThrow('skipped');
    expect(saidBy(plant)).toEqual([]);
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
