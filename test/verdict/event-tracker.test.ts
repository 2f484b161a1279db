import { describe, expect, it } from 'vitest';
import { createExplanations } from '../../src/detectors/detector.js';
import { type TrackedEvent, type TrackedRows, trackEvents } from '../../src/verdict/event-tracker.js';
import { randomFrom, testSeed } from '../random.js';

const SECOND = 1_000_000_000n;
const MINUTE_MS = 60_000;
const NOTHING = { open: null, lastTold: null };

function rowsAt(seconds: readonly number[], flags: readonly number[], scores?: readonly number[]): TrackedRows {
  return {
    times: BigInt64Array.from(seconds, (second) => BigInt(second) * SECOND),
    scores: Float64Array.from(scores ?? seconds.map(() => 0.9)),
    causes: Uint8Array.from(flags),
    values: Float64Array.from(seconds),
    explained: createExplanations(seconds.length),
    views: [],
  };
}

function partOf(rows: TrackedRows, from: number, to: number): TrackedRows {
  return {
    times: rows.times.slice(from, to),
    scores: rows.scores.slice(from, to),
    causes: rows.causes.slice(from, to),
    values: rows.values.slice(from, to),
    explained: createExplanations(to - from),
    views: [],
  };
}

describe('trackEvents', () => {
  it('joins anomalous rows that lie less than clear_after apart', () => {
    const { closed, open } = trackEvents(NOTHING, rowsAt([0, 30, 80], [1, 0, 1]), 100n * SECOND, {
      clear_after: 2 * MINUTE_MS,
    });
    expect(closed).toEqual([]);
    expect(open).toMatchObject({ first: 0n, last: 80n * SECOND, rows: 2 });
  });

  it('begins a new event when clear_after has passed since the last anomalous row', () => {
    const rows = rowsAt([0, 30, 60], [1, 0, 1]);
    const { closed, open } = trackEvents(NOTHING, rows, 61n * SECOND, { clear_after: MINUTE_MS });
    expect(closed).toHaveLength(1);
    expect(open).toMatchObject({ first: 60n * SECOND, rows: 1 });
  });

  it('goes on over rows that are further apart than clear_after, until one is ordinary', () => {
    const quarter = (count: number) => Array.from({ length: count }, (_, i) => i * 900);
    const lasting = trackEvents(NOTHING, rowsAt(quarter(96), Array(96).fill(1)), 86_000n * SECOND, {
      clear_after: MINUTE_MS,
    });
    expect(lasting).toMatchObject({ closed: [], open: { first: 0n, rows: 96 } });
    const over = trackEvents(NOTHING, rowsAt(quarter(4), [1, 1, 0, 1]), 2701n * SECOND, { clear_after: MINUTE_MS });
    expect(over).toMatchObject({ closed: [{ rows: 2 }], open: { first: 2700n * SECOND } });
  });

  it('takes no row without a score for an ordinary one, and no event over a day of silence', () => {
    const rows = rowsAt([0, 900, 1800], [1, 0, 1], [0.9, Number.NaN, 0.9]);
    expect(trackEvents(NOTHING, rows, 1801n * SECOND, { clear_after: MINUTE_MS })).toMatchObject({ open: { rows: 2 } });
    const days = trackEvents(NOTHING, rowsAt([0, 86_400], [1, 1]), 86_401n * SECOND, { clear_after: MINUTE_MS });
    expect(days).toMatchObject({ closed: [{ rows: 1 }], open: { rows: 1 } });
  });

  it('closes an open event when the window ends clear_after later with an ordinary row', () => {
    const rows = rowsAt([0, 59], [1, 0]);
    const { closed, open } = trackEvents(NOTHING, rows, 60n * SECOND, { clear_after: MINUTE_MS });
    expect(closed).toHaveLength(1);
    expect(open).toBeNull();
  });

  it('keeps the first of the worst rows with its values', () => {
    const { open } = trackEvents(NOTHING, rowsAt([1, 2, 3], [1, 1, 1], [0.85, 0.95, 0.95]), 4n * SECOND, {
      clear_after: MINUTE_MS,
    });
    expect(open?.worst).toMatchObject({ time: 2n * SECOND, score: 0.95, values: [2] });
  });

  it('calls an event a repeat that begins sooner than repeat_after after the last one that is none', () => {
    const rules = { clear_after: MINUTE_MS, repeat_after: 10 * MINUTE_MS };
    // An ordinary row follows each but the last.
    const seconds = [0, 5, 9, 10, 15].flatMap((minute) => [minute * 60, minute * 60 + 1]).slice(0, -1);
    const flags = seconds.map((_, i) => (i % 2 === 0 ? 1 : 0));
    const { closed, open } = trackEvents(NOTHING, rowsAt(seconds, flags), 901n * SECOND, rules);
    // The repeats at 5 and 9 minutes do not put off the next: 10 minutes after the first there is one again.
    expect(closed.map(({ isRepeat }) => isRepeat)).toEqual([false, true, true, false]);
    expect(open?.isRepeat).toBe(true);
  });

  it('gives the same events wherever the rows are cut into windows', () => {
    const seed = testSeed();
    const random = randomFrom(seed);
    for (let round = 0; round < 200; round++) {
      const seconds: number[] = [];
      // At times nothing for longer than a day.
      const gap = () => 1 + Math.floor(random() * 50) + (random() < 0.05 ? 90_000 : 0);
      for (let second = 0; seconds.length < 40; second += gap()) seconds.push(second);
      const rows = rowsAt(
        seconds,
        seconds.map(() => (random() < 0.3 ? 1 : 0)),
        seconds.map(random),
      );
      const end = BigInt((seconds.at(-1) ?? 0) + 1) * SECOND;
      const rules = { clear_after: MINUTE_MS, repeat_after: Math.floor(random() * 10) * MINUTE_MS };
      const whole = trackEvents(NOTHING, rows, end, rules);

      const cut = Math.floor(random() * 41);
      const boundary = cut === 40 ? end : (rows.times[cut] ?? end);
      const first = trackEvents(NOTHING, partOf(rows, 0, cut), boundary, rules);
      const second = trackEvents(first, partOf(rows, cut, 40), end, rules);
      const closed: TrackedEvent[] = [...first.closed, ...second.closed];
      expect({ ...second, closed }, `seed ${seed}, round ${round}`).toEqual(whole);
    }
  });
});
