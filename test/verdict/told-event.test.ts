import { describe, expect, it } from 'vitest';
import { toldEvent } from '../../src/verdict/told-event.js';
import { pipelineOf } from '../pipeline.js';

describe('a told event', () => {
  it('says which columns of its worst row had no value', () => {
    const base = pipelineOf({ normalise: 'running' });
    const settings = { ...base, source: { ...base.source, values: ['power', 'temperature'] } };
    const worst = { time: '1', score: 0.97, values: [null, 37], feature: 1, expected: 35, lower: 34, upper: 36 };
    const owner = { pipeline: 'p', scope: 'p', uniqueId: 'm', ids: ['m'] };
    const { reason, values } = toldEvent({ first: '1', last: '1', rows: 1, worst }, false, owner, settings).worst;
    expect(reason).toMatch(/^score 0.970 above .*: temperature 37, expected 35 \(34 to 36\); no value of power$/);
    expect(values).toEqual({ power: null, temperature: 37 });
  });
});
