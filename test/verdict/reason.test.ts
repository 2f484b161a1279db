import { describe, expect, it } from 'vitest';
import { missingColumns, type ReasonedRow, reasonText } from '../../src/verdict/reason.js';

const RULES = { threshold: 0.5, clear_after: 1000 };

function reason(row: Partial<ReasonedRow>, rules: object = {}): string {
  const all = { cause: 'score', score: 0.9, column: 'power', view: null, value: 450, expected: 210 } as const;
  return reasonText({ ...all, lower: 200, upper: 220, missing: [], ...row }, { ...RULES, ...rules });
}

describe('a reason', () => {
  it('names column, value, and what was expected with its bounds', () => {
    expect(reason({})).toBe('score 0.900 above 0.5: power 450, expected 210 (200 to 220)');
    expect(reason({ lower: Number.NaN })).toBe('score 0.900 above 0.5: power 450, expected 210 (at most 220)');
  });

  it('names what of the column it was', () => {
    expect(reason({ view: 'relation' })).toBe('score 0.900 above 0.5: power (relation) 450, expected 210 (200 to 220)');
  });

  it('leaves out bounds that the value keeps', () => {
    expect(reason({ value: 215 })).toBe('score 0.900 above 0.5: power 215, expected 210');
  });

  it('expects nothing that is beyond the bounds itself', () => {
    expect(reason({ expected: 450, lower: Number.NaN })).toBe('score 0.900 above 0.5: power 450, expected at most 220');
  });

  it('says for how long a column was stuck, by its own rule', () => {
    expect(reason({ cause: 'stuck' }, { stuck_after: 1_800_000 })).toBe('power stuck at 450 for 30m or longer');
    expect(reason({ cause: 'stuck' }, { stuck_after: { power: 60_000 } })).toBe('power stuck at 450 for 1m or longer');
    expect(reason({ cause: 'stuck' }, { stuck_after: { flow: 60_000 } })).toBe('power stuck at 450');
  });

  it('names the columns without a value, the first three of many, where the score is the reason', () => {
    expect(reason({ missing: ['flow'] })).toBe(
      'score 0.900 above 0.5: power 450, expected 210 (200 to 220); no value of flow',
    );
    expect(reason({ value: Number.NaN, missing: ['power', 'b', 'c', 'd', 'e'] })).toBe(
      'score 0.900 above 0.5; no value of power, b, c and 2 more',
    );
    expect(reason({ cause: 'stuck', missing: ['flow'] })).toBe('power stuck at 450');
  });

  it('takes null, NaN and what is not there for missing', () => {
    expect(missingColumns(['a', 'b', 'c', 'd'], [null, 0, Number.NaN])).toEqual(['a', 'c', 'd']);
  });
});
