import { describe, expect, it } from 'vitest';
import { isoFromNanos, msFromNanos, nanosFromIso, nanosFromMs } from '../../src/contract/time.js';

describe('time', () => {
  it('keeps nanoseconds through RFC 3339', () => {
    const nanos = 1_700_000_000_123_456_789n;
    expect(isoFromNanos(nanos)).toBe('2023-11-14T22:13:20.123456789Z');
    expect(nanosFromIso('2023-11-14T22:13:20.123456789Z')).toBe(nanos);
  });

  it.each([
    ['2023-11-14T22:13:20Z', 1_700_000_000_000_000_000n],
    ['2023-11-14 22:13:20', 1_700_000_000_000_000_000n],
    ['2023-11-14T23:13:20+01:00', 1_700_000_000_000_000_000n],
    ['2023-11-14T22:13:20.5Z', 1_700_000_000_500_000_000n],
    ['1969-12-31T23:59:59.999999999Z', -1n],
  ])('reads %s', (text, nanos) => {
    expect(nanosFromIso(text)).toBe(nanos);
  });

  it.each(['', 'yesterday', '2023-13-01T00:00:00Z', '2026-02-30T00:00:00Z', '2023-11-14'])('refuses %s', (text) => {
    expect(nanosFromIso(text)).toBeNull();
  });

  it('writes as many fraction digits as needed', () => {
    expect(isoFromNanos(1_700_000_000_000_000_000n)).toBe('2023-11-14T22:13:20Z');
    expect(isoFromNanos(1_700_000_000_120_000_000n)).toBe('2023-11-14T22:13:20.120Z');
    expect(isoFromNanos(-1n)).toBe('1969-12-31T23:59:59.999999999Z');
  });

  it('rounds milliseconds down, before the epoch too', () => {
    expect(msFromNanos(-1n)).toBe(-1);
    expect(msFromNanos(1_999_999n)).toBe(1);
    expect(nanosFromMs(1.4)).toBe(1_000_000n);
  });
});
