import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { idTextsOf } from '../../src/cli/csv/id-text.js';
import { numberFromText, pythonText, textFromNumber } from '../../src/cli/csv/number-text.js';
import { nanosFromText, timeFormatOf } from '../../src/cli/csv/time-text.js';
import { createScoreLines, type TextStyle } from '../../src/cli/csv/write-scores.js';

const numbers = z
  .array(z.tuple([z.string(), z.string(), z.string()]))
  .parse(JSON.parse(readFileSync(new URL('../golden-shape/numbers.json', import.meta.url), 'utf8')))
  .map(([hex, c, python]) => ({ value: Buffer.from(hex, 'hex').readDoubleBE(), c, python }));

describe('number texts', () => {
  it('are those of C’s %.17g, halves to even included, and read back to the same bits', () => {
    expect(numbers.map(({ value }) => textFromNumber(value))).toEqual(numbers.map(({ c }) => c));
    for (const { value, c } of numbers) expect(numberFromText(c)).toBe(value);
  });

  it('are those of Python’s str for ids', () => {
    expect(numbers.map(({ value }) => pythonText(value))).toEqual(numbers.map(({ python }) => python));
  });

  it('stand for no value when they read NA, null and the like, and are no number otherwise', () => {
    for (const text of ['', 'NA', 'null', 'NaN', '-nan', '<NA>']) expect(numberFromText(text)).toBeNaN();
    for (const text of ['x', '1_0', '0x10', '1e', '.', 'Nan', '1,5', ' NA']) expect(numberFromText(text)).toBeNull();
    expect(numberFromText('-INF')).toBe(Number.NEGATIVE_INFINITY);
  });

  it('have a decimal comma where one was said, and then no point', () => {
    const texts = ['39,54', ' -,5 ', '+7,', '1,5e-3', '40', '-INF'];
    expect(texts.map((text) => numberFromText(text, ','))).toEqual([39.54, -0.5, 7, 0.0015, 40, -Infinity]);
    expect(numberFromText('NaN', ',')).toBeNaN();
    for (const text of ['39.54', '1.234,5', '1,2,3', ',', 'x']) expect(numberFromText(text, ',')).toBeNull();
  });
});

// What pandas 3.1.1 makes of each column, shown by an f-string.
describe('ids of a whole column', () => {
  it.each([
    [
      ['007', '+8', '-0'],
      ['7', '8', '0'],
    ],
    [
      ['007', 'x'],
      ['007', 'x'],
    ],
    [
      ['007', '', ' 9'],
      ['7.0', 'nan', '9.0'],
    ],
    [
      ['True', 'false'],
      ['True', 'False'],
    ],
    [
      ['True', 'NA'],
      ['True', 'nan'],
    ],
    [
      ['5', 'True'],
      ['5', 'True'],
    ],
    [
      ['1', '123456789012345678901234567890'],
      ['1', '123456789012345678901234567890'],
    ],
    [
      ['-01', '123456789012345678901234567890'],
      ['-1', '123456789012345678901234567890'],
    ],
    [
      ['01', '18446744073709551615'],
      ['1', '18446744073709551615'],
    ],
    [
      ['-01', '18446744073709551615'],
      ['-01', '18446744073709551615'],
    ],
    [
      ['1', '', '9007199254740993'],
      ['1.0', 'nan', '9007199254740992.0'],
    ],
    [
      ['1e3', '2', 'inf'],
      ['1000.0', '2.0', 'inf'],
    ],
    [
      ['1.5', '99999999999999999999999'],
      ['1.5', '1e+23'],
    ],
  ])('%j are %j', (texts, ids) => {
    expect(idTextsOf(texts)).toEqual(ids);
  });
});

