import { describe, expect, it } from 'vitest';
import { createTrial, problemOf } from '../../src/cli/suggest/trial.js';
import type { PipelineSettings } from '../../src/contract/pipeline.js';
import type { Slice } from '../../src/contract/slice.js';
import { createModel, scoreSlice } from '../../src/model/model.js';
import { factsOf } from '../../src/suggest/machine-facts.js';
import { type Suggestion, suggest } from '../../src/suggest/suggestions.js';
import { exampleSettings } from '../backtest/example.js';

const HOUR = 3_600_000;
const START = Date.parse('2026-01-05T00:00:00Z');

/** Rows every `stepMs`; `valueAt` gives the columns of a row by its time since the beginning. */
function history(
  rows: number,
  stepMs: number,
  valueAt: (ms: number, row: number) => readonly number[],
  uniqueId = 'm1',
): Slice {
  const times = Array.from({ length: rows }, (_, row) => row * stepMs);
  return {
    uniqueId,
    ids: [uniqueId],
    rows,
    times: BigInt64Array.from(times, (ms) => BigInt(START + ms) * 1_000_000n),
    values: Float64Array.from(times.flatMap((ms, row) => [...valueAt(ms, row)])),
  };
}

/** Noise between -1 and 1 that is the same each time. */
function noise(row: number, seed = 1): number {
  const x = Math.sin(row * 12.9898 + seed * 78.233) * 43_758.5453;
  return 2 * (x - Math.floor(x)) - 1;
}

function suggested(slices: readonly Slice[], settings: PipelineSettings): Record<string, Suggestion> {
  const names = settings.source.values;
  const found = suggest(
    slices.map((slice) => factsOf(slice, names)),
    settings,
    createTrial(slices),
  );
  return Object.fromEntries(found.map((suggestion) => [suggestion.path.join('.'), suggestion]));
}

const window = { history: 24 * HOUR, settle: 0, catch_up: 1, chunk: null };
const plain = exampleSettings(['a'], { normalise: { a: [-200, 300] }, window });
const quiet = history(2000, 10_000, (_ms, row) => [50 + 10 * noise(row)]);

