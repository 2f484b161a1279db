import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { HalfspaceError } from '../../src/contract/failures.js';
import { sha256Hex } from '../../src/shape/sha256.js';
import { checkCollisions, findCollisions, uniqueId } from '../../src/shape/unique-id.js';

function failureOf(run: () => unknown): HalfspaceError {
  try {
    run();
  } catch (error) {
    if (error instanceof HalfspaceError) return error;
    throw error;
  }
  throw new Error('Expected a failure');
}

describe('uniqueId', () => {
  it('writes every id but the last as a slug and the last verbatim', () => {
    expect(uniqueId(['Böge GmbH & Co', 'M_01 / x'], 'readable')).toBe('boge-gmbh-co-M_01 / x');
    expect(uniqueId(['Plant 1', 'Łódź', '007'], 'readable')).toBe('plant-1-lodz-007');
  });

  it('leaves a single id as it is', () => {
    expect(uniqueId(['東京 #1'], 'readable')).toBe('東京 #1');
  });

  it.each(['東京', '---'])('refuses %s, which leaves no slug, and says what to set', (provider) => {
    const error = failureOf(() => uniqueId([provider, '7'], 'readable'));
    expect(error.kind).toBe('BadSettings');
    expect(error.message).toContain(provider);
    expect(error.message).toContain('`unique_id: hashed`');
  });

  it('appends the same hash of the exact ids wherever it is asked', () => {
    const hash = createHash('sha256').update('["A/B","7"]').digest('hex').slice(0, 8);
    expect(uniqueId(['A/B', '7'], 'hashed')).toBe(`a-b-7-${hash}`);
    expect(uniqueId(['a b', '7'], 'hashed')).not.toBe(uniqueId(['A/B', '7'], 'hashed'));
    expect(uniqueId(['a-b', 'c'], 'hashed')).not.toBe(uniqueId(['a', 'b-c'], 'hashed'));
  });

  it('names a machine whose ids leave no slug when hashed', () => {
    expect(uniqueId(['東京', '7'], 'hashed')).toMatch(/^7-[0-9a-f]{8}$/);
  });
});

describe('checkCollisions', () => {
  const tuples = [
    ['A/B', '7'],
    ['acme', '1'],
    ['a b', '7'],
  ];

  it('names both machines and the remedy', () => {
    const error = failureOf(() => checkCollisions(tuples, 'readable'));
    expect(error.kind).toBe('IdCollision');
    expect(error.message).toContain('("A/B", "7") and ("a b", "7")');
    expect(error.message).toContain('a-b-7');
    expect(error.message).toContain('`unique_id: hashed`');
  });

  it('finds ids that only differ in where they are divided', () => {
    const found = findCollisions(
      [
        ['a', 'b', 'c'],
        ['a-b', 'x'],
        ['a', 'b-c'],
      ],
      'readable',
    );
    expect(found).toEqual([
      {
        uniqueId: 'a-b-c',
        tuples: [
          ['a', 'b', 'c'],
          ['a', 'b-c'],
        ],
      },
    ]);
  });

  it('lets one machine come twice, and hashed ones that read the same', () => {
    expect(() => checkCollisions([...tuples.slice(0, 2), ['A/B', '7']], 'readable')).not.toThrow();
    expect(() => checkCollisions(tuples, 'hashed')).not.toThrow();
  });
});

describe('sha256Hex', () => {
  it('equals the platform’s for texts of every length up to three blocks', () => {
    for (let length = 0; length < 200; length++) {
      const text = `é${'x'.repeat(length)}`;
      expect(sha256Hex(text)).toBe(createHash('sha256').update(text).digest('hex'));
    }
  });
});
