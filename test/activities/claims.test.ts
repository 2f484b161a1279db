import { describe, expect, it } from 'vitest';
import { closeBackfill, openBackfill } from '../../src/activities/backfill-state.js';
import type { ActivityDeps } from '../../src/activities/deps.js';
import { planRun } from '../../src/activities/plan-run.js';
import { backfillScope } from '../../src/contract/names.js';
import { claimedByBackfills } from '../../src/store/claims.js';
import { readProgress, writeProgress } from '../../src/store/progress.js';
import { pipelineOf } from '../pipeline.js';
import { memoryDeps } from './memory-deps.js';
import { MemoryStore } from './memory-store.js';

const NOW_MS = Date.parse('2026-01-31T12:00:00Z');
const MINUTE = 60_000_000_000n;
/** A first live run begins five minutes before it ends. */
const BEGIN = BigInt(NOW_MS - 300_000) * 1_000_000n;
const REFUSED =
  'The range of `p` reaches to 2026-01-31T11:58:00Z, but a run of its own that has begun writes scores from 2026-01-31T11:55:00Z on: end the range there, or replace those scores with --overwrite';
const WARNED =
  'new models begin at 2026-01-31T11:55:00Z and score the rows from 2026-01-31T11:55:00Z to 2026-01-31T11:58:00Z that the backfill of 2026-01-31T11:54:00Z to 2026-01-31T11:58:00Z, which has begun and not ended, scores too: a row keeps the score that is written last; when both have ended, the same backfill with --again --overwrite writes its own once more';

function depsOf(storage: MemoryStore): ActivityDeps {
  return memoryDeps({ storage, pipelines: { p: pipelineOf({ output: { table: 'scores' } }) } });
}

function rangeOf(from: bigint, to: bigint) {
  return { from: String(BEGIN + from * MINUTE), to: String(BEGIN + to * MINUTE) };
}

const RANGE = rangeOf(-1n, 3n);

async function live(storage: MemoryStore, nowMs = NOW_MS): Promise<readonly string[]> {
  const attempt = { signal: new AbortController().signal, report: () => {}, breathe: async () => {} };
  const run = { pipeline: 'p', scope: 'p', events: 'told' as const, runId: 'r' };
  const window = { until: undefined, span: undefined, chunksDone: 0, nowMs };
  const plan = await planRun(depsOf(storage), { ...run, ...window }, attempt);
  if ('kind' in plan) throw new Error('Expected a plan');
  return plan.warnings;
}

async function open(storage: MemoryStore, change: { range?: typeof RANGE; overwrite?: boolean } = {}): Promise<void> {
  const request = { pipeline: 'p', range: RANGE, alerts: 'off' as const, overwrite: false, again: false };
  await openBackfill(depsOf(storage), { ...request, ...change, nowMs: NOW_MS });
}

/** Its calls take a while each, so that those of several callers meet in any order. */
class SlowStore extends MemoryStore {
  readonly #random: () => number;

  constructor(seed: number) {
    super();
    let state = seed;
    this.#random = () => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return state / 2 ** 32;
    };
  }

  async #turn(): Promise<void> {
    for (let left = Math.floor(this.#random() * 12); left > 0; left--) await Promise.resolve();
  }

  override async read(key: string): Promise<Uint8Array | null> {
    await this.#turn();
    const found = await super.read(key);
    await this.#turn();
    return found;
  }

  override async write(key: string, bytes: Uint8Array): Promise<void> {
    await this.#turn();
    await super.write(key, bytes);
    await this.#turn();
  }

  override async list(prefix: string): Promise<string[]> {
    await this.#turn();
    const found = await super.list(prefix);
    await this.#turn();
    return found;
  }
}

describe('a range that a first live run scores', () => {
  it('is refused to a backfill from the moment on that the run has its plan', async () => {
    const storage = new MemoryStore();
    expect(await live(storage)).toEqual([]);
    await expect(open(storage)).rejects.toThrow(REFUSED);
    expect(await claimedByBackfills(storage, 'p')).toEqual([]);
    await open(storage, { range: rangeOf(-1n, 0n) });
    await open(storage, { overwrite: true });
  });

  it('stays refused when the run died and the next one begins later', async () => {
    const storage = new MemoryStore();
    await live(storage);
    await live(storage, NOW_MS + 3_600_000);
    await expect(open(storage)).rejects.toThrow(REFUSED);
  });

  it('is refused, too, where models learn again from before the first window on', async () => {
    const storage = new MemoryStore();
    const [origin, to] = [String(BEGIN + 4n * MINUTE), String(BEGIN + 5n * MINUTE)];
    await writeProgress(storage, 'p', { origin, to, target: to, settingsHash: 'other', lagging: [] });
    await open(storage);
    await closeBackfill(depsOf(storage), { scope: backfillScope('p', RANGE) });
    await live(storage);
    await expect(open(storage)).rejects.toThrow('its own runs have written scores from 2026-01-31T11:55:00Z on');
  });

  it('of a backfill that has begun is one that the run warns of, until the backfill has ended', async () => {
    const storage = new MemoryStore();
    await open(storage);
    expect(await live(storage)).toEqual([WARNED]);
    const scope = backfillScope('p', RANGE);
    // As the first of two chunks leaves it.
    const { from: origin, to: target } = RANGE;
    await writeProgress(storage, scope, { origin, to: String(BEGIN), target, settingsHash: 'h', lagging: [] });
    expect(await live(storage)).toEqual([WARNED]);
    await writeProgress(storage, scope, { origin, to: target, target, settingsHash: 'h', lagging: [] });
    await closeBackfill(depsOf(storage), { scope });
    expect(await live(storage)).toEqual([expect.stringContaining('replace the scores from')]);
    expect(await readProgress(storage, 'p')).toBeNull();
  });

  it('is never shared without a word, however the two begin at the same time', async () => {
    const [refused, warned] = [new Set<number>(), new Set<number>()];
    for (let seed = 1; seed <= 400; seed++) {
      const storage = new SlowStore(seed);
      const [warnings, opened] = await Promise.allSettled([live(storage), open(storage)]);
      if (opened.status === 'rejected') refused.add(seed);
      if (warnings.status === 'fulfilled' && warnings.value.includes(WARNED)) warned.add(seed);
      expect(refused.has(seed) || warned.has(seed), `seed ${seed}`).toBe(true);
    }
    expect(refused.size).toBeGreaterThan(50);
    expect(warned.size).toBeGreaterThan(50);
  });
});
