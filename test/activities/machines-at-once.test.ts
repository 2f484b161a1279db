import { expect, it } from 'vitest';
import type { ActivityDeps } from '../../src/activities/deps.js';
import { ModelCache } from '../../src/activities/index.js';
import { planRun } from '../../src/activities/plan-run.js';
import { pipelineOf } from '../pipeline.js';
import { MemoryInflux } from './memory-influx.js';
import { MemoryStore } from './memory-store.js';

async function machinesAtOnce(workers: number, limit: number, isKnown = true): Promise<number> {
  const deps: ActivityDeps = {
    influx: new MemoryInflux(),
    storage: new MemoryStore(),
    models: new ModelCache(1),
    pipelines: { p: pipelineOf({ mode: 'replay' }) },
    channels: new Map(),
    machinesAtOnce: limit,
    homes: async () => {
      if (!isKnown) throw new Error('no answer');
      return Array.from({ length: workers }, (_, i) => `home-${i}`);
    },
    links: { temporalUi: null, namespace: 'default', plots: null },
    log: () => {},
  };
  const window = { until: undefined, span: undefined, chunksDone: 0, nowMs: 1000 };
  const attempt = { signal: new AbortController().signal, report: () => {}, breathe: async () => {} };
  const plan = await planRun(deps, { pipeline: 'p', scope: 'p', events: 'told', runId: 'r', ...window }, attempt);
  if ('kind' in plan) throw new Error('Expected a plan');
  return plan.machinesAtOnce;
}

it('grows with the workers that are there, up to the settings’ limit', async () => {
  expect(await machinesAtOnce(1, 100)).toBe(40);
  expect(await machinesAtOnce(2, 100)).toBe(80);
  expect(await machinesAtOnce(3, 100)).toBe(100);
  expect(await machinesAtOnce(5, 3)).toBe(3);
});

it('is that of one worker where nobody knows how many there are', async () => {
  expect(await machinesAtOnce(3, 1000, false)).toBe(40);
});
