import { describe, expect, it } from 'vitest';
import { findSilences, type Heard, seeksSilence } from '../../src/verdict/silence.js';

const MINUTE = 60_000_000_000n;
const DAY = 1440n * MINUTE;
const VERDICT = { threshold: 0.8, clear_after: 1000, stale_after: 10 * 60_000 };

function came(minutes: Readonly<Record<string, bigint>>) {
  return new Map(Object.entries(minutes).map(([id, minute]) => [id, { ids: [id], last: minute * MINUTE }]));
}

function look(
  before: Heard,
  rows: Readonly<Record<string, bigint>>,
  now: bigint,
  verdict: Parameters<typeof findSilences>[2] = VERDICT,
  isLook = true,
) {
  return findSilences(before, came(rows), verdict, now * MINUTE, isLook);
}

describe('findSilences', () => {
  it('finds a machine silent once its last row is stale_after old, new at the first look only', () => {
    const first = look(new Map(), { a: 0n, b: 5n }, 9n);
    expect(first.silent).toEqual([]);
    const second = look(first.heard, { b: 9n }, 10n);
    expect(second.silent).toEqual([{ uniqueId: 'a', isNew: true }]);
    const third = look(second.heard, { b: 14n }, 15n);
    expect(third.silent).toEqual([{ uniqueId: 'a', isNew: false }]);
  });

  it('finds one that sends again and falls silent again', () => {
    const silent = look(new Map(), { a: 0n }, 10n);
    const back = look(silent.heard, { a: 12n }, 15n);
    expect([back.silent, back.returned]).toEqual([[], ['a']]);
    expect(look(back.heard, {}, 22n).silent).toEqual([{ uniqueId: 'a', isNew: true }]);
    // Both between two looks: it is a silence of its own.
    expect(look(silent.heard, { a: 12n }, 30n)).toMatchObject({ silent: [{ isNew: true }], returned: ['a'] });
  });

  it('is not taken in by rows that are older than the last one', () => {
    const heard = look(new Map(), { a: 5n }, 6n).heard;
    expect(look(heard, { a: 1n }, 12n).heard.get('a')?.last).toBe(5n * MINUTE);
  });

  it('keeps to the rules of each machine', () => {
    const verdict = { ...VERDICT, machines: { 'old-*': { stale_after: null }, slow: { stale_after: 3_600_000 } } };
    const heard = look(new Map(), { 'old-1': 0n, slow: 0n, a: 0n }, 1n, verdict).heard;
    expect(look(heard, {}, 59n, verdict).silent.map(({ uniqueId }) => uniqueId)).toEqual(['a']);
    expect(look(heard, {}, 60n, verdict).silent.map(({ uniqueId }) => uniqueId)).toEqual(['slow', 'a']);
  });

  it('only notes rows while a past is caught up', () => {
    const noted = look(new Map(), { a: 0n }, 20n, VERDICT, false);
    expect(noted.silent).toEqual([]);
    expect(look(noted.heard, {}, 21n).silent).toEqual([{ uniqueId: 'a', isNew: true }]);
  });

  it('forgets machines that have been silent for months, those that nobody has found silent yet not', () => {
    const silent = look(new Map(), { a: 0n, b: 0n }, 10n, { ...VERDICT, machines: { b: { stale_after: null } } });
    expect([...look(silent.heard, {}, (89n * DAY) / MINUTE).heard.keys()]).toEqual(['a', 'b']);
    const later = look(silent.heard, {}, (91n * DAY) / MINUTE);
    expect([[...later.heard.keys()], later.silent.map(({ uniqueId }) => uniqueId)]).toEqual([['b'], ['a', 'b']]);
  });
});

it('silences matter where any machine has a stale_after', () => {
  const off = { threshold: 0.8, clear_after: 1000 };
  expect(seeksSilence(off)).toBe(false);
  expect(seeksSilence({ ...off, stale_after: null, machines: { a: { threshold: 1 } } })).toBe(false);
  expect(seeksSilence({ ...off, machines: { a: { stale_after: 1 } } })).toBe(true);
  expect(seeksSilence(VERDICT)).toBe(true);
});
