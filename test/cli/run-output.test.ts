import { describe, expect, it } from 'vitest';
import { runSummary } from '../../src/cli/run-summary.js';
import { visible } from '../../src/cli/visible.js';
import type { RunResult } from '../../src/contract/run-result.js';
import { runDocument } from '../../src/run-document.js';

function result(change: Partial<RunResult> = {}): RunResult {
  return {
    pipeline: 'machines',
    window: { from: '1795425358000000000', to: '1795425358000000001' },
    chunks: 1,
    machines: 2,
    done: 1,
    loadedRows: 1,
    aggregatesWritten: 0,
    rows: 1,
    scored: 1,
    anomalies: 1,
    events: 1,
    scoresWritten: 1,
    models: { cached: 0, loaded: 1, fresh: 0 },
    lateRows: 0,
    lateMachines: 0,
    lateScored: 0,
    rescored: [],
    rescoredCount: 0,
    notRescored: [],
    notRescoredCount: 0,
    damaged: [],
    damagedCount: 0,
    alerts: [
      {
        uniqueId: 'a',
        event: 'machines/a/1',
        kind: 'event',
        channel: 'ops',
        status: 'failed',
        earlierEvents: 3,
        reason: 'no_service',
      },
    ],
    plots: ['/store/plots/a.png'],
    failed: [{ uniqueId: 'b', reason: 'poison row' }],
    failedCount: 1,
    busy: [],
    busyCount: 0,
    lagging: 1,
    refused: [],
    refusedCount: 0,
    warnings: [],
    seconds: 1.25,
    ...change,
  };
}

describe('the summary of a run', () => {
  it('counts one thing as one', () => {
    expect(
      runSummary(result({ machines: 1 }))
        .split('\n')
        .slice(0, 3),
    ).toEqual([
      'machines: 2026-11-23T09:15:58Z to 2026-11-23T09:15:58.000000001Z',
      '  1 machine, 1 row scored in 1.3 s, 1 anomalous row in 1 event',
      '  1 score written; models: 0 cached, 1 loaded, 0 new',
    ]);
  });

  it('says how many rows have a score, and of how many that were read where these are not the same', () => {
    const lineOf = (change: Partial<RunResult>) => runSummary(result({ machines: 1, ...change })).split('\n')[1];
    expect(lineOf({ rows: 2786, scored: 1382 })).toMatch(
      /^ {2}1 machine, 1,382 rows scored, of 2,786 read, in 1.3 s, /,
    );
    expect(lineOf({ rows: 2786, scored: 2786 })).toMatch(/^ {2}1 machine, 2,786 rows scored in 1.3 s, /);
    expect(runDocument(result({ rows: 2786, scored: 1382 }))).toMatchObject({ rows: 2786, rows_scored: 1382 });
  });

  it.each([
    [0, 0, '0 anomalous rows'],
    [0, 1, '0 anomalous rows, 1 event'],
    [2, 1, '2 anomalous rows in 1 event'],
    [1234, 5, '1,234 anomalous rows in 5 events'],
  ])('counts rows and events: %i rows, %i events', (anomalies, events, text) => {
    expect(runSummary(result({ anomalies, events })).split('\n')[1]).toBe(
      `  2 machines, 1 row scored in 1.3 s, ${text}`,
    );
  });

  it('names the machines that were scored again, and says what was taken back', () => {
    const alerts = [{ uniqueId: 'a', event: 'e', kind: 'revised', channel: 'ops', status: 'delivered' }] as const;
    const text = runSummary(result({ rescored: ['a', 'c'], rescoredCount: 4, alerts }));
    expect(text).toContain('\n  scored again from before late rows: a, c and 2 more\n');
    expect(text).toContain('\n  revised alert delivered: a → ops\n');
  });

  it('says which message speaks of several events', () => {
    const alert = { uniqueId: 'a', event: 'e', kind: 'event', channel: 'ops', status: 'delivered' } as const;
    const text = runSummary(result({ alerts: [{ ...alert, earlierEvents: 2 }, alert] }));
    expect(text).toContain(
      '\n  alert delivered: a → ops, its newest event and 2 earlier\n  alert delivered: a → ops\n',
    );
  });

  it('tells of aggregates where some were written', () => {
    expect(runSummary(result())).not.toContain('aggregate');
    expect(runSummary(result({ aggregatesWritten: 1234 }))).toContain('\n  1,234 aggregates written\n');
  });

  it('keeps every machine on its own line, whatever it is called', () => {
    const failed = [{ uniqueId: 'b\n  failed: c', reason: '\u001b[2Jgone\r' }];
    expect(runSummary(result({ failed }))).toContain('\n  failed: b\\n  failed: c: \\u001b[2Jgone\\r\n');
  });
});

describe('the document of a run', () => {
  const keys = (value: unknown): string[] =>
    Array.isArray(value)
      ? value.flatMap(keys)
      : typeof value === 'object' && value !== null
        ? Object.entries(value).flatMap(([key, inner]) => [key, ...keys(inner)])
        : [];

  it('has snake_case keys at every depth and everything the result has', () => {
    const full = result({ busy: [{ uniqueId: 'c', reason: 'x' }], refused: [{ uniqueId: 'd', reason: 'y' }] });
    const document = runDocument(full);
    for (const key of keys(document)) expect(key).toMatch(/^[a-z]+(_[a-z]+)*$/);
    expect(keys(document)).toHaveLength(keys(full).length);
    expect(document).toMatchObject({
      scores_written: 1,
      late_rows: 0,
      rows_loaded: 1,
      failed: [{ unique_id: 'b' }],
      busy: [{ unique_id: 'c' }],
      refused: [{ unique_id: 'd' }],
      alerts: [{ unique_id: 'a', status: 'failed', earlier_events: 3, reason: 'no_service' }],
    });
  });

  it('has times that are exact to the nanosecond', () => {
    expect(runDocument(result()).window).toEqual({
      from: '2026-11-23T09:15:58Z',
      to: '2026-11-23T09:15:58.000000001Z',
    });
  });
});

describe('text for a terminal', () => {
  it('shows what moves the cursor, breaks the line or turns the writing, and keeps letters', () => {
    expect(visible('a\nb\tc\u0007\u202e\u2028\u007f')).toBe('a\\nb\\tc\\u0007\\u202e\\u2028\\u007f');
    expect(visible('Böge 東京 👩‍🔧 → ü')).toBe('Böge 東京 👩‍🔧 → ü');
  });
});