describe('what is suggested', () => {
  it('has a reason each, and nothing comes of settings that were taken over', () => {
    const found = suggested([quiet], plain);
    expect(Object.keys(found)).toEqual([
      'verdict.clear_after',
      'verdict.stale_after',
      'verdict.stuck_after',
      'verdict.min_deviation',
    ]);
    for (const { reason } of Object.values(found)) expect(reason.length).toBeGreaterThan(20);
    const taken = { ...plain.verdict, clear_after: 60_000, stale_after: 1, stuck_after: 1, min_deviation: 1 };
    expect(suggested([quiet], { ...plain, verdict: taken })).toEqual({});
  });

  it('is nothing of which too little was seen', () => {
    expect(suggested([history(1, 10_000, () => [50])], plain)).toEqual({});
    expect(
      Object.keys(suggested([history(20, 10_000, (_ms, row) => [50 + noise(row)])], { ...plain, normalise: 'robust' })),
    ).not.toContain('verdict.stuck_after');
    expect(
      suggested([history(500, 10_000, () => [Number.NaN])], {
        ...plain,
        verdict: { ...plain.verdict, clear_after: 60_000 },
      }),
    ).not.toHaveProperty('normalise');
  });

  it('are limits with room around what was seen where there are none, or ones that are too narrow', () => {
    const trial = createTrial([quiet]);
    for (const normalise of ['running', 'robust', { a: [0, 55] }, { a: [30, 70] }, { a: [0, 100] }] as const) {
      const settings = { ...plain, normalise };
      const { value, reason } = suggested([quiet], settings).normalise ?? {};
      expect(Object(value)).toEqual({ a: [-60, 160] });
      expect(reason).toMatch(
        /% of ordinary rows are anomalous.*; 0[.\d]* % would be( and 100 % be noticed)? with these$/,
      );
      expect(trial(settings)?.ordinary).toBeGreaterThan(0.02);
      expect(trial({ ...settings, normalise: Object(value) })).toEqual({ ordinary: expect.closeTo(0, 3), noticed: 1 });
    }
    expect(suggested([quiet], { ...plain, normalise: { a: [0, 55] } }).normalise?.reason).toMatch(
      /a was seen from 40 to 60, beyond its limits 0 to 55/,
    );
    expect(suggested([quiet], plain)).not.toHaveProperty('normalise');
    expect(suggested([quiet], { ...plain, normalise: { a: [-5000, 5000] } })).not.toHaveProperty('normalise');
  });

  it('are no wider limits for a fault, which is not there all the time', () => {
    const faulty = history(2000, 10_000, (_ms, row) => [row >= 1500 && row < 1560 ? 250 : 50 + 10 * noise(row)]);
    const found = scoreSlice(createModel(plain), faulty, plain);
    expect(found.anomalies).toBeGreaterThan(50);
    expect(createTrial([faulty])(plain)?.ordinary).toBeLessThan(0.01);
    expect(suggested([faulty], plain)).not.toHaveProperty('normalise');
  });

  it('is never robust normalising, but a detector of measured values where machines have little in common', () => {
    const other = history(2000, 10_000, (_ms, row) => [5000 + 1000 * noise(row)], 'm2');
    const found = suggested([quiet, other], plain);
    expect(found.normalise?.value).toBeUndefined();
    expect(found.detector).toMatchObject({
      value: { kind: 'robust_zscore', limit: 5 },
      reason: expect.stringMatching(/a of m1 keeps to 40 to 60 where/),
    });
  });

  it('are narrower limits where plain faults would not be noticed', () => {
    const two = history(2000, 10_000, (_ms, row) => [50 + 10 * noise(row), 5 + noise(row, 2)]);
    const settings = exampleSettings(['a', 'b'], { normalise: { a: [-5000, 5000], b: [-500, 500] }, window });
    const trial = createTrial([two]);
    expect(trial(settings)?.noticed).toBeLessThan(0.5);
    const { value, reason } = suggested([two], settings).normalise ?? {};
    expect(reason).toMatch(
      /^\d+ % of rows moved by 10 standard deviations are noticed within the limits .* much room; 0[.\d]* % would be and \d+ % be noticed with these$/,
    );
    expect(trial({ ...settings, normalise: Object(value) })?.noticed).toBeGreaterThan(0.8);
  });

  it('is a detector of measured values where no limits leave ordinary rows alone and show plain faults', () => {
    const level = (uniqueId: string, middle: number) =>
      history(2000, 10_000, (_ms, row) => [middle + 4 * noise(row), 35 + noise(row, 2)], uniqueId);
    const machines = [level('m1', 100), level('m2', 130)];
    const settings = exampleSettings(['a', 'b'], { normalise: { a: [0, 400], b: [30, 40] }, window });
    const found = suggested(machines, settings);
    expect(found.detector).toMatchObject({
      value: { kind: 'robust_zscore', limit: 5 },
      reason: expect.stringMatching(
        /^[\d.]+ % of .* with the limits of half_space_trees that suit best; with this 0 % of/,
      ),
    });
    expect(found.normalise).toHaveProperty('value', undefined);
    expect(found['verdict.threshold']?.value).toBe(0.5);
    const kept = suggest(
      machines.map((slice) => factsOf(slice, ['a', 'b'])),
      settings,
      createTrial(machines),
      true,
    );
    expect(kept.map(({ path }) => path[0])).not.toContain('detector');
  });

  it('is nothing that takes far more of the rows seen for odd', () => {
    const trial = createTrial([quiet]);
    const robust = { path: ['normalise'], value: 'robust', reason: '' } as const;
    const worse = () => ({ ...plain, normalise: 'robust' as const });
    expect(problemOf([robust], plain, worse, trial)).toMatch(
      /^another normalise was tried and is left out: \d+ % of ordinary rows would be anomalous, as set 0 % are$/,
    );
    expect(problemOf([robust], worse(), () => plain, trial)).toBeNull();
    expect(problemOf([], plain, worse, trial)).toBeNull();
  });

  it('are no limits at the ends of what a double holds', () => {
    const huge = history(500, 10_000, (_ms, row) => [row % 2 === 0 ? 1.7e308 : -1.7e308]);
    expect(suggested([huge], { ...plain, normalise: 'running' })).not.toHaveProperty('normalise');
  });

  it('is a detector of seasons for a single column with a rhythm, and nothing the like for a drift', () => {
    const daily = history(5 * 24 * 12, HOUR / 12, (ms, row) => [
      50 + 20 * Math.sin((2 * Math.PI * ms) / (24 * HOUR)) + noise(row),
    ]);
    const found = suggested([daily], { ...plain, verdict: { ...plain.verdict, clear_level: 0.7 } });
    expect(found.detector).toMatchObject({ value: { kind: 'seasonal', period: '24h' } });
    expect(found.normalise?.value).toBeUndefined();
    expect(found['verdict.threshold']?.value).toBe(0.5);
    expect(found['verdict.clear_level']).toHaveProperty('value', undefined);
    const drifting = history(5 * 24 * 12, HOUR / 12, (ms, row) => [50 + ms / (24 * HOUR) + noise(row)]);
    expect(suggested([drifting], plain)).not.toHaveProperty('detector');
    const quick = history(8 * 60, 60_000, (ms, row) => [
      50 + 20 * Math.sin((2 * Math.PI * ms) / (HOUR / 6)) + noise(row),
    ]);
    expect(suggested([quick], plain)).not.toHaveProperty('detector');
    expect(suggested([history(2000, 60_000, (_ms, row) => [noise(row)])], plain)).not.toHaveProperty('detector');
  });

  it('is a window of a whole season where several columns share one', () => {
    const settings = exampleSettings(['a', 'b']);
    const hourly = history(6 * 60, 60_000, (ms, row) => {
      const wave = 20 * Math.sin((2 * Math.PI * ms) / HOUR);
      return [50 + wave + noise(row), 50 - wave + noise(row, 2)];
    });
    expect(suggested([hourly], settings)['detector.window_size']).toMatchObject({
      value: 60,
      reason: expect.stringMatching(/every 1h, 60 rows of 1m/),
    });
  });

  it('is drift_gate for three columns that go with each other, and not for those that do not', () => {
    const settings = exampleSettings(['a', 'b', 'c']);
    const level = (row: number) => 10 * Math.sin(row / 90.7) + 5 * noise(Math.floor(row / 50));
    const together = history(2000, 1000, (_ms, row) => [1, 2, 3].map((seed) => 50 + level(row) + noise(row, seed)));
    const apart = history(2000, 1000, (_ms, row) => [1, 2, 3].map((seed) => 50 + 10 * noise(row, seed)));
    expect(suggested([together], settings).detector).toMatchObject({ value: { kind: 'drift_gate' } });
    expect(suggested([apart], settings)).not.toHaveProperty('detector');
    // It would be refused beside the hour.
    const clocked = { ...settings, features: [...settings.features, { kind: 'hour', zone: 'UTC' } as const] };
    expect(suggested([together], clocked)).not.toHaveProperty('detector');
  });

  it('is more history where rows are few, and more time to clear where they are slow', () => {
    const hourly = history(300, HOUR, (_ms, row) => [50 + 10 * noise(row)]);
    const found = suggested([hourly], { ...plain, window: { ...plain.window, history: 24 * HOUR } });
    expect(found['window.history']).toMatchObject({
      value: '5d',
      reason: expect.stringMatching(/24h hold 24 rows of 1h/),
    });
    expect(found['verdict.clear_after']?.value).toBe('6h');
    expect(found['verdict.stale_after']?.value).toBe('24h');
  });

  it('is a silence longer than any gap, and a stuck sensor longer than any flat stretch', () => {
    const rows = history(2000, 10_000, (_ms, row) => [row >= 500 && row < 512 ? 50 : 50 + 10 * noise(row)]);
    const gap = rows.times.map((time, row) => (row < 1000 ? time : time + 600_000_000_000n));
    const found = suggested([{ ...rows, times: gap }], plain);
    expect(found['verdict.stale_after']).toMatchObject({
      value: '1h',
      reason: expect.stringMatching(/1 gap, the longest 10m10s/),
    });
    expect(found['verdict.stuck_after']).toMatchObject({
      value: { a: '30m' },
      reason: expect.stringMatching(/a at most for 1m50s/),
    });
  });

  it('says nothing of stuck sensors where a column rests often', () => {
    const resting = history(2000, 10_000, (_ms, row) => [row % 10 < 7 ? 0 : 50 + 10 * noise(row)]);
    expect(suggested([resting], plain)).not.toHaveProperty('verdict.stuck_after');
  });

  it('takes differences within the noise for none, whatever the drift', () => {
    const drifting = history(2000, 10_000, (_ms, row) => [row / 10 + noise(row)]);
    const value = Object(suggested([drifting], plain)['verdict.min_deviation']?.value);
    // Even noise from -1 to 1 has a deviation of 0.577; the estimate is made for the normal one.
    expect(value.a).toBeGreaterThan(3 * 0.5);
    expect(value.a).toBeLessThan(3 * 0.75);
  });
});
