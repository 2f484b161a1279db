import { describe, expect, it } from 'vitest';
import { EVENTS_KEPT } from '../../src/backtest/machine-backtest.js';
import { createModel, scoreSlice } from '../../src/model/model.js';
import { at, backtestOf, exampleSettings, sliceOf } from './example.js';

const settings = exampleSettings(['a', 'b']);
const asSet = { name: 'as set', changes: [], settings };
const strict = {
  name: 'strict',
  changes: ['verdict.threshold=1'],
  settings: { ...settings, verdict: { ...settings.verdict, threshold: 1 } },
};
const broken = sliceOf('broken', 2000, 2, (second) => second >= 1200 && second < 1230);
const healthy = sliceOf('healthy', 2000, 2, () => false);

describe('a backtest', () => {
  it('finds what a model finds that is given the rows', () => {
    const { machines, totals } = backtestOf([broken, healthy], [asSet]);
    const scored = scoreSlice(createModel(settings), broken, settings);
    const outcome = machines[0]?.outcomes[0];
    expect(outcome?.anomalies).toBe(scored.anomalies);
    expect(outcome?.anomalies).toBeGreaterThan(10);
    expect(outcome?.events).toBe(scored.closed.length + (scored.open === null ? 0 : 1));
    expect(Math.max(...(outcome?.scores ?? []))).toBe(Math.max(...scored.scores));
    expect(totals).toMatchObject([{ rows: 4000, eventful: 1, told: 1, messages: 1 }]);
  });

  it('is the same wherever its rows are cut', () => {
    const labels = new Map([['broken', [{ first: at(990), last: at(1229) }]]]);
    const whole = backtestOf([broken, healthy], [asSet, strict], labels);
    expect(backtestOf([broken, healthy], [asSet, strict], labels, [1, 999, 1210, 1215])).toEqual(whole);
  });

  it('draws the highest score and the lowest and highest value of each pixel', () => {
    const { machines, grid } = backtestOf([broken], [asSet]);
    const { scores } = scoreSlice(createModel(settings), broken, settings);
    const rows = Array.from(scores.keys());
    for (let pixel = 0; pixel < grid.columns; pixel++) {
      const inside = rows.filter((row) => grid.columnOf(at(row)) === pixel);
      expect(inside.length).toBeGreaterThan(1);
      expect(machines[0]?.outcomes[0]?.scores[pixel]).toBe(Math.max(...inside.map((row) => scores[row] ?? 0)));
      const values = inside.map((row) => broken.values[2 * row + 1] ?? Number.NaN);
      expect(machines[0]?.values.lows[1]?.[pixel]).toBe(Math.min(...values));
      expect(machines[0]?.values.highs[1]?.[pixel]).toBe(Math.max(...values));
    }
  });

  it('gives each variant models of its own', () => {
    const alone = backtestOf([broken], [asSet]).machines[0]?.outcomes[0];
    const beside = backtestOf([broken], [strict, asSet]).machines[0]?.outcomes;
    expect(beside?.[1]).toEqual(alone);
    expect(beside?.[0]).toMatchObject({ events: 0, anomalies: 0 });
  });

  it('counts an event that is still open at the end, and says so', () => {
    const ending = sliceOf('ending', 1210, 2, (second) => second >= 1200);
    const [outcome] = backtestOf([ending], [asSet]).machines[0]?.outcomes ?? [];
    expect(outcome).toMatchObject({ events: 1, kept: [{ event: { open: true, last: String(at(1209)) } }] });
  });

  it('sends nothing for repeats, and a message a channel for the others', () => {
    const twice = sliceOf(
      'twice',
      2000,
      2,
      (second) => (second >= 1200 && second < 1210) || (second >= 1300 && second < 1310),
    );
    const quiet = { ...settings, verdict: { ...settings.verdict, repeat_after: 3_600_000 }, alerts: ['ops', 'boss'] };
    const { totals, machines } = backtestOf([twice], [{ ...asSet, settings: quiet }]);
    const events = totals[0]?.events ?? 0;
    expect(events).toBeGreaterThan(1);
    expect(totals[0]).toMatchObject({ told: 1, messages: 2 });
    expect(machines[0]?.outcomes[0]?.kept.map(({ isTold }) => isTold)).toEqual([
      true,
      ...Array(events - 1).fill(false),
    ]);
  });

  it('compares with labels by row and by event', () => {
    const labels = new Map([
      ['broken', [{ first: at(1200), last: at(1229) }]],
      ['healthy', [{ first: at(500), last: at(509) }]],
    ]);
    const { totals, machines } = backtestOf([broken, healthy], [asSet], labels);
    const called = machines[0]?.outcomes[0]?.anomalies ?? 0;
    const inside = totals[0]?.points?.truePositives ?? 0;
    expect(totals[0]?.eventwise).toMatchObject({ trueEvents: 1, falseEvents: 0, found: 1, missed: 1 });
    expect(totals[0]?.points).toEqual({
      truePositives: inside,
      falsePositives: called - inside,
      falseNegatives: 40 - inside,
      trueNegatives: 4000 - 40 - (called - inside),
    });
    expect(inside).toBeGreaterThan(10);
    expect(backtestOf([healthy], [asSet]).totals[0]?.points).toBeNull();
  });

  it('keeps the first events of a machine that has no end of them, and counts all', () => {
    const flickering = sliceOf('flickering', 6000, 2, (second) => second > 100 && second % 30 === 0);
    const nervous = { ...settings, verdict: { threshold: 0.6, clear_after: 2000 } };
    const [outcome] = backtestOf([flickering], [{ ...asSet, settings: nervous }]).machines[0]?.outcomes ?? [];
    expect(outcome?.events).toBeGreaterThan(EVENTS_KEPT);
    expect(outcome?.kept).toHaveLength(EVENTS_KEPT);
  });
});
