import { expect, test } from 'vitest';
import { countPoints, poolPoints, ratesOf } from '../../src/evaluation/pointwise.js';

const flags = (text: string) => Uint8Array.from(text, Number);

test('rows are counted by what they were called and what they are', () => {
  expect(countPoints(flags('1110000011'), flags('1100010001'))).toEqual({
    truePositives: 3,
    falsePositives: 2,
    falseNegatives: 1,
    trueNegatives: 4,
  });
});

test('rows before the first that counts are left out', () => {
  expect(countPoints(flags('1110'), flags('0011'), 2)).toEqual({
    truePositives: 1,
    falsePositives: 0,
    falseNegatives: 1,
    trueNegatives: 0,
  });
});

test('rates are of all series together, not means of each', () => {
  const one = countPoints(flags('1100'), flags('1010'));
  const other = countPoints(flags('11111111'), flags('11111111'));
  const { f1, far, mar } = ratesOf(poolPoints([one, other]));
  expect(f1).toBeCloseTo(9 / 10, 12);
  expect(far).toBeCloseTo(50, 12);
  expect(mar).toBeCloseTo(10, 12);
});

test('a series without ordinary or without anomalous rows has rates of 0, not NaN', () => {
  expect(ratesOf(countPoints(flags('000'), flags('000')))).toEqual({ f1: 0, far: 0, mar: 0 });
  expect(ratesOf(countPoints(flags('111'), flags('111')))).toEqual({ f1: 1, far: 0, mar: 0 });
});
