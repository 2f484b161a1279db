import { describe, expect, it } from 'vitest';
import { pipelineOf } from '../pipeline.js';
import { MemoryPlant } from './memory-plant.js';

const SECOND = 1_000_000_000n;
const START = 1_700_000_000_000_000_000n;

const SETTINGS = pipelineOf({
  normalise: { x: [0, 100] },
  detector: { kind: 'half_space_trees', n_trees: 10, height: 6, window_size: 20, seed: 1 },
  verdict: { threshold: 0.8, clear_after: 5000 },
  alerts: ['ops'],
});

function at(second: number): bigint {
  return START + BigInt(second) * SECOND;
}

/** Rows a second, all alike but the odd ones. */
function put(plant: MemoryPlant, from: number, to: number, odd: readonly number[] = []): void {
  for (let second = from; second < to; second++) {
    plant.influx.put({ machine: 'a', time: at(second), value: odd.includes(second) ? 99 : 50 + (second % 3) });
  }
}

describe('a window with several events of a machine', () => {
  it('is told by the newest, which says how many there were before it', async () => {
    const plant = new MemoryPlant(SETTINGS);
    put(plant, 0, 200, [100, 101, 130, 160]);
    expect(await plant.run(at(200))).toMatchObject({ anomalies: 4, events: 3 });
    expect(plant.sent.map(({ event }) => [event.first, event.earlier])).toEqual([
      [String(at(160)), { events: 2, rows: 3, since: String(at(100)) }],
    ]);
  });

  it('leaves out those before it that people know of', async () => {
    const plant = new MemoryPlant(SETTINGS);
    put(plant, 0, 160, [158]);
    await plant.run(at(160));
    put(plant, 160, 220, [161, 190, 210]);
    expect(await plant.run(at(220))).toMatchObject({ anomalies: 3, events: 3 });
    expect(plant.sent.map(({ event }) => [event.first, event.earlier])).toEqual([
      [String(at(158)), undefined],
      [String(at(210)), { events: 1, rows: 1, since: String(at(190)) }],
    ]);
  });
});

describe('the count of events', () => {
  it('leaves out one that only ends in the window', async () => {
    const plant = new MemoryPlant(SETTINGS);
    put(plant, 0, 160, [158]);
    expect(await plant.run(at(160))).toMatchObject({ anomalies: 1, events: 1 });
    put(plant, 160, 200, [180]);
    expect(await plant.run(at(200))).toMatchObject({ anomalies: 1, events: 1 });
    put(plant, 200, 203);
    expect(await plant.run(at(203))).toMatchObject({ anomalies: 0, events: 0 });
  });
});

describe('a run that calls more than half of its rows anomalous', () => {
  it('says which settings to look at', async () => {
    const verdict = { threshold: 0, clear_after: 5000 };
    const declared = new MemoryPlant({ ...SETTINGS, verdict });
    const running = new MemoryPlant({ ...SETTINGS, verdict, normalise: 'running' });
    const few = new MemoryPlant({ ...SETTINGS, verdict });
    const window = { ...SETTINGS.window, history: 3_000_000 };
    for (const plant of [declared, running, few]) {
      plant.settings = { ...plant.settings, window };
      put(plant, 0, plant === few ? 900 : 2000);
    }
    const text =
      /^more than half of the rows are anomalous; where that is no incident, set a higher verdict.threshold than 0$/;
    expect((await declared.run(at(2000))).warnings).toEqual([expect.stringMatching(text)]);
    expect((await running.run(at(2000))).warnings).toEqual([
      expect.stringMatching(/incident, with `normalise: running` declare limits .*, or set a higher verdict.threshold/),
    ]);
    expect((await few.run(at(900))).warnings).toEqual([]);
  });

  it("counts the rows of the grid that were scored, not the source's", async () => {
    const verdict = { threshold: 0, clear_after: 5000 };
    const window = { ...SETTINGS.window, history: 9_000_000 };
    const resample = { every: 5000, how: 'mean' as const, fill: 'none' as const, limit: 0 };
    const plant = new MemoryPlant({ ...SETTINGS, verdict, window, resample, output: { table: 'scores' } });
    put(plant, 0, 6000);
    const result = await plant.run(at(6000));
    expect(result).toMatchObject({ rows: 6000, scored: 1199, scoresWritten: 1199 });
    expect(result.anomalies).toBeLessThan(3000);
    expect(result.warnings).toEqual([expect.stringMatching(/^more than half of the rows are anomalous/)]);
  });
});
