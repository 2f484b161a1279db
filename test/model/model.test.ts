import { describe, expect, it } from 'vitest';
import type { PipelineSettings } from '../../src/contract/pipeline.js';
import type { Slice } from '../../src/contract/slice.js';
import { createModel, type Model, type ScoredSlice, scoreInSteps, scoreSlice } from '../../src/model/model.js';
import { decodeSnapshot, encodeSnapshot } from '../../src/model/snapshot.js';
import { pipelineOf, sourceOf } from '../pipeline.js';
import { randomFrom, testSeed } from '../random.js';

const OWNER = { uniqueId: 'm', ids: ['M'], settingsHash: 'abcdef012345' };

function settingsOf(change: Partial<PipelineSettings> = {}): PipelineSettings {
  return pipelineOf({
    source: sourceOf({ id: ['machine'], values: ['a', 'b'] }),
    detector: { kind: 'half_space_trees', n_trees: 5, height: 4, window_size: 20, seed: 1 },
    verdict: { threshold: 0.8, clear_after: 5000 },
    ...change,
  });
}

function randomSlice(random: () => number, rows: number): Slice {
  const times = new BigInt64Array(rows);
  const values = new Float64Array(rows * 2);
  for (let row = 0; row < rows; row++) {
    times[row] = BigInt(row) * 1_000_000_000n;
    for (let f = 0; f < 2; f++) values[row * 2 + f] = random() < 0.1 ? Number.NaN : random() * 100;
  }
  return { uniqueId: 'm', ids: ['m'], rows, times, values };
}

function part(slice: Slice, from: number, to: number): Slice {
  return {
    ...slice,
    rows: to - from,
    times: slice.times.slice(from, to),
    values: slice.values.slice(from * 2, to * 2),
  };
}

function join(parts: readonly ScoredSlice[]): number[] {
  return parts.flatMap(({ scores }) => [...scores]);
}

function throughBytes(model: Model, settings: PipelineSettings): Model {
  return decodeSnapshot(encodeSnapshot(model, OWNER), settings, OWNER);
}

describe('scoreSlice', () => {
  it('gives the same scores, events and bytes in two windows, through a snapshot, as in one', () => {
    const seed = testSeed();
    const random = randomFrom(seed);
    for (let round = 0; round < 60; round++) {
      const rules = { pause_learning: random() < 0.5, hold_rows: 1 + Math.floor(random() * 2), repeat_after: 9000 };
      const settings = settingsOf({ verdict: { threshold: 0.3 + random() * 0.6, clear_after: 3000, ...rules } });
      const slice = randomSlice(random, 100);
      const once = createModel(settings);
      const whole = scoreSlice(once, slice, settings);

      const cut = Math.floor(random() * 101);
      const twice = createModel(settings);
      const first = scoreSlice(twice, part(slice, 0, cut), settings);
      const resumed = throughBytes(twice, settings);
      const second = scoreSlice(resumed, part(slice, cut, 100), settings);

      const context = `seed ${seed}, round ${round}, cut ${cut}`;
      expect(join([first, second]), context).toEqual([...whole.scores]);
      expect([...first.causes, ...second.causes], context).toEqual([...whole.causes]);
      expect([...first.closed, ...second.closed], context).toEqual(whole.closed);
      expect(encodeSnapshot(resumed, OWNER), context).toEqual(encodeSnapshot(once, OWNER));
    }
  });

  it('neither scores nor learns a row without any value', () => {
    const settings = settingsOf();
    const model = createModel(settings);
    const values = Float64Array.from([1, 2, Number.NaN, Number.NaN, Number.NaN, 4]);
    const slice: Slice = { uniqueId: 'm', ids: ['m'], rows: 3, times: BigInt64Array.from([1n, 2n, 3n]), values };
    const scored = scoreSlice(model, slice, settings);
    expect([...scored.scores].map(Number.isNaN)).toEqual([false, true, false]);
    expect(scored.unscored).toBe(1);
    expect(model.detector.rows).toBe(2);
  });

  it('scores every row in replay mode, missing values as NaN', () => {
    const settings = settingsOf({ mode: 'replay', normalise: 'batch', order: 'learn_then_score' });
    const model = createModel(settings);
    const values = Float64Array.from([1, 2, Number.NaN, Number.NaN]);
    const slice: Slice = { uniqueId: 'm', ids: ['m'], rows: 2, times: BigInt64Array.from([1n, 2n]), values };
    expect([...scoreSlice(model, slice, settings).scores]).toEqual([0, 0]);
    expect(model.detector.rows).toBe(2);
  });

  it('learns nothing while an event is open, where that is asked for', () => {
    const at = (value: (row: number) => number, rows: number): Slice => ({
      uniqueId: 'm',
      ids: ['M'],
      rows,
      times: BigInt64Array.from({ length: rows }, (_, row) => BigInt(row) * 60_000_000_000n),
      values: Float64Array.from({ length: rows * 2 }, (_, at) => value(at >> 1)),
    });
    const DAY = 1440;
    const random = randomFrom(3);
    // Half a day as usual, then a fault that lasts a whole one.
    const rows = DAY / 2 + DAY;
    const slice = at((row) => (row < DAY / 2 ? 40 + 20 * random() : 90 + 5 * random()), rows);
    const verdicts = (pause: boolean, normalise: PipelineSettings['normalise'], clearAfter = 600_000) => {
      const verdict = { threshold: 0.8, clear_after: clearAfter, pause_learning: pause };
      const detector = { kind: 'half_space_trees', n_trees: 10, height: 6, window_size: 100, seed: 1 } as const;
      const settings = settingsOf({ verdict, normalise, detector });
      const model = createModel(settings);
      const { causes } = scoreSlice(model, slice, settings);
      return { last: [...causes.slice(-60)], before: [...causes.slice(0, DAY / 2)], learned: model.detector.rows };
    };
    const limits = { a: [0, 100], b: [0, 100] } as const;
    const pausing = verdicts(true, limits);
    expect(pausing.last).toEqual(new Array(60).fill(1));
    expect(pausing.before).not.toContain(1);
    expect(pausing.learned).toBe(DAY / 2 + 1);
    // Rows further apart than clear_after make no difference.
    expect(verdicts(true, limits, 30_000)).toEqual(pausing);
    // Without it the fault becomes what is usual.
    expect(verdicts(false, limits)).toMatchObject({ last: new Array(60).fill(0), learned: rows });
    // A running normaliser learns the first odd row and no further.
    expect(verdicts(true, 'running').learned).toBeLessThan(rows);
  });

  it('marks rows by the rules of their machine', () => {
    const machines = { 'm*': { threshold: 0.95 }, other: { threshold: 0 } };
    const slice = randomSlice(randomFrom(5), 200);
    const found = (verdict: PipelineSettings['verdict']) => {
      const settings = settingsOf({ verdict });
      return scoreSlice(createModel(settings), slice, settings).anomalies;
    };
    const strict = found({ threshold: 0.95, clear_after: 5000 });
    expect(found({ threshold: 0.5, clear_after: 5000, machines })).toBe(strict);
    expect(found({ threshold: 0.5, clear_after: 5000 })).toBeGreaterThan(strict);
  });

  it('can be stopped between steps of a long slice', () => {
    const settings = settingsOf();
    const steps = scoreInSteps(createModel(settings), randomSlice(randomFrom(7), 10_000), settings);
    const first = steps.next();
    expect(first.done).toBe(false);
    expect(first.value).toBeLessThan(10_000);
  });
});

