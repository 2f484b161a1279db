import { describe, expect, it } from 'vitest';
import type { PipelineSettings } from '../../src/contract/pipeline.js';
import type { Slice } from '../../src/contract/slice.js';
import { type Learned, learnInSteps } from '../../src/model/learn.js';
import { createModel, type Model } from '../../src/model/model.js';
import { findLateRows, knowsAll, reachesBack } from '../../src/model/recent.js';
import { encodeSnapshot } from '../../src/model/snapshot.js';
import { lateClockOf } from '../../src/shape/late-zone.js';
import { pipelineOf } from '../pipeline.js';

const SECOND = 1_000_000_000n;
const LATE = { within: 60_000, action: 'rescore' } as const;
const OWNER = { uniqueId: 'm', ids: ['m'], settingsHash: 'abcdef012345' };

function clockOf() {
  const clock = lateClockOf(LATE);
  if (clock === null) throw new Error('expected a clock');
  return clock;
}

const SETTINGS: PipelineSettings = pipelineOf({ late: LATE, on_settings_change: 'fresh' });

/** A row at each of the given seconds, its value made of the time. */
function rowsAt(...seconds: number[]): Slice {
  const times = BigInt64Array.from(seconds, (second) => BigInt(second * 1e9));
  const values = Float64Array.from(seconds, (second) => Math.sin(second));
  return { uniqueId: 'm', ids: ['m'], rows: seconds.length, times, values };
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, i) => from + i);
}

function learn(model: Model, slice: Slice, coveredSeconds: number, checkpointSeconds: number | null = null): Learned {
  const steps = learnInSteps(model, { slice, covered: BigInt(coveredSeconds) * SECOND }, SETTINGS, {
    since: model.watermark,
    clock: clockOf(),
    checkpointAt: checkpointSeconds === null ? null : BigInt(checkpointSeconds) * SECOND,
    owner: OWNER,
  });
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
  }
}

describe('what a model knows of its last rows', () => {
  it('is the same in many windows as in one, wherever they are cut', () => {
    const once = createModel(SETTINGS);
    learn(once, rowsAt(...range(0, 300)), 0);
    const often = createModel(SETTINGS);
    for (const [from, to] of [
      [0, 7],
      [7, 100],
      [100, 101],
      [101, 203],
      [203, 300],
    ] as const) {
      learn(often, rowsAt(...range(Math.max(0, from - 60), to)), Math.max(0, from - 60));
    }
    expect(encodeSnapshot(often, OWNER)).toEqual(encodeSnapshot(once, OWNER));
  });

  it('finds rows that came, changed or went, within late.within and no further', () => {
    const model = createModel(SETTINGS);
    learn(model, rowsAt(...range(0, 200).filter((second) => second !== 150)), 0);
    const find = (slice: Slice) => findLateRows(model, { slice, covered: 0n }, clockOf(), 200n * SECOND);
    expect(find(rowsAt(...range(0, 200)))).toEqual({ first: 150n * SECOND, rows: 1 });
    expect(find(rowsAt(...range(0, 200).filter((second) => second !== 150)))).toBeNull();
    expect(find(rowsAt(...range(0, 200).filter((second) => second !== 150 && second !== 190)))).toEqual({
      first: 190n * SECOND,
      rows: 1,
    });
    // Rows of a time before, and rows not learned yet, are no late rows.
    expect(find(rowsAt(...range(100, 250).filter((second) => second !== 150)))).toBeNull();
  });

  it('says nothing of a model that was learned without, or with other stretches', () => {
    const model = createModel(SETTINGS);
    learn(model, rowsAt(...range(0, 200)), 0);
    const other = { width: 7n * SECOND, within: 70n * SECOND };
    const whole = { slice: rowsAt(1), covered: 0n };
    expect(findLateRows(model, whole, other, 200n * SECOND)).toBeNull();
    model.recent = null;
    expect(findLateRows(model, whole, clockOf(), 200n * SECOND)).toBeNull();
  });
});

