import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { readSeen } from '../../src/activities/seen-zone.js';
import { HalfspaceError } from '../../src/contract/failures.js';
import type { PipelineSettings } from '../../src/contract/pipeline.js';
import { isoFromNanos } from '../../src/contract/time.js';
import { lateClockOf } from '../../src/shape/late-zone.js';
import { readProgress } from '../../src/store/progress.js';
import { pipelineOf } from '../pipeline.js';
import { MemoryPlant, PIPELINE } from './memory-plant.js';
import { MemoryStore } from './memory-store.js';

const SECOND = 1_000_000_000n;
const START = 1_700_000_000_000_000_000n;

function settingsOf(change: Partial<PipelineSettings> = {}): PipelineSettings {
  return pipelineOf({
    late: { within: 60_000, action: 'report' },
    on_settings_change: 'fresh',
    normalise: { x: [0, 100] },
    detector: { kind: 'half_space_trees', n_trees: 10, height: 6, window_size: 20, seed: 1 },
    verdict: { threshold: 0.8, clear_after: 5000 },
    output: { table: 'scores' },
    alerts: ['ops'],
    ...change,
  });
}

const RESCORE: Partial<PipelineSettings> = { late: { within: 60_000, action: 'rescore' } };

function at(second: number): bigint {
  return START + BigInt(Math.round(second * 1000)) * (SECOND / 1000n);
}

/** Rows a second, all alike but where `odd` says so. */
function put(
  plant: MemoryPlant,
  machine: string,
  from: number,
  to: number,
  odd: (second: number) => boolean = () => false,
) {
  for (let second = from; second < to; second++) {
    plant.influx.put({ machine, time: at(second), value: odd(second) ? 99 : 50 + (second % 3) });
  }
}

/** Score by second. */
function scoresOf(plant: MemoryPlant, machine: string): Map<number, Record<string, string>> {
  const found = new Map<number, Record<string, string>>();
  for (const [key, fields] of plant.influx.scores) {
    const [series = '', time = ''] = key.split(/ (?=-?\d+$)/);
    if (series.includes(`unique_id=${machine},`)) found.set(Number(BigInt(time) - START) / 1e9, fields);
  }
  return found;
}

describe('with nothing late', () => {
  it('the look back costs rows read, and no child, no row given to one, no learning', async () => {
    const plants = [
      new MemoryPlant(settingsOf()),
      new MemoryPlant(settingsOf({ late: { within: 0, action: 'report' } })),
    ];
    const seen: unknown[] = [];
    for (const plant of plants) {
      put(plant, 'a', 0, 300);
      // Sends now and then: silent in two of three windows.
      for (let second = 0; second < 300; second += 35) put(plant, 'b', second, second + 1);
      const children: string[][] = [];
      for (let second = 100; second <= 300; second += 12) {
        const { lateRows, rows, warnings } = await plant.run(at(second));
        expect({ lateRows, warnings }).toEqual({ lateRows: 0, warnings: [] });
        children.push([...plant.children.map(({ uniqueId, rows: own }) => `${uniqueId} ${own}`), `${rows}`]);
      }
      seen.push({ children, scores: plant.influx.scores });
    }
    const [on, off] = plants;
    expect(seen[0]).toEqual(seen[1]);
    expect(on?.influx.rowsRead).toBeGreaterThan(4 * (off?.influx.rowsRead ?? 0));
  });

  it('keeps the hint for the next run, and does without when it is gone', async () => {
    const plant = new MemoryPlant(settingsOf());
    put(plant, 'a', 0, 100);
    put(plant, 'b', 0, 90);
    await plant.run(at(90));
    const { late } = (await readProgress(plant.store, PIPELINE)) ?? {};
    expect(late).toMatchObject({ since: String(at(90 - 300)), seen: { key: expect.stringContaining('/seen-') } });
    await plant.store.remove(late?.seen?.key ?? '');
    expect(await plant.run(at(100))).toMatchObject({ rows: 10, machines: 2, lateRows: 0, warnings: [] });
    put(plant, 'a', 100, 110);
    expect(await plant.run(at(110))).toMatchObject({ rows: 10, machines: 1 });
  });
});

