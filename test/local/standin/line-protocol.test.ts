import { expect, test } from 'vitest';
import { type BadLine, type Line, parseLines } from '../../../src/local/standin/line-protocol.js';
import { nanosFromTimestamp } from '../../../src/local/standin/precision.js';
import { randomFrom, testSeed } from '../../random.js';

function parse(text: string): { lines: Line[]; bad: BadLine[] } {
  const lines: Line[] = [];
  const bad: BadLine[] = [];
  parseLines(
    text,
    (line) => lines.push(line),
    (line) => bad.push(line),
  );
  return { lines, bad };
}

function fieldOf(text: string): unknown {
  const { lines } = parse(`m f=${text} 1`);
  return lines[0]?.fields.map(({ kind, value }) => [kind, value])[0] ?? 'refused';
}

test.each([
  ['1', 'float', 1],
  ['-1.5e3', 'float', -1500],
  ['.5', 'float', 0.5],
  ['5.', 'float', 5],
  ['+2', 'float', 2],
  ['3i', 'integer', 3n],
  ['-9223372036854775808i', 'integer', -(2n ** 63n)],
  ['18446744073709551615u', 'uinteger', 2n ** 64n - 1n],
  ['t', 'boolean', true],
  ['TRUE', 'boolean', true],
  ['False', 'boolean', false],
  ['""', 'string', ''],
  ['"a \\"b\\" \\\\ \\n, =c"', 'string', 'a "b" \\ \\n, =c'],
  ['"two\nlines"', 'string', 'two\nlines'],
])('reads the field value %j as %s', (text, kind, value) => {
  expect(fieldOf(text)).toEqual([kind, value]);
});

test.each([
  'NaN',
  'nan',
  'inf',
  '-Infinity',
  '1e999',
  '9223372036854775808i',
  '-1u',
  '1.5i',
  'yes',
  '',
  '0x10',
  '1_000',
])('refuses the field value %j', (text) => expect(fieldOf(text)).toBe('refused'));

test.each([
  'm',
  'm ',
  'm,t=a',
  'm,t= f=1 1',
  'm,=a f=1 1',
  'm,t f=1 1',
  'm =1 1',
  'm f 1',
  'm f=1,',
  'm f=1 now',
  'm f=1 1.5',
  'm f="open 1',
  'm,t=a,t=b f=1 1',
  'm f=1 9223372036854775808',
  ',t=a f=1 1',
  'm,t=a\\\\ f=1 1',
  'm\\\\ f=1 1',
])('refuses the line %j and says which one it was', (line) => {
  const { lines, bad } = parse(`ok f=1 1\n${line}\nok f=2 2\n`);
  expect(lines.map(({ series }) => series.measurement)).toEqual(['ok', 'ok']);
  expect(bad).toHaveLength(1);
  expect(bad[0]).toMatchObject({ lineNumber: 2, line });
});

test('skips blank lines, comments and carriage returns, and counts them', () => {
  const { lines, bad } = parse('# first\r\n\r\nm,t=a f=1,s="x" 5\r\n  \n#last\nm f=bad 1\r\n');
  expect(lines).toHaveLength(1);
  expect(lines[0]).toMatchObject({ timestamp: 5n, series: { measurement: 'm', tags: [['t', 'a']] } });
  expect(bad).toEqual([{ lineNumber: 6, line: 'm f=bad 1', message: expect.stringContaining("'bad'") }]);
});

test('a newline inside a string counts as a line', () => {
  const { bad } = parse('m f="a\nb\nc" 1\nbad\n');
  expect(bad[0]?.lineNumber).toBe(4);
});

test('undoes the escapes of names and tag values, that of a backslash too, and keeps other backslashes', () => {
  const { lines } = parse('m\\,\\ \\\\x,ta\\=g\\ \\\\a=v\\,1\\\\x\\y fi\\=e\\,l\\\\d=1 2');
  expect(lines[0]?.series).toEqual({ measurement: 'm, \\x', tags: [['ta=g \\a', 'v,1\\x\\y']] });
  expect(lines[0]?.fields[0]?.key).toBe('fi=e,l\\d');
});

test('series that are alike up to an escaped space stay apart', () => {
  const { lines } = parse('m,t=a\\ b f=1 1\nm,t=a\\ c f=1 1\nm,t=a\\ b f=1 2');
  expect(lines.map(({ series }) => series.tags[0]?.[1])).toEqual(['a b', 'a c', 'a b']);
});

test('any text survives being written as a line and read again', () => {
  const seed = testSeed();
  const random = randomFrom(seed);
  const alphabet = ['a', 'Z', '0', ' ', ',', '=', '"', '\\', 'ß', '東', '😀', '#', 'i', '\t', '.'];
  // No name or tag value may end with a backslash.
  const word = () => `${pick(random, alphabet, 6)}x`;
  for (let round = 0; round < 500; round++) {
    const [measurement, tag, value, field, text] = [
      `m${word()}`,
      word(),
      word(),
      word(),
      pick(random, [...alphabet, '\n'], 12),
    ];
    const line = `${escapeName(measurement, ', \\')},${escapeName(tag, ',= \\')}=${escapeName(value, ',= \\')} ${escapeName(field, ',= \\')}="${text.replace(/["\\]/g, '\\$&')}" ${round}`;
    const { lines, bad } = parse(`${line}\nafter f=1 1`);
    const where = `seed ${seed}, round ${round}: ${line}`;
    expect(bad, where).toEqual([]);
    expect(lines[0], where).toEqual({
      series: { measurement, tags: [[tag, value]] },
      fields: [{ key: field, kind: 'string', value: text }],
      timestamp: BigInt(round),
    });
    expect(lines, where).toHaveLength(2);
  }
});

test('any bytes are either read or refused, and the next good line is still found', () => {
  const seed = testSeed();
  const random = randomFrom(seed);
  const alphabet = ['m', 'f', '=', ',', ' ', '1', 'i', 't', '\\', '"', '#', '\r', '\0', 'é'];
  for (let round = 0; round < 2000; round++) {
    const noise = pick(random, alphabet, 20);
    const { lines, bad } = parse(`${noise}\nlast f=1 1`);
    const where = `seed ${seed}, round ${round}: ${JSON.stringify(noise)}`;
    if (noise.endsWith('\\')) continue; // hides the newline
    expect(lines.at(-1)?.series.measurement, where).toBe('last');
    expect(lines.length + bad.length, where).toBeLessThanOrEqual(2);
  }
});

test('guesses the unit of a time from its size', () => {
  const times = [1_700_000_000n, 1_700_000_000_000n, 1_700_000_000_000_000n, 1_700_000_000_000_000_000n];
  expect(times.map((time) => nanosFromTimestamp(time, 'auto'))).toEqual(Array(4).fill(1_700_000_000_000_000_000n));
});

test('refuses a time that does not fit 64 bits of nanoseconds', () => {
  expect(() => nanosFromTimestamp(10_000_000_000n, 's')).toThrow('out of range');
});

function escapeName(text: string, special: string): string {
  return [...text].map((letter) => (special.includes(letter) ? `\\${letter}` : letter)).join('');
}

function pick(random: () => number, alphabet: readonly string[], longest: number): string {
  const length = Math.floor(random() * (longest + 1));
  return Array.from({ length }, () => alphabet[Math.floor(random() * alphabet.length)]).join('');
}
