import { afterEach, describe, expect, inject, it } from 'vitest';
import { nanosFromMs } from '../../src/contract/time.js';
import { defaultMachines } from '../../src/simulator/fleet.js';
import { lines } from '../../src/simulator/outputs.js';
import type { Storage } from '../../src/store/storage.js';
import { recordReads } from '../store/record-reads.js';
import { buildPlant, machinesPipeline, type Plant, type PlantOptions } from './plant.js';

/** A machine's lock goes by the pipeline's name, and files of tests share a server. */
const PIPELINE = 'artifacts';
const START = Date.parse('2026-01-05T00:00:00Z');
const MINUTE = 60_000;

let plant: Plant;
afterEach(() => plant?.close());

async function build(options: Omit<PlantOptions, 'temporalAddress'>): Promise<Plant> {
  plant = await buildPlant({ temporalAddress: inject('temporalAddress'), ...options });
  return plant;
}

describe('the artifacts of a run', () => {
  it('that were removed under it fail its machines at once, and the next run reads their rows again', async () => {
    let isTidy = true;
    const pipelines = { [PIPELINE]: machinesPipeline() };
    const wrapStorage = (storage: Storage): Storage => ({
      ...recordReads([])(storage),
      // The slices are gone as soon as they are there.
      write: (key, bytes) => (isTidy && key.includes('/slices-') ? Promise.resolve() : storage.write(key, bytes)),
    });
    await build({ pipelines, wrapStorage });
    const end = START + 10 * MINUTE;
    await plant.write(lines(defaultMachines(2, 3), { fromMs: START, toMs: end }));
    const first = await plant.run(PIPELINE, nanosFromMs(end));
    expect(first).toMatchObject({ done: 0, failedCount: 2, lagging: 2 });
    expect(first.failed[0]?.reason).toMatch(/slices-\w+ is gone/);
    // Eight attempts would take two minutes.
    expect(first.seconds).toBeLessThan(20);
    isTidy = false;
    const second = await plant.run(PIPELINE, nanosFromMs(end + MINUTE));
    expect(second).toMatchObject({ done: 2, failedCount: 0, lagging: 0, rows: 1200 });
  });
});

describe('the store folder', () => {
  it('keeps artifacts of the last ten runs only', async () => {
    await build({ pipelines: { [PIPELINE]: machinesPipeline() } });
    await plant.write(lines(defaultMachines(1, 3), { fromMs: START, toMs: START + 15 * MINUTE }));
    for (let minute = 1; minute <= 12; minute++) await plant.run(PIPELINE, nanosFromMs(START + minute * MINUTE));
    expect(await plant.storage.list(`runs/${PIPELINE}`)).toHaveLength(10);
  });
});