describe('a hint that cannot be read', () => {
  it.each(['runs/p/text', '../p', 'snapshots/p'])('is none: %s', async (key) => {
    const store = new MemoryStore();
    const text = new TextEncoder().encode('not JSON');
    await store.write('runs/p/text', text);
    store.beforeCall = (_verb, asked) => {
      // As stores do with such keys.
      if (asked !== 'runs/p/text') throw new HalfspaceError('BadSettings', 'not a key, or a folder');
    };
    const clock = lateClockOf({ within: 60_000, action: 'report' });
    if (clock === null) throw new Error('Expected a clock');
    const ref = { key, sha256: createHash('sha256').update(text).digest('hex'), bytes: text.length };
    const plan = { window: { from: String(at(0)), to: String(at(1)) } };
    const isUnchanged = await readSeen(store, ref, plan, clock, 'abcdef012345');
    const nothing = { rows: 0, times: new BigInt64Array(), values: new Float64Array() };
    expect(isUnchanged({ uniqueId: 'a', ids: ['a'], ...nothing })).toBe(false);
  });
});

describe('late rows that are reported', () => {
  it('are counted once and change no score', async () => {
    const plant = new MemoryPlant(settingsOf());
    put(plant, 'a', 0, 80);
    put(plant, 'a', 90, 100);
    await plant.run(at(100));
    const before = new Map(scoresOf(plant, 'a'));
    put(plant, 'a', 80, 90);
    put(plant, 'a', 100, 110);
    const result = await plant.run(at(110));
    expect(result).toMatchObject({ rows: 10, lateRows: 10, lateMachines: 1, rescoredCount: 0, loadedRows: 10 });
    expect(result.warnings).toEqual(['at least 10 rows of 1 machine came late: only reported']);
    for (const [second, fields] of before) expect(scoresOf(plant, 'a').get(second)).toEqual(fields);
    expect(scoresOf(plant, 'a').has(85)).toBe(false);
    put(plant, 'a', 110, 120);
    expect(await plant.run(at(120))).toMatchObject({ rows: 10, lateRows: 0, warnings: [] });
  });

  it('are found in a machine that sends nothing else', async () => {
    const plant = new MemoryPlant(settingsOf());
    put(plant, 'a', 0, 100);
    put(plant, 'b', 0, 80);
    put(plant, 'b', 90, 95);
    await plant.run(at(100));
    put(plant, 'b', 80, 90);
    const result = await plant.run(at(110));
    expect(result).toMatchObject({ machines: 1, rows: 0, lateRows: 10, loadedRows: 0 });
    expect(result.warnings).toEqual([
      expect.stringMatching(/^no rows of rows in the window/),
      'at least 10 rows of 1 machine came late: only reported',
    ]);
    expect(await plant.run(at(120))).toMatchObject({ machines: 0, lateRows: 0 });
  });

  it('are learned in their order where the model has learned nothing after them', async () => {
    const plant = new MemoryPlant(settingsOf());
    put(plant, 'a', 0, 80);
    put(plant, 'b', 0, 100);
    await plant.run(at(100));
    put(plant, 'a', 80, 100);
    const result = await plant.run(at(110));
    expect(result).toMatchObject({ machines: 1, rows: 20, lateRows: 20, lateScored: 20, scoresWritten: 20 });
    expect(result.warnings).toEqual(['at least 20 rows of 1 machine came late: scored']);
    const inTime = new MemoryPlant(settingsOf());
    put(inTime, 'a', 0, 100);
    await inTime.run(at(100));
    expect(scoresOf(plant, 'a')).toEqual(scoresOf(inTime, 'a'));
    expect(plant.newest('a')).toEqual(inTime.newest('a'));
  });

  it('are not those of a new machine: it learns all it is given', async () => {
    const plant = new MemoryPlant(settingsOf());
    put(plant, 'a', 0, 100);
    await plant.run(at(100));
    put(plant, 'b', 70, 105);
    expect(await plant.run(at(110))).toMatchObject({ machines: 1, rows: 35, lateRows: 0 });
    expect([...scoresOf(plant, 'b').keys()].sort((x, y) => x - y)).toEqual(
      Array.from({ length: 35 }, (_, i) => 70 + i),
    );
  });

  it('are looked for from the first run after they are switched on, and no earlier', async () => {
    const off = new MemoryPlant(settingsOf({ late: { within: 0, action: 'report' } }));
    put(off, 'a', 0, 80);
    put(off, 'a', 90, 100);
    await off.run(at(100));
    const on = new MemoryPlant(settingsOf(), off);
    put(on, 'a', 80, 90);
    put(on, 'a', 100, 110);
    expect(await on.run(at(110))).toMatchObject({ lateRows: 0, rows: 10 });
    put(on, 'a', 110, 118);
    put(on, 'a', 119, 120);
    expect(await on.run(at(120))).toMatchObject({ lateRows: 0 });
    put(on, 'a', 118, 119);
    expect(await on.run(at(130))).toMatchObject({ lateRows: 1 });
  });

  it('are not what a changed setting leaves out', async () => {
    const before = new MemoryPlant(settingsOf());
    put(before, 'a', 0, 110);
    await before.run(at(100));
    const after = new MemoryPlant(settingsOf({ normalise: { x: [0, 200] } }), before);
    expect(await after.run(at(110))).toMatchObject({ rows: 10, lateRows: 0, models: { fresh: 1 } });
    put(after, 'a', 110, 120);
    expect(await after.run(at(120))).toMatchObject({ rows: 10, lateRows: 0 });
    // To a new model nothing is late that lies before its beginning.
    for (const second of [95, 105]) after.influx.put({ machine: 'a', time: at(second) + 1n, value: 50 });
    expect(await after.run(at(130))).toMatchObject({ lateRows: 1 });
  });

  it('do not belong to what is expected of the window', async () => {
    const expectations = { after_load: [{ min_rows: 11, otherwise: 'warn' }], after_transform: [] } as const;
    const plant = new MemoryPlant(settingsOf({ expectations }));
    put(plant, 'a', 0, 110);
    await plant.run(at(100));
    expect((await plant.run(at(110))).warnings).toEqual([expect.stringMatching(/at least 11 rows, found 10/)]);
  });
});

