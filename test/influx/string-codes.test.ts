import { expect, test } from 'vitest';
import { StringCodes } from '../../src/influx/string-codes.js';
import { randomFrom, testSeed } from '../random.js';

test('numbers strings in the order of their first appearance', () => {
  const codes = new StringCodes();
  expect(['a', 'b', 'a', '', 'b', ''].map((text) => codes.codeOfText(text))).toEqual([0, 1, 0, 2, 1, 2]);
  expect(codes.dictionary).toEqual(['a', 'b', '']);
});

test('tells strings with the same hash apart', () => {
  // Known collisions of FNV-1a with 32 bits.
  const colliding = ['costarring', 'liquid', 'declinate', 'macallums', 'altarage', 'zinke'];
  const codes = new StringCodes();
  expect([...colliding, ...colliding].map((text) => codes.codeOfText(text))).toEqual([
    0, 1, 2, 3, 4, 5, 0, 1, 2, 3, 4, 5,
  ]);
});

test('gives equal codes to equal strings and only to those, for any order of many strings', () => {
  const seed = testSeed();
  const draw = randomFrom(seed);
  const random = (limit: number) => Math.floor(draw() * limit);
  const codes = new StringCodes();
  const expected = new Map<string, number>();
  const different: string[] = [];
  for (let i = 0; i < 50_000; i++) {
    const text = `${'é'.repeat(random(3))}${random(5000).toString(36)}`;
    if (!expected.has(text)) expected.set(text, expected.size);
    if (codes.codeOfText(text) !== expected.get(text)) different.push(text);
  }
  expect(different, `seed ${seed}`).toEqual([]);
  expect(codes.dictionary).toEqual([...expected.keys()]);
});
