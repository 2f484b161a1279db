import { describe, expect, it } from 'vitest';
import { filledTo, placeOf } from '../../src/cli/backfill-output.js';
import type { BackfillProgress } from '../../src/contract/run-result.js';

const BEGUN: BackfillProgress = {
  range: { from: '1000', to: '3000' },
  done: '1000',
  chunk: { index: 1, count: 2 },
  rows: 0,
  anomalies: 0,
};

describe('how far a backfill is', () => {
  it('moves with the machines of a chunk, not only with chunks', () => {
    const underWay = { to: '2000', machines: 1, ofMachines: 4 };
    expect(filledTo({ ...BEGUN, underWay })).toBe(1250n);
    expect(placeOf({ ...BEGUN, underWay })).toBe('chunk 1 of 2, 1 of its 4 machines done');
    expect(filledTo({ ...BEGUN, underWay: { ...underWay, machines: 4 } })).toBe(2000n);
  });

  it('is what is done where nothing is known of the chunk, or it has no machines', () => {
    expect(filledTo(BEGUN)).toBe(1000n);
    expect(placeOf(BEGUN)).toBeUndefined();
    expect(filledTo({ ...BEGUN, underWay: { to: '2000', machines: 0, ofMachines: 0 } })).toBe(1000n);
  });
});