describe('times', () => {
  const nanos = (text: string): bigint | null => nanosFromText(text, timeFormatOf(text, null)?.unit ?? null);

  it.each([
    ['2026-01-31T12:00:00.123456789Z', 1_769_860_800_123_456_789n],
    ['2026-01-31 12:00:00', 1_769_860_800_000_000_000n],
    ['2026-01-31 12:00', 1_769_860_800_000_000_000n],
    ['2026-01-31', 1_769_817_600_000_000_000n],
    ['2026-01-31T14:30:00+0230', 1_769_860_800_000_000_000n],
    ['2026-01-31T09:00:00-03', 1_769_860_800_000_000_000n],
    ['1969-12-31T23:59:59.5Z', -500_000_000n],
    ['31.01.2026 12:00', 1_769_860_800_000_000_000n],
    ['31.1.2026, 12:00:00,5', 1_769_860_800_500_000_000n],
    ['31.01.2026T14:00:00+02:00', 1_769_860_800_000_000_000n],
    ['1.2.2026', 1_769_904_000_000_000_000n],
    ['-1.5', -1_500_000_000n],
    ['1769860800', 1_769_860_800_000_000_000n],
    ['1769860800123.25', 1_769_860_800_123_250_000n],
    ['-1769860800123,25', -1_769_860_800_123_250_000n],
    ['1769860800123456', 1_769_860_800_123_456_000n],
    ['1769860800123456789', 1_769_860_800_123_456_789n],
  ])('%s is %d', (text, value) => {
    expect(nanos(text)).toBe(value);
  });

  it.each([
    'soon',
    '2026-02-29',
    '2026-13-01',
    '01.13.2026',
    '29.02.2026 12:00',
    '31.01.26',
    '31.01.2026 ,',
    '31.01.202612:00',
    '01/31/2026',
    '2026-01-01T24:00:00Z',
    '2026-01-01T00:60:00Z',
    '1500-01-01',
    '2300-01-01',
    '',
    '1e9',
  ])('%s is none', (text) => {
    expect(nanos(text)).toBeNull();
  });
});

describe('score lines', () => {
  it('name several value columns and quote what must be quoted', () => {
    const lines = createScoreLines(['power', 'a,b'], { kind: 'rfc 3339' });
    lines.add(0n, 0.5, Float64Array.of(1, NaN), true, 'x"y');
    expect(lines.end()).toBe('date,score,power,"a,b",is_anomaly,unique_id\n1970-01-01T00:00:00Z,0.5,1,,True,"x""y"\n');
  });

  it('write a number as it was read, but with 17 digits where the file is to be that of a data frame', () => {
    const written = (style: TextStyle): string[] => {
      const lines = createScoreLines(['power'], style);
      for (const value of [207.64, 1e21, -0, Infinity]) lines.add(0n, 0.1, Float64Array.of(value), false, 'm');
      return lines
        .end()
        .split('\n')
        .slice(1, -1)
        .map((line) => line.split(',').slice(1, 3).join(' '));
    };
    expect(written({ kind: 'rfc 3339' })).toEqual(['0.1 207.64', '0.1 1e+21', '0.1 -0', '0.1 inf']);
    expect(written({ kind: 'data frame', format: null }).slice(0, 2)).toEqual([
      '0.10000000000000001 207.63999999999999',
      '0.10000000000000001 1e+21',
    ]);
  });

  it('write dates as a data frame does, 20,000 rows at a time', () => {
    const day = 86_400_000_000_000n;
    const lines = createScoreLines(['power'], { kind: 'data frame', format: { unit: null, offsetMinutes: null } });
    for (let i = 0; i < 20_000; i++) lines.add(BigInt(i) * day, 0, Float64Array.of(0), false, 'm');
    lines.add(0n, 0, Float64Array.of(0), false, 'm');
    lines.add(1_000_000n, 0, Float64Array.of(0), false, 'm');
    const dates = lines
      .end()
      .split('\n')
      .map((line) => line.split(',')[0]);
    expect(dates.slice(1, 3)).toEqual(['1970-01-01', '1970-01-02']);
    expect(dates.slice(20_001, 20_003)).toEqual(['1970-01-01 00:00:00.000', '1970-01-01 00:00:00.001']);
  });
});
