import { describe, expect, it } from 'vitest';
import { alertSummary } from '../../src/alerts/message.js';
import { pipelineSchema } from '../../src/config/pipeline-schema.js';
import type { PipelineSettings } from '../../src/contract/pipeline.js';
import { readProgress } from '../../src/store/progress.js';
import { Killed, MemoryPlant, PIPELINE } from './memory-plant.js';

const SECOND = 1_000_000_000n;
const START = 1_700_000_000_000_000_000n;

function settingsOf(verdict: object = {}): PipelineSettings {
  return pipelineSchema.parse({
    source: { table: 'rows', id: ['m'], values: ['x'] },
    window: { history: '5m', settle: '0s', catch_up: '1d' },
    late: { within: '1m' },
    on_settings_change: 'fresh',
    normalise: { x: [0, 100] },
    detector: { kind: 'half_space_trees', n_trees: 10, height: 6, window_size: 20, seed: 1 },
    verdict: { clear_after: '5s', stale_after: '1m', ...verdict },
    output: { table: 'scores' },
    alerts: ['ops'],
  });
}

function at(second: number): bigint {
  return START + BigInt(second) * SECOND;
}

function put(plant: MemoryPlant, machine: string, from: number, to: number) {
  for (let second = from; second < to; second++) {
    plant.influx.put({ machine, time: at(second), value: 50 + (second % 3) });
  }
}

/** Runs at 100, 130 … 310; `b` stops at 100. */
async function stopped(plant: MemoryPlant, until = 310): Promise<number[]> {
  put(plant, 'a', 0, until);
  put(plant, 'b', 0, 100);
  const told: number[] = [];
  for (let second = 100; second <= until; second += 30) {
    const before = plant.sent.length;
    await plant.run(at(second));
    if (plant.sent.length > before) told.push(second);
  }
  return told;
}

describe('a machine that stops sending', () => {
  it('is told of once, by the first run after stale_after, and is no event any more when it sends again', async () => {
    const plant = new MemoryPlant(settingsOf());
    expect(await stopped(plant)).toEqual([160]);
    expect(plant.sent.map((alert) => alertSummary(alert))).toEqual([
      'No rows from b (p) since 2023-11-14 22:14:59 UTC',
    ]);
    expect(plant.sent[0]?.event).toMatchObject({ uniqueId: 'b', rows: 0, worst: { cause: 'silent' } });

    put(plant, 'b', 310, 320);
    const back = await plant.run(at(340));
    expect(back.warnings).toEqual(['machines that were silent and send rows again: 1, e.g. b']);
    const again = await plant.run(at(400));
    expect(again.warnings).toEqual([
      'no rows of rows in the window from 2023-11-14T22:19:00Z to 2023-11-14T22:20:00Z',
      'machines without rows for verdict.stale_after: 2, e.g. a (last row 2023-11-14T22:18:29Z)',
    ]);
    expect(plant.sent.map(({ event }) => event.uniqueId)).toEqual(['b', 'a', 'b']);
    expect(again.events).toBe(2);
  });

  it('costs one child and no other until it sends again', async () => {
    const plant = new MemoryPlant(settingsOf());
    await stopped(plant, 160);
    expect(plant.children.map(({ uniqueId, rows }) => [uniqueId, rows])).toEqual([
      ['a', 30],
      ['b', 0],
    ]);
    put(plant, 'a', 160, 190);
    await plant.run(at(190));
    expect(plant.children.map(({ uniqueId }) => uniqueId)).toEqual(['a']);
  });

  it('is told of by the next run that can, when the channel was down or the child failed', async () => {
    const plant = new MemoryPlant(settingsOf());
    plant.isDown = true;
    expect(await stopped(plant, 160)).toEqual([]);
    plant.isDown = false;
    plant.beforeChild = (uniqueId) => {
      if (uniqueId === 'b') throw new Error('poison');
    };
    put(plant, 'a', 160, 250);
    await plant.run(at(190));
    expect(plant.sent).toEqual([]);
    plant.beforeChild = () => {};
    await plant.run(at(220));
    await plant.run(at(250));
    expect(plant.sent.map(({ event }) => event.uniqueId)).toEqual(['b']);
  });

  it('is told of once when a run dies on the way, wherever that is', async () => {
    const calls = async (dieAt: number) => {
      const plant = new MemoryPlant(settingsOf());
      await stopped(plant, 130);
      put(plant, 'a', 130, 160);
      let count = 0;
      plant.store.beforeCall = () => {
        if (count++ === dieAt) throw new Killed();
      };
      await plant.run(at(160)).catch((error) => {
        if (!(error instanceof Killed)) throw error;
      });
      plant.store.beforeCall = () => {};
      put(plant, 'a', 160, 220);
      await plant.run(at(190));
      await plant.run(at(220));
      return { count, told: plant.sent.map(({ event }) => event.uniqueId) };
    };
    const { count, told } = await calls(-1);
    expect(told).toEqual(['b']);
    for (let dieAt = 0; dieAt < count; dieAt++) {
      const { told: stillTold } = await calls(dieAt);
      // A death between the post and its record cannot be told from one before the post.
      expect(new Set(stillTold), `died at call ${dieAt}`).toEqual(new Set(['b']));
      expect(stillTold.length, `died at call ${dieAt}`).toBeLessThanOrEqual(2);
    }
  });

  it('is nobody to miss where it is retired on purpose, or where nobody asks', async () => {
    for (const verdict of [{ machines: { b: { stale_after: null } } }, { stale_after: null }]) {
      const plant = new MemoryPlant(settingsOf(verdict));
      expect(await stopped(plant)).toEqual([]);
    }
  });

  it('is missed in silence itself: its open event and its rows stay what they are', async () => {
    const plant = new MemoryPlant(settingsOf());
    await stopped(plant, 130);
    const before = plant.newest('b');
    await plant.run(at(160));
    expect(plant.newest('b')).toEqual(before);
  });

  it('leaves one note of the fleet in the store, and none once nobody asks', async () => {
    const plant = new MemoryPlant(settingsOf());
    await stopped(plant);
    const notes = () => [...plant.store.objects.keys()].filter((key) => key.startsWith('heard/'));
    const { heard } = (await readProgress(plant.store, PIPELINE)) ?? {};
    expect(notes()).toEqual([heard?.key]);
    plant.settings = settingsOf({ stale_after: null });
    await plant.run(at(340));
    expect(notes()).toEqual([]);
  });
});
