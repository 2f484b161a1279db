import { expect, test } from 'vitest';
import { formatDuration, parseDuration } from '../../src/contract/duration.js';

test.each([
  ['90ms', 90],
  ['10s', 10_000],
  ['5m', 300_000],
  ['24h', 86_400_000],
  ['7d', 604_800_000],
  ['1h30m', 5_400_000],
  ['0s', 0],
  ['1d2h3m4s5ms', 93_784_005],
])('reads %s', (text, ms) => {
  expect(parseDuration(text)).toBe(ms);
});

test.each(['', '5', '5 m', '1.5h', '-1s', '5M', '30m1h', '1h1h', 'h', '5min', '1w', '5m '])('refuses %j', (text) => {
  expect(parseDuration(text)).toBeNull();
});

test('what is written is read back, and as people would write it', () => {
  for (const ms of [0, 1, 999, 1_000, 61_000, 5_400_000, 86_400_000, 90_000_000, 172_800_000, 604_800_001]) {
    expect(parseDuration(formatDuration(ms))).toBe(ms);
  }
  expect(formatDuration(86_400_000)).toBe('24h');
  expect(formatDuration(604_800_000)).toBe('7d');
});