describe('late rows that cannot be rescored', () => {
  it('are counted, and the run says which machine and why', async () => {
    const plant = new MemoryPlant(settingsOf(RESCORE));
    for (let second = 20; second <= 200; second += 20) {
      if (second === 180) continue;
      put(plant, 'a', second - 20, second);
      await plant.run(at(second));
    }
    const snapshots = [...plant.store.objects.keys()].filter((key) => key.startsWith('snapshots/')).sort();
    for (const key of snapshots.slice(0, -1)) await plant.store.remove(key);
    const before = new Map(plant.influx.scores);
    put(plant, 'a', 160, 180);
    const result = await plant.run(at(210));
    expect(result).toMatchObject({ lateRows: 20, rescoredCount: 0, notRescoredCount: 1, failedCount: 0 });
    expect(result.notRescored).toEqual([
      { uniqueId: 'a', reason: expect.stringMatching(/^no model from before them/) },
    ]);
    expect(result.warnings).toContainEqual(expect.stringMatching(/could only be counted: 1, e\.g\. a: no model from/));
    expect(plant.influx.scores).toEqual(before);
    expect(await plant.run(at(215))).toMatchObject({ lateRows: 0, notRescoredCount: 0 });
  });

  it('say from where on late rows can be learned again, where rescoring was asked for after the first run, and then can', async () => {
    const plant = new MemoryPlant(settingsOf({ late: null }));
    put(plant, 'a', 0, 100);
    await plant.run(at(100));
    plant.settings = settingsOf(RESCORE);
    put(plant, 'a', 100, 101);
    put(plant, 'a', 104, 110);
    await plant.run(at(120));
    put(plant, 'a', 120, 125);
    put(plant, 'a', 128, 130);
    await plant.run(at(140));
    put(plant, 'a', 101, 104);
    const { notRescored, warnings } = await plant.run(at(150));
    const until = isoFromNanos(at(109) + 1n);
    const text = `no model from before them can be gone back to, as those before \`late\` was set, or no longer kept, cannot; late rows from ${until} on can be scored again`;
    expect(notRescored).toEqual([{ uniqueId: 'a', reason: text }]);
    expect(warnings.at(-1)).toContain(`e.g. a: ${text}`);
    put(plant, 'a', 125, 128);
    expect(await plant.run(at(160))).toMatchObject({ lateRows: 3, rescoredCount: 1, notRescoredCount: 0 });
  });

  it('go past a damaged model to the one before it', async () => {
    const plant = new MemoryPlant(settingsOf(RESCORE));
    for (let second = 20; second <= 200; second += 20) {
      if (second !== 180) put(plant, 'a', second - 20, second);
      if (second !== 180) await plant.run(at(second));
    }
    const snapshots = [...plant.store.objects.keys()].filter((key) => key.startsWith('snapshots/')).sort();
    plant.store.objects.set(snapshots.at(-2) ?? '', new Uint8Array([1, 2, 3]));
    put(plant, 'a', 160, 180);
    expect(await plant.run(at(210))).toMatchObject({ lateRows: 20, rescored: ['a'], notRescoredCount: 0 });
    const inTime = new MemoryPlant(settingsOf(RESCORE));
    put(inTime, 'a', 0, 200);
    await inTime.run(at(200));
    expect(scoresOf(plant, 'a')).toEqual(scoresOf(inTime, 'a'));
  });
});

