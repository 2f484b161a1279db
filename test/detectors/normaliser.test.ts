import { describe, expect, it } from 'vitest';
import type { NormaliseSettings } from '../../src/contract/pipeline.js';
import { createNormaliser, type Normaliser, normaliserFromBytes } from '../../src/detectors/normaliser.js';
import { testSeed } from '../random.js';
import { doubleFromHex, readGolden } from './golden-file.js';
import { Xorshift32 } from './random-rows.js';

interface Golden {
  readonly river: string;
  readonly pandas: string;
  readonly cases: readonly {
    readonly features: number;
    readonly raw: readonly string[];
    readonly running: readonly string[];
    readonly batch: readonly string[];
  }[];
}

const golden = readGolden<Golden>('normaliser.json.gz');
const NAMES = ['d', 'c', 'b', 'a'];

function normalise(normaliser: Normaliser, values: Float64Array, features: number): Float64Array {
  const out = new Float64Array(values.length);
  normaliser.normalise(values, values.length / features, out);
  return out;
}

function sameBits(received: Float64Array, expected: readonly string[]): boolean {
  return expected.length === received.length && expected.every((hex, i) => Object.is(received[i], doubleFromHex(hex)));
}

describe('createNormaliser', () => {
  it(`gives the doubles of River ${golden.river}'s MinMaxScaler with \`running\``, () => {
    expect(golden.cases.length).toBe(60);
    golden.cases.forEach(({ features, raw, running }, number) => {
      const normaliser = createNormaliser('running', NAMES.slice(0, features));
      const out = normalise(normaliser, Float64Array.from(raw, doubleFromHex), features);
      expect(sameBits(out, running), `case ${number}`).toBe(true);
    });
  });

  it(`gives the doubles of pandas ${golden.pandas} with \`batch\`, NaN for a constant column`, () => {
    golden.cases.forEach(({ features, raw, batch }, number) => {
      const normaliser = createNormaliser('batch', NAMES.slice(0, features));
      const out = normalise(normaliser, Float64Array.from(raw, doubleFromHex), features);
      expect(sameBits(out, batch), `case ${number}`).toBe(true);
    });
  });

  it('maps declared limits to 0 and 1 and does not clip', () => {
    const normaliser = createNormaliser({ load: [0, 200], power: [-100, 400] }, ['power', 'load']);
    const out = normalise(normaliser, Float64Array.of(-100, 50, 400, 200, 900, Number.NaN), 2);
    expect(Array.from(out)).toEqual([0, 0.25, 1, 1, 2, Number.NaN]);
  });

  it('writes over its input when asked to', () => {
    const values = Float64Array.of(2, 4, 3);
    createNormaliser('batch', ['x']).normalise(values, 3, values);
    expect(Array.from(values)).toEqual([0, 1, 0.5]);
  });

  it.each([
    ['a column without limits', { power: [0, 1] }, ['power', 'load'], '`load: [low, high]`'],
    ["a column named like an object's own method", { power: [0, 1] }, ['power', 'constructor'], 'constructor'],
    ['limits upside down', { power: [1, 0] }, ['power'], '`[1, 0]`'],
    ['limits of no width', { power: [1, 1] }, ['power'], '`[1, 1]`'],
    ['endless limits', { power: [0, Number.POSITIVE_INFINITY] }, ['power'], 'Infinity'],
  ] as const)('refuses %s', (_, settings: NormaliseSettings, features, message) => {
    expect(() => createNormaliser(settings, features)).toThrow(message);
    expect(() => createNormaliser(settings, features)).toThrow(expect.objectContaining({ kind: 'BadSettings' }));
  });
});

const seed = testSeed();

describe(`normaliserFromBytes (HALFSPACE_TEST_SEED=${seed})`, () => {
  const random = new Xorshift32(seed);

  it('goes on from its bytes at any cut as if it had never stopped', () => {
    for (const { features, raw } of golden.cases) {
      const names = NAMES.slice(0, features);
      const values = Float64Array.from(raw, doubleFromHex);
      const whole = createNormaliser('running', names);
      const expected = normalise(whole, values, features);
      const cut = features * random.integer(0, values.length / features);
      const before = createNormaliser('running', names);
      const head = normalise(before, values.subarray(0, cut), features);
      const after = normaliserFromBytes('running', names, before.toBytes());
      const tail = normalise(after, values.subarray(cut), features);
      expect(Float64Array.of(...head, ...tail)).toEqual(expected);
      expect(after.toBytes()).toEqual(whole.toBytes());
    }
  });

  it('keeps no bytes of what learns nothing, and refuses any', () => {
    for (const settings of ['batch', { x: [0, 1] }] as const) {
      const bytes = createNormaliser(settings, ['x']).toBytes();
      expect(bytes.length).toBe(0);
      expect(normaliserFromBytes(settings, ['x'], bytes).toBytes().length).toBe(0);
      expect(() => normaliserFromBytes(settings, ['x'], Uint8Array.of(1))).toThrow('got `1`');
    }
  });

  it('refuses bytes that are altered, cut short or of other features', () => {
    const normaliser = createNormaliser('running', ['x', 'y']);
    normalise(normaliser, Float64Array.of(1, 2, 3, 4), 2);
    const bytes = normaliser.toBytes();
    const corrupt = expect.objectContaining({ kind: 'CorruptSnapshot' });
    for (let at = 0; at < bytes.length; at++) {
      const altered = bytes.slice();
      altered[at] = (altered[at] ?? 0) ^ random.integer(1, 255);
      expect(() => normaliserFromBytes('running', ['x', 'y'], altered)).toThrow(corrupt);
      expect(() => normaliserFromBytes('running', ['x', 'y'], bytes.slice(0, at))).toThrow(corrupt);
    }
    expect(() => normaliserFromBytes('running', ['x', 'z'], bytes)).toThrow(corrupt);
  });

  it('gives the same bytes in any order of the features', () => {
    const straight = createNormaliser('running', ['x', 'y']);
    const turned = createNormaliser('running', ['y', 'x']);
    normalise(straight, Float64Array.of(1, 2, 3, 4), 2);
    normalise(turned, Float64Array.of(2, 1, 4, 3), 2);
    expect(turned.toBytes()).toEqual(straight.toBytes());
  });
});