describe('the rows up to where a model stands', () => {
  const model = createModel(SETTINGS);
  learn(model, rowsAt(...range(0, 98)), 0);
  const knows = (slice: Slice, from: number, covered = 0) =>
    knowsAll(model, { slice, covered: BigInt(covered) * SECOND }, clockOf(), BigInt(from) * SECOND);

  it('are all known when what came late in their stretch came after them', () => {
    expect(knows(rowsAt(...range(0, 98), 98, 99), 95, 95)).toBe(true);
    expect(knows(rowsAt(...range(0, 97), 96.5, 97), 95, 95)).toBe(false);
    expect(knows(rowsAt(...range(0, 97)), 95, 95)).toBe(false);
  });

  it('are compared from the begin of a stretch on', () => {
    const withLate = rowsAt(...range(0, 97), 96.5, 97);
    expect(knows(withLate, 97)).toBe(false);
    expect(knows(rowsAt(...range(0, 92), 91.5, ...range(92, 98)), 95)).toBe(true);
  });

  it('are not taken for known where the model knows nothing of them any more, or never did', () => {
    const long = createModel(SETTINGS);
    learn(long, rowsAt(...range(0, 300)), 0);
    const whole = { slice: rowsAt(...range(0, 300)), covered: 0n };
    expect(knowsAll(long, whole, clockOf(), 180n * SECOND)).toBe(true);
    expect(knowsAll(long, whole, clockOf(), 170n * SECOND)).toBe(false);
    expect(knowsAll(createModel(SETTINGS), whole, clockOf(), 0n)).toBe(false);
  });
});

describe('going back', () => {
  function modelAt(...ends: number[]): Model {
    const model = createModel(SETTINGS);
    for (const end of ends) learn(model, rowsAt(...range(0, end)), 0);
    return model;
  }

  it('is exact when every row learned since is at hand', () => {
    const older = modelAt(100);
    const newer = modelAt(100, 160);
    for (const covered of [60, 95, 100]) {
      expect(reachesBack(newer, older, BigInt(covered) * SECOND, clockOf()), `${covered}`).toBe(true);
    }
    expect(reachesBack(newer, older, 130n * SECOND, clockOf())).toBe(false);
  });

  it('goes to a new model only when the rows at hand are all there ever were', () => {
    const young = createModel(SETTINGS);
    learn(young, rowsAt(...range(100, 160)), 90);
    expect(reachesBack(young, null, 90n * SECOND, clockOf())).toBe(true);
    expect(reachesBack(young, null, 120n * SECOND, clockOf())).toBe(false);
    expect(reachesBack(modelAt(160), null, 0n, clockOf())).toBe(false);
  });

  it('is not trusted where a model took rows for known that it never learned', () => {
    const older = modelAt(100);
    const newer = modelAt(100, 160);
    // Counted, not learned: it was there when the model looked again.
    learn(newer, rowsAt(...range(0, 120), ...range(121, 160)), 0);
    expect(reachesBack(newer, older, 60n * SECOND, clockOf())).toBe(false);
  });
});

describe('a checkpoint', () => {
  it('is the model that would have learned up to there, and changes nothing of the rest', () => {
    const upTo = createModel(SETTINGS);
    learn(upTo, rowsAt(...range(0, 140)), 0);
    const whole = createModel(SETTINGS);
    const plain = learn(whole, rowsAt(...range(0, 200)), 0);
    const model = createModel(SETTINGS);
    const learned = learn(model, rowsAt(...range(0, 200)), 0, 140);
    expect(learned.checkpoint).toEqual({ bytes: encodeSnapshot(upTo, OWNER), watermark: 139n * SECOND + 1n });
    expect(learned.scored).toEqual(plain.scored);
    expect(encodeSnapshot(model, OWNER)).toEqual(encodeSnapshot(whole, OWNER));
  });

  it('is left out where all new rows lie on one side of it', () => {
    expect(learn(createModel(SETTINGS), rowsAt(...range(0, 200)), 0, 200).checkpoint).toBeNull();
    expect(learn(createModel(SETTINGS), rowsAt(...range(0, 200)), 0, 0).checkpoint).toBeNull();
  });
});
