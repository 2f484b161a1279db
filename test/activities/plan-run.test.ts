import { describe, expect, it } from 'vitest';
import type { ActivityDeps } from '../../src/activities/deps.js';
import { planRun } from '../../src/activities/plan-run.js';
import { backfillScope } from '../../src/contract/names.js';
import type { RunPlan } from '../../src/contract/run-plan.js';
import { writeProgress } from '../../src/store/progress.js';
import { pipelineOf } from '../pipeline.js';
import { memoryDeps } from './memory-deps.js';
import { MemoryStore } from './memory-store.js';

const NOW_MS = Date.parse('2026-01-31T12:00:00Z');

async function planWith(change: Partial<ActivityDeps>): Promise<RunPlan> {
  const deps = memoryDeps({ pipelines: { p: pipelineOf({ mode: 'replay' }) }, ...change });
  const window = { until: undefined, span: undefined, chunksDone: 0, nowMs: NOW_MS };
  const attempt = { signal: new AbortController().signal, report: () => {}, breathe: async () => {} };
  const plan = await planRun(deps, { pipeline: 'p', scope: 'p', events: 'told', runId: 'r', ...window }, attempt);
  if ('kind' in plan) throw new Error('Expected a plan');
  return plan;
}

describe('machines at once', () => {
  const withWorkers = async (workers: number, machinesAtOnce: number) => {
    const homes = async () => Array.from({ length: workers }, (_, i) => `home-${i}`);
    return (await planWith({ homes, machinesAtOnce })).machinesAtOnce;
  };

  it('grow with the workers that are there, up to the settings’ limit', async () => {
    expect(await withWorkers(1, 100)).toBe(40);
    expect(await withWorkers(2, 100)).toBe(80);
    expect(await withWorkers(3, 100)).toBe(100);
    expect(await withWorkers(5, 3)).toBe(3);
  });

  it('are those of one worker where nobody knows how many there are', async () => {
    const homes = () => Promise.reject(new Error('no answer'));
    expect((await planWith({ homes, machinesAtOnce: 1000 })).machinesAtOnce).toBe(40);
  });
});

describe('a first live run', () => {
  const settings = pipelineOf({ output: { table: 'scores' } });
  const filled = async (from: bigint, to: bigint) => {
    const storage = new MemoryStore();
    const range = { from: String(from), to: String(to) };
    const progress = { origin: range.from, to: range.to, target: range.to, settingsHash: 'h', lagging: [] };
    await writeProgress(storage, backfillScope('p', range), progress);
    // Another pipeline's, whose name begins alike.
    await writeProgress(storage, backfillScope('p2', range), progress);
    return planWith({ storage, pipelines: { p: settings } });
  };
  // It begins five minutes before it ends.
  const [begin, end] = [(NOW_MS - 300_000) * 1_000_000, NOW_MS * 1_000_000].map(BigInt) as [bigint, bigint];

  it('says which of a backfill’s scores it replaces', async () => {
    const { warnings } = await filled(begin - 60_000_000_000n, begin + 60_000_000_000n);
    expect(warnings).toEqual([
      'new models begin at 2026-01-31T11:55:00Z and replace the scores from 2026-01-31T11:55:00Z to 2026-01-31T11:56:00Z of the backfill of 2026-01-31T11:54:00Z to 2026-01-31T11:56:00Z; the same backfill with --again --overwrite writes them once more',
    ]);
  });

  it('says nothing of backfills that end before it begins, or begin where it ends', async () => {
    expect((await filled(begin - 60_000_000_000n, begin)).warnings).toEqual([]);
    expect((await filled(end, end + 1n)).warnings).toEqual([]);
  });
});

describe('search attributes', () => {
  it('are used where the namespace has them', async () => {
    expect((await planWith({ isSearchable: async () => true })).isSearchable).toBe(true);
    expect((await planWith({ isSearchable: async () => false })).isSearchable).toBe(false);
  });

  it('are left out, and that is said, where the server does not tell of them', async () => {
    const said: unknown[] = [];
    const plan = await planWith({
      isSearchable: () => Promise.reject(new Error('no answer')),
      log: (level, message, fields) => said.push([level, message, fields.reason]),
    });
    expect(plan.isSearchable).toBe(false);
    expect(said).toEqual([['warn', expect.stringContaining('search attributes'), 'no answer']]);
  });
});