describe('what was told before late rows came', () => {
  const isOdd = (second: number) => second >= 240 && second < 243;

  /** The event at 240 was told; then the rows before it come, which make it ordinary. */
  async function toldTooEarly(): Promise<MemoryPlant> {
    const plant = new MemoryPlant(settingsOf(RESCORE));
    put(plant, 'a', 0, 200);
    put(plant, 'a', 240, 260, isOdd);
    await plant.run(at(200));
    await plant.run(at(260));
    expect(plant.sent.map(({ kind, event }) => [kind, event.first])).toEqual([['event', String(at(240))]]);
    return plant;
  }

  function comeLate(plant: MemoryPlant): void {
    put(plant, 'a', 200, 240, () => true);
  }

  it('is taken back once when it is none any more, and a new event is told as found late', async () => {
    const plant = await toldTooEarly();
    comeLate(plant);
    const result = await plant.run(at(270));
    expect(result).toMatchObject({ rescored: ['a'], lateRows: 40 });
    const told = plant.sent.slice(1).map(({ kind, event, isFoundLate }) => [kind, event.first, isFoundLate]);
    expect(told).toContainEqual(['revised', String(at(240)), true]);
    expect(result.alerts.filter(({ kind }) => kind === 'revised')).toMatchObject([{ status: 'delivered' }]);
    const fresh = told.filter(([kind]) => kind === 'event');
    // After forty rows like them the three at 240 are ordinary, and the return to the old level is not.
    expect(fresh).toEqual([['event', String(at(243)), true]]);
    put(plant, 'a', 270, 280);
    await plant.run(at(280));
    comeLate(plant);
    await plant.run(at(290));
    expect(plant.sent).toHaveLength(3);
  });

  it('is taken back by a later run when the channel was down, and then once', async () => {
    const plant = await toldTooEarly();
    comeLate(plant);
    plant.isDown = true;
    const down = await plant.run(at(270));
    expect(down.alerts.every(({ status }) => status === 'failed')).toBe(true);
    expect(down.lagging).toBe(1);
    plant.isDown = false;
    const up = await plant.run(at(280));
    expect(up.alerts.filter(({ kind }) => kind === 'revised')).toMatchObject([{ status: 'delivered' }]);
    await plant.run(at(290));
    expect(plant.sent.filter(({ kind }) => kind === 'revised')).toHaveLength(1);
  });

  it('stays told when it only begins earlier', async () => {
    const plant = new MemoryPlant(settingsOf(RESCORE));
    put(plant, 'a', 0, 200);
    put(plant, 'a', 203, 206, () => true);
    await plant.run(at(200));
    await plant.run(at(206));
    expect(plant.sent.map(({ event }) => event.first)).toEqual([String(at(203))]);
    put(plant, 'a', 200, 203, () => true);
    const result = await plant.run(at(210));
    expect(result).toMatchObject({ rescored: ['a'], alerts: [] });
    put(plant, 'a', 206, 207, () => true);
    await plant.run(at(215));
    expect(plant.sent).toHaveLength(1);
  });
});
