import { expect, it } from 'vitest';
import { checkProgress, isAhead, windowEnd } from '../../src/activities/window-end.js';
import { LAST_TIME, nanosFromMs } from '../../src/contract/time.js';
import type { Progress } from '../../src/store/progress.js';
import { openStorage } from '../../src/store/storage.js';
import { machinesPipeline } from '../e2e/plant.js';

const storage = openStorage('file:///store');
const nowMs = Date.parse('2026-01-05T12:00:00Z');
const incremental = machinesPipeline({ window: { history: 1000, settle: 10_000, catch_up: 1000, chunk: null } });
const replay = machinesPipeline({ mode: 'replay' });
const at = (iso: string) => String(nanosFromMs(Date.parse(iso)));
const request = (until?: string) => ({ scope: 'p', until, nowMs });
const doneUntil = (iso: string) => ({
  origin: at(iso),
  to: at(iso),
  target: at(iso),
  settingsHash: 'abcdef012345',
  lagging: [],
});

it('is now minus settle, or now in replay mode, when nobody asks for another', () => {
  expect(windowEnd(storage, incremental, request(), null)).toBe(nanosFromMs(nowMs - 10_000));
  expect(windowEnd(storage, replay, request(), null)).toBe(nanosFromMs(nowMs));
});

it('may differ from now by as much as clocks do, not more', () => {
  expect(windowEnd(storage, incremental, request(at('2026-01-05T12:01:00Z')), null)).toBe(nanosFromMs(nowMs + 60_000));
  expect(() => windowEnd(storage, incremental, request(at('2026-01-05T12:01:01Z')), null)).toThrow(
    'The window of `p` cannot end at 2026-01-05T12:01:01Z, after now (2026-01-05T12:00:00Z): rows that come until then would never be read; ask for an earlier end or none',
  );
});

it('may lie in the future in replay mode, which keeps no progress', () => {
  expect(windowEnd(storage, replay, request(at('2027-01-01T00:00:00Z')), null)).toBeGreaterThan(nanosFromMs(nowMs));
});

const START_OVER = 'delete /store/progress/p.json and the folder /store/snapshots/p to start over';

it('must lie after the last window done', () => {
  const progress = doneUntil('2026-01-05T11:00:00Z');
  expect(windowEnd(storage, incremental, request(at('2026-01-05T11:00:00.001Z')), progress)).toBeGreaterThan(0n);
  for (const early of ['2026-01-05T11:00:00Z', '2026-01-05T10:00:00Z']) {
    expect(() => windowEnd(storage, incremental, request(at(early)), progress)).toThrow(
      expect.objectContaining({
        message: expect.stringMatching(/: it is done up to 2026-01-05T11:00:00Z already; ask for a later end or none$/),
        remedy: START_OVER,
      }),
    );
  }
});

it.each(['', '-1', '1.5', '1e3', 'now', '0x10', String(LAST_TIME + 1n), '9'.repeat(40)])(
  'is refused when 64 bits do not hold it: %j',
  (until) => {
    const failure = { kind: 'BadWindow', retry: false, message: expect.stringContaining(JSON.stringify(until)) };
    expect(() => windowEnd(storage, replay, request(until), null)).toThrow(expect.objectContaining(failure));
  },
);

it('is looked for only when the progress is not ahead of the clock', () => {
  const check = (progress: Progress | null) => () => checkProgress(storage, incremental, request(), progress);
  expect(check(null)).not.toThrow();
  expect(check(doneUntil('2026-01-05T12:00:30Z'))).not.toThrow();
  expect(check(doneUntil('2026-01-06T00:00:00Z'))).toThrow(
    'The store says that `p` is done up to 2026-01-06T00:00:00Z, after now (2026-01-05T12:00:00Z): set the clock right, or delete /store/progress/p.json and the folder /store/snapshots/p to start over',
  );
  expect(check({ ...doneUntil('2026-01-05T11:00:00Z'), target: at('2026-01-06T00:00:00Z') })).toThrow(
    'The store says that `p` set out for 2026-01-06T00:00:00Z, after now',
  );
});

it('is looked for only when the progress names machines as the source does', () => {
  const lagging = [{ uniqueId: 'm', ids: ['m'], from: at('2026-01-05T10:00:00Z'), why: 'failed' as const }];
  const progress = { ...doneUntil('2026-01-05T11:00:00Z'), lagging };
  const failure = {
    ...{ kind: 'CorruptStore', retry: false },
    message: expect.stringMatching(
      /^\/store\/progress\/p\.json names the machine "m" by 1 ids where source\.id has 2, .*delete it[^\n]*$/,
    ),
  };
  expect(() => checkProgress(storage, incremental, request(), progress)).toThrow(expect.objectContaining(failure));
  const known = { ...progress, lagging: lagging.map((laggard) => ({ ...laggard, ids: ['acme', 'm'] })) };
  expect(() => checkProgress(storage, incremental, request(), known)).not.toThrow();
});

it('counts a time as ahead from a minute after now', () => {
  expect(isAhead(nanosFromMs(nowMs + 60_000), nowMs)).toBe(false);
  expect(isAhead(nanosFromMs(nowMs + 60_000) + 1n, nowMs)).toBe(true);
});
