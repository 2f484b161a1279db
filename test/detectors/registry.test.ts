import { describe, expect, it } from 'vitest';
import { createDetector, detectorFromBytes } from '../../src/detectors/registry.js';
import { drawBatch, Xorshift32 } from './random-rows.js';

const SETTINGS = { kind: 'half_space_trees', n_trees: 3, height: 4, window_size: 20, seed: 1 } as const;

describe('createDetector', () => {
  it('makes Half-Space Trees that come back from their bytes', () => {
    const batch = drawBatch(new Xorshift32(9), 90, 2);
    const detector = createDetector(SETTINGS, ['a', 'b']);
    detector.process(batch, 0, 90, 'score_then_learn', { scores: new Float64Array(90), explained: null });
    const again = detectorFromBytes(SETTINGS, ['a', 'b'], detector.toBytes());
    expect(again.rows).toBe(90);
    expect(again.toBytes()).toEqual(detector.toBytes());
    expect(again.sizeBytes).toBeGreaterThan(0);
  });
});
