import { expect, it } from 'vitest';
import { createRowClashes } from '../../src/cli/csv/row-clashes.js';
import { randomFrom, testSeed } from '../random.js';

it('finds what a map of all rows finds, whatever their order', () => {
  const seed = testSeed();
  const random = randomFrom(seed);
  for (let round = 0; round < 200; round++) {
    const clashes = createRowClashes();
    const known = new Map<string, string>();
    let rows = 0;
    let line = 0;
    const isFalling = random() < 0.2;
    for (let row = 0; row < 60; row++) {
      const series = Math.floor(random() * 3);
      const far = BigInt(Math.floor(random() * 40)) * 0x4000_0000n - 0x2_0000_0000n;
      const time = isFalling ? -BigInt(row) : far;
      const values = [String(Math.floor(random() * 2)), ''];
      clashes.add(series, time, values, row + 2);
      const key = `${series} ${time}`;
      const first = known.get(key);
      if (first === undefined) known.set(key, values.join());
      else if (first !== values.join()) {
        rows++;
        if (line === 0) line = row + 2;
      }
    }
    expect(clashes.find(), `seed ${seed}, round ${round}`).toEqual(rows === 0 ? null : { rows, line });
  }
});

it('lets rows fill in each other’s missing fields, again and again', () => {
  const clashes = createRowClashes();
  clashes.add(0, 1n, ['1', '', '5'], 2);
  clashes.add(0, 1n, ['', '1', 'NA'], 3);
  clashes.add(0, 1n, ['1', '', '5'], 4);
  clashes.add(0, 1n, ['', '1', 'NA'], 5);
  expect(clashes.find()).toBeNull();
  clashes.add(0, 1n, ['', '2', ''], 6);
  expect(clashes.find()).toEqual({ rows: 1, line: 6 });
});
