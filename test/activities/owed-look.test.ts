import { describe, expect, it } from 'vitest';
import { PIPELINE } from './memory-plant.js';
import { at, nextRun, ODD, ORDINARY, owedBy, plantOf, put, saidBy, textOf, untold } from './plant-by-seconds.js';

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
