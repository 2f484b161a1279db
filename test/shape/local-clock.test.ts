import { describe, expect, it } from 'vitest';
import { createLocalClock } from '../../src/shape/local-clock.js';
import { randomFrom, testSeed } from '../random.js';

function at(iso: string): bigint {
  return BigInt(Date.parse(iso)) * 1_000_000n;
}

describe('the clock of a zone', () => {
  it.each([
    // Summer time begins on 29 March 2026 at 01:00 UTC: after 01:59 comes 03:00.
    ['Europe/Berlin', '2026-03-29T00:59:59.999Z', 1, 6],
    ['Europe/Berlin', '2026-03-29T01:00:00Z', 3, 6],
    // It ends on 25 October 2026 at 01:00 UTC: the hour from 2 comes twice.
    ['Europe/Berlin', '2026-10-25T00:30:00Z', 2, 6],
    ['Europe/Berlin', '2026-10-25T01:30:00Z', 2, 6],
    ['Europe/Berlin', '2026-10-25T02:00:00Z', 3, 6],
    ['Europe/Berlin', '2026-10-25T23:00:00Z', 0, 0],
    ['America/New_York', '2026-03-08T06:59:59Z', 1, 6],
    ['America/New_York', '2026-03-08T07:00:00Z', 3, 6],
    // Half an hour of summer time, and offsets of three quarters.
    ['Australia/Lord_Howe', '2026-04-04T14:59:59Z', 1, 6],
    ['Australia/Lord_Howe', '2026-04-04T15:00:00Z', 1, 6],
    ['Australia/Lord_Howe', '2026-04-04T15:30:00Z', 2, 6],
    // There the clocks changed a minute after midnight.
    ['America/St_Johns', '1992-04-05T03:30:59Z', 0, 6],
    ['America/St_Johns', '1992-04-05T03:31:00Z', 1, 6],
    ['Asia/Kathmandu', '2026-01-01T18:14:59Z', 23, 3],
    ['Asia/Kathmandu', '2026-01-01T18:15:00Z', 0, 4],
    ['UTC', '1969-12-31T23:59:59.999Z', 23, 2],
    ['UTC', '1970-01-01T00:00:00Z', 0, 3],
  ])('shows in %s at %s the hour %i of weekday %i', (zone, iso, hour, weekday) => {
    expect(createLocalClock(zone)(at(iso))).toEqual({ hour, weekday });
  });

  it('shows what the platform shows, in any order of times', () => {
    const seed = testSeed();
    const random = randomFrom(seed);
    const from = Date.parse('1975-01-01T00:00:00Z');
    for (const zone of ['Europe/Berlin', 'America/St_Johns', 'Pacific/Apia']) {
      const clock = createLocalClock(zone);
      const shown = new Intl.DateTimeFormat('en-GB', { timeZone: zone, hour: '2-digit', hourCycle: 'h23' });
      for (let i = 0; i < 500; i++) {
        const ms = from + Math.floor(random() * 3e9) * 1000;
        expect(clock(BigInt(ms) * 1_000_000n).hour, `${zone} ${ms}, seed ${seed}`).toBe(Number(shown.format(ms)));
      }
    }
  });
});
