import { expect, test } from 'vitest';
import { atClock, demoRunText } from '../../src/cli/demo-report.js';
import type { RunResult } from '../../src/contract/run-result.js';

function result(change: Partial<RunResult>): RunResult {
  return {
    pipeline: 'machines',
    window: { from: '0', to: '1' },
    chunks: 1,
    loadedRows: 60,
    aggregatesWritten: 0,
    machines: 3,
    done: 3,
    rows: 60,
    anomalies: 0,
    events: 0,
    scoresWritten: 60,
    models: { cached: 3, loaded: 0, fresh: 0 },
    lateRows: 0,
    lateMachines: 0,
    rescored: [],
    rescoredCount: 0,
    notRescored: [],
    notRescoredCount: 0,
    damaged: [],
    damagedCount: 0,
    alerts: [],
    plots: [],
    failed: [],
    failedCount: 0,
    busy: [],
    busyCount: 0,
    refused: [],
    refusedCount: 0,
    lagging: 0,
    warnings: [],
    seconds: 0.26,
    ...change,
  };
}

const SCORED = '60 rows of 3 machines scored in 0.3 s: ';

test('a healthy run is one line', () => {
  expect(demoRunText(result({}), '/plant')).toBe(`${SCORED}none anomalous`);
});

test('a run says where its models came from, unless they were in memory', () => {
  const first = result({ rows: 21_573, models: { cached: 0, loaded: 0, fresh: 3 } });
  expect(demoRunText(first, '/plant')).toMatch(/^21,573 rows .*none anomalous \(3 new models\)$/);
  const restarted = result({ models: { cached: 0, loaded: 1, fresh: 0 } });
  expect(demoRunText(restarted, '/plant')).toMatch(/\(1 model loaded from the store\)$/);
});

test('a new event says who was told and where its plot is', () => {
  const alert = { uniqueId: 'acme-m2', event: 'e', kind: 'event', channel: 'ops', status: 'logged' } as const;
  const found = result({
    anomalies: 8,
    events: 1,
    alerts: [alert],
    plots: ['/plant/.halfspace/a.png', '/other/b.png'],
  });
  expect(demoRunText(found, '/plant').split('\n')).toEqual([
    `${SCORED}8 anomalous, a new event`,
    'ops was told of acme-m2 (in this log: it has no webhook)',
    'plot .halfspace/a.png',
    'plot /other/b.png',
  ]);
});

test('an event that goes on is not told as a new one, with or without rows of its own', () => {
  expect(demoRunText(result({ anomalies: 20, events: 1 }), '/plant')).toBe(
    `${SCORED}20 anomalous, the event goes on, nobody is told twice`,
  );
  expect(demoRunText(result({ events: 1 }), '/plant')).toBe(`${SCORED}none anomalous`);
});

test('a channel that is down and a machine that was not scored are named with the reason', () => {
  const alert = {
    uniqueId: 'm2',
    event: 'e',
    kind: 'event',
    channel: 'ops',
    status: 'failed',
    reason: 'Slack is down',
  } as const;
  const found = result({
    anomalies: 1,
    events: 1,
    alerts: [alert],
    failed: [{ uniqueId: 'm1', reason: 'damaged snapshot' }],
    warnings: ['no rows'],
  });
  expect(demoRunText(found, '/plant').split('\n').slice(1)).toEqual([
    'ops could not be told of m2: Slack is down',
    'm1 was not scored: damaged snapshot',
    'warning: no rows',
  ]);
});

test('a text carries its time, and further lines stand below its first', () => {
  expect(atClock(new Date('2026-11-23T12:01:20.817Z'), 'one\ntwo')).toBe('12:01:20Z  one\n           two\n');
});
