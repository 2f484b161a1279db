import { expect } from 'vitest';
import { pipelineOf } from '../pipeline.js';
import { Killed, MemoryPlant, PIPELINE } from './memory-plant.js';

const SECOND = 1_000_000_000n;
const START = 1_700_000_000_000_000_000n;
export const ORDINARY = 50;
export const ODD = 200;

export function plantOf(catchUpS = 100_000): MemoryPlant {
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

export function at(second: number): bigint {
  return START + BigInt(second) * SECOND;
}

export function secondOf(time: string): number {
  return Number((BigInt(time) - START) / SECOND);
}

/** A row a second, from the first to the last given. */
export function put(plant: MemoryPlant, first: number, last: number, value: number, machine = 'a'): void {
  for (let second = first; second <= last; second++) plant.influx.put({ machine, time: at(second), value });
}

/** A run up to a second, of ten more ordinary rows. */
export async function nextRun(plant: MemoryPlant, until: number) {
  put(plant, until - 10, until - 1, ORDINARY);
  return plant.run(at(until));
}

export function saidBy(plant: MemoryPlant): string[] {
  return plant.sent.map(({ kind, event: { first, last, open, earlier } }) => {
    const before = earlier === undefined ? '' : ` +${earlier.events}`;
    return `${kind} ${secondOf(first)}-${secondOf(last)}${open ? ' open' : ''}${before}`;
  });
}

export async function owedBy({ store }: MemoryPlant): Promise<string[]> {
  return store.list(`owed/${PIPELINE}`);
}

export async function textOf({ store }: MemoryPlant, key: string): Promise<string> {
  return new TextDecoder().decode((await store.read(key)) ?? new Uint8Array());
}

/** A run that finds no channel and dies before it can note what it owes: its machines have learned their rows. */
export async function deadRun(plant: MemoryPlant, until: number): Promise<void> {
  plant.isDown = true;
  plant.store.beforeCall = (verb, key) => {
    if (verb === 'write' && key.startsWith('progress/')) throw new Killed();
  };
  await expect(plant.run(at(until))).rejects.toThrow(Killed);
  plant.store.beforeCall = () => {};
  plant.isDown = false;
}

/** Rows up to 50 with an event in 35 to 37 that nobody was told of, by a run that died or by one that did not. */
export async function untold(plant: MemoryPlant, how: 'dead' | 'away' = 'dead'): Promise<void> {
  await nextRun(plant, 10);
  put(plant, 10, 49, ORDINARY);
  put(plant, 35, 37, ODD);
  if (how === 'dead') return deadRun(plant, 50);
  plant.isDown = true;
  await plant.run(at(50));
  plant.isDown = false;
}