describe('a snapshot', () => {
  const settings = settingsOf();

  function learned(): Uint8Array {
    const model = createModel(settings);
    scoreSlice(model, randomSlice(randomFrom(3), 200), settings);
    return encodeSnapshot(model, OWNER);
  }

  it('gives each use a model of its own', () => {
    const bytes = learned();
    const kept = bytes.slice();
    const slice = randomSlice(randomFrom(4), 100);
    const first = scoreSlice(decodeSnapshot(bytes, settings, OWNER), slice, settings);
    expect(bytes).toEqual(kept);
    expect(scoreSlice(decodeSnapshot(bytes, settings, OWNER), slice, settings)).toEqual(first);
  });

  it('is refused when any byte is changed', () => {
    const bytes = learned();
    for (let at = 0; at < bytes.length; at += 7) {
      const damaged = bytes.slice();
      damaged[at] = (damaged[at] ?? 0) ^ 1;
      expect(() => decodeSnapshot(damaged, settings, OWNER), `byte ${at}`).toThrow(/cannot be used/);
    }
  });

  it('is refused when cut short', () => {
    const bytes = learned();
    for (const length of [0, 3, 39, bytes.length - 1]) {
      expect(() => decodeSnapshot(bytes.subarray(0, length), settings, OWNER)).toThrow(/expected .* bytes/);
    }
  });

  it('is refused for another machine', () => {
    expect(() => decodeSnapshot(learned(), settings, { ...OWNER, uniqueId: 'n' })).toThrow(
      /of the machine m, not of n/,
    );
  });

  it('is refused for a machine with other ids and the same unique_id', () => {
    expect(() => decodeSnapshot(learned(), settings, { ...OWNER, ids: ['other'] })).toThrow(
      expect.objectContaining({ kind: 'IdCollision', message: expect.stringContaining('("other")') }),
    );
  });

  it.each([null, -7n, 2n ** 61n])('keeps what it says of its last rows, since %s', (since) => {
    const model = createModel(settings);
    scoreSlice(model, randomSlice(randomFrom(3), 200), settings);
    model.recent = {
      width: 1_000_000_000n,
      since,
      buckets: [
        { start: -5n, rows: 3, high: 0xffffffff, low: 0 },
        { start: 2n ** 60n, rows: 4_000_000_000, high: 1, low: 2 },
      ],
    };
    const back = throughBytes(model, settings);
    expect(back.recent).toEqual(model.recent);
    expect(back).toMatchObject({ watermark: model.watermark, rows: 200 });
  });

  it('is refused under other learning settings', () => {
    expect(() => decodeSnapshot(learned(), settings, { ...OWNER, settingsHash: 'ffffffffffff' })).toThrow(
      /learned with settings abcdef012345/,
    );
  });
});
