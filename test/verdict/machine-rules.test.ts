import { expect, test } from 'vitest';
import { rulesOf, rulesThatLearn } from '../../src/verdict/machine-rules.js';

const RULES = { threshold: 0.8, clear_after: 1000 };

test('a machine has the rules of its pipeline, and over them those of each pattern that fits, in their order', () => {
  const settings = {
    ...RULES,
    machines: {
      'acme-*': { threshold: 0.9, hold_rows: 3 },
      'acme-press-??': { threshold: 0.95 },
      'acme-press.1': { threshold: 0.1 },
      '*': { stale_after: null },
    },
  };
  expect(rulesOf(settings, 'other-1')).toEqual({ ...RULES, stale_after: null });
  expect(rulesOf(settings, 'acme-1')).toEqual({ ...RULES, threshold: 0.9, hold_rows: 3, stale_after: null });
  expect(rulesOf(settings, 'acme-press-12')).toMatchObject({ threshold: 0.95, hold_rows: 3 });
  expect(rulesOf(settings, 'acme-press-123')).toMatchObject({ threshold: 0.9 });
  expect(rulesOf(settings, 'acme-press.1')).toMatchObject({ threshold: 0.1 });
  expect(rulesOf(settings, 'acme-pressX1')).toMatchObject({ threshold: 0.9 });
});

test('a pattern may hold any character, line breaks and brackets too', () => {
  const fits = (pattern: string, id: string) =>
    rulesOf({ ...RULES, machines: { [pattern]: { hold_rows: 2 } } }, id).hold_rows === 2;
  expect(fits('a(b)[c]+*', 'a(b)[c]+\nd')).toBe(true);
  expect(fits('a-b?', 'a-b\u{1f600}')).toBe(true);
  expect(fits('a?*', 'a')).toBe(false);
  expect(fits('a.c', 'abc')).toBe(false);
});

test('rules belong to what a model learns from only where learning pauses, and then those that make events', () => {
  expect(rulesThatLearn({ ...RULES, hold_rows: 3 })).toBeNull();
  const paused = rulesThatLearn({ ...RULES, pause_learning: true });
  expect(paused).not.toBeNull();
  expect(rulesThatLearn({ ...RULES, pause_learning: true, stale_after: 1, repeat_after: 9000 })).toEqual(paused);
  expect(rulesThatLearn({ ...RULES, pause_learning: true, hold_rows: 2 })).not.toEqual(paused);
  expect(rulesThatLearn({ ...RULES, machines: { a: { pause_learning: true } } })).not.toBeNull();
});
