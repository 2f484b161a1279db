import { describe, expect, it } from 'vitest';
import { MersenneTwister } from '../../src/detectors/mersenne-twister.js';
import { doubleFromHex, readGolden } from './golden-file.js';

interface Golden {
  readonly doubles: readonly {
    readonly seed: number;
    readonly first: readonly string[];
    readonly thousandth: string;
  }[];
}

describe('MersenneTwister', () => {
  const { doubles } = readGolden<Golden>('hst.json.gz');

  it('draws what CPython draws from seeds of one and of two words', () => {
    expect(doubles.length).toBeGreaterThanOrEqual(30);
    for (const { seed, first, thousandth } of doubles) {
      const twister = new MersenneTwister(seed);
      const drawn = Array.from({ length: 1000 }, () => twister.random());
      expect(drawn.slice(0, 5), `seed ${seed}`).toEqual(first.map(doubleFromHex));
      expect(drawn[999], `seed ${seed}, the thousandth`).toBe(doubleFromHex(thousandth));
    }
  });

  it.each([-1, 0.5, 2 ** 53, Number.NaN])('refuses the seed %s', (seed) => {
    expect(() => new MersenneTwister(seed)).toThrow(`got \`${seed}\``);
  });
});
