import { expect, test } from 'vitest';
import { formatLine, lineFormatter } from '../../src/influx/line-protocol.js';

const time = 1_700_000_000_123_456_789n;

test('writes table, tags, fields of every type and the time in nanoseconds', () => {
  const line = formatLine({
    table: 'm',
    tags: { a: 'x', b: 'y' },
    fields: { power: 1.5, count: { int: 3n }, ok: true, off: false, note: 'hi' },
    time,
  });
  expect(line).toBe('m,a=x,b=y power=1.5,count=3i,ok=true,off=false,note="hi" 1700000000123456789');
});

test('escapes commas, spaces and equals signs in names and tag values, and quotes in string fields', () => {
  const line = formatLine({
    table: 'my table,x=y',
    tags: { 'a b': 'c,d=e f' },
    fields: { 'v=1': 'say "no", \\ and\nmore' },
    time,
  });
  expect(line).toBe('my\\ table\\,x=y,a\\ b=c\\,d\\=e\\ f v\\=1="say \\"no\\", \\\\ and\nmore" 1700000000123456789');
});

test('leaves a lone backslash in a tag value and doubles one that would escape what follows', () => {
  const value = (text: string) => formatLine({ table: 'm', tags: { a: text }, fields: { v: 1 }, time: 0n });
  expect(value('DOMAIN\\user')).toBe('m,a=DOMAIN\\user v=1 0');
  expect(value('x\\,y')).toBe('m,a=x\\\\\\,y v=1 0');
  expect(value('x\\\\y')).toBe('m,a=x\\\\\\y v=1 0');
});

test('leaves out empty tags and fields without a finite number, and gives null when no field is left', () => {
  expect(formatLine({ table: 'm', tags: { a: '', b: 'x' }, fields: { v: Number.NaN, w: 2 }, time })).toBe(
    `m,b=x w=2 ${time}`,
  );
  expect(formatLine({ table: 'm', tags: {}, fields: { v: Number.NaN, w: Number.POSITIVE_INFINITY }, time })).toBeNull();
});

test('prints doubles that read back to the same bits', () => {
  const doubles = [0, -0, 0.1, 1 / 3, 5e-324, 1.7976931348623157e308, 1e21, 123456789012345680000, -2.5e-7];
  for (const value of doubles) {
    const text = formatLine({ table: 'm', tags: {}, fields: { v: value }, time })?.split(/[= ]/)[2];
    expect(Object.is(Number(text), value), `${value} was written as ${text}`).toBe(true);
  }
});

test.each([
  [
    'a line break in a tag',
    { table: 'm', tags: { a: 'x\ny' }, fields: { v: 1 }, time },
    /value of tag "a" "x\\ny" holds a line break/,
  ],
  [
    'a tag that ends with a backslash',
    { table: 'm', tags: { a: 'x\\' }, fields: { v: 1 }, time },
    /ends with a backslash/,
  ],
  ['a table that would be a comment', { table: '#m', tags: {}, fields: { v: 1 }, time }, /begins with #/],
  ['an empty field name', { table: 'm', tags: {}, fields: { '': 1 }, time }, /field name "" is empty/],
])('refuses %s instead of changing it', (_, row, message) => {
  expect(() => formatLine(row)).toThrow(message);
  expect(() => formatLine(row)).toThrow(expect.objectContaining({ kind: 'RejectedWrite' }));
});

test('formats many rows of one series as formatLine does', () => {
  const tags = { 'machine id': 'a,b' };
  const format = lineFormatter('my table', tags);
  for (let i = 0; i < 5; i++) {
    const fields = { score: i / 7, 'is anomaly': i > 3 };
    expect(format(fields, time + BigInt(i))).toBe(
      formatLine({ table: 'my table', tags, fields, time: time + BigInt(i) }),
    );
  }
});
