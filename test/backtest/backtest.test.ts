import { describe, expect, it } from 'vitest';
import { EVENTS_KEPT } from '../../src/backtest/machine-backtest.js';
import { reportHtml } from '../../src/backtest/report/report.js';
import { pipelineSchema } from '../../src/config/pipeline-schema.js';
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

describe('how long a model only learned', () => {
  const alone = exampleSettings(['a']);
  const noisy = { ...sliceOf('noisy', 600, 1, () => false) };
  noisy.values.forEach((_, i) => {
    noisy.values[i] = 50 + 10 * Math.sin(i * i);
  });
  const tried = (change: object, slice = noisy) => {
    const settings = pipelineSchema.parse({ source: { table: 't', id: ['m'], values: ['a'] }, ...change });
    const { machines, totals } = backtestOf([slice], [{ ...asSet, settings }]);
    return { outcome: machines[0]?.outcomes[0], total: totals[0] };
  };
  const trees = { normalise: { a: [0, 100] }, detector: { kind: 'half_space_trees', window_size: 50 } };

  it.each([
    ['trees fill their window', trees, 50],
    [
      'trees wait for features that look back',
      { ...trees, normalise: 'running', features: ['a', { lag: 'a', rows: 20 }] },
      70,
    ],
    ['verdict.warm_up_rows is longer', { ...trees, verdict: { warm_up_rows: 80 } }, 80],
    ['drift_gate warms up', { detector: { kind: 'drift_gate', warm_up: 200 } }, 200],
    ['novelty hides its first rows', { detector: { kind: 'novelty', hide_first: 300 } }, 300],
    ['robust_zscore knows its spread', { detector: { kind: 'robust_zscore' } }, 100],
    ['fixed limits know all', { detector: { kind: 'threshold', high: 90 } }, 0],
    [
      'the slowest of a vote knows enough',
      {
        detector: {
          kind: 'vote',
          need: 'all',
          of: [{ detector: { kind: 'drift_gate', warm_up: 200 } }, { detector: { kind: 'threshold', high: 90 } }],
        },
      },
      200,
    ],
  ])('is counted until %s', (_, change, rows) => {
    const { outcome, total } = tried(change);
    expect(outcome).toMatchObject({ learning: rows, scoredFrom: at(rows) });
    expect(total).toMatchObject({ learning: rows, scoredFrom: at(rows), unscoredMachines: 0 });
  });

  it.each([
    ['a window that is never full on a grid', { ...trees, resample: { every: '30s' } }],
    ['a warm-up longer than the range', { detector: { kind: 'drift_gate', warm_up: 1000 } }],
    ['a season that never comes again', { detector: { kind: 'seasonal', period: '1h' } }],
  ])('is all of it with %s', (_, change) => {
    const { outcome, total } = tried(change);
    expect(outcome).toMatchObject({ scoredFrom: null, events: 0 });
    expect(outcome?.learning).toBe(outcome?.rows);
    expect(total).toMatchObject({ scoredFrom: null, unscoredMachines: 1 });
  });

  it('ends for values that never move too', () => {
    const flat = sliceOf('flat', 600, 1, () => false);
    flat.values.fill(7);
    expect(tried(trees, flat).outcome).toMatchObject({ learning: 50, scoredFrom: at(50) });
  });

  it('is said of each variant, of each machine, and beside the scores', () => {
    const long = {
      ...alone,
      detector: { kind: 'drift_gate', warm_up: 1000, hold: 0 } as const,
      normalise: 'none' as const,
    };
    const variants = [asSet, { name: 'long', changes: [], settings: long }].map((one) => ({
      ...one,
      settings: one === asSet ? alone : long,
    }));
    const html = [...reportHtml(backtestOf([noisy, { ...sliceOf('short', 20, 1, () => false) }], variants))].join('');
    expect(html).toContain(
      '<td>1 of 2 machines still learning at the end, the others learning until 2026-01-05 00:00:50 UTC (70 rows of 2 machines)</td><td>still learning at the end</td>',
    );
    expect(html).toMatch(/>score, long \(still learning at the end\)</);
    expect(html).toContain('>score, as set (learning until 2026-01-05 00:00:50 UTC (50 rows))<');
    expect(html).toContain('<td>0 (0 rows), still learning at the end</td>');
  });
});
