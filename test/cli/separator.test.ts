import { describe, expect, it } from 'vitest';
import { separatorOf } from '../../src/cli/csv/separator.js';

const told = (text: string, isWhole = false) => separatorOf(Buffer.from(text), isWhole);

describe('the separator of a file', () => {
  it.each([
    ['time,power\n1;2\n', ','],
    ['time;power\n1,5;2\n', ';'],
    ['time\tpower\r1\t2', '\t'],
    ['\ufeff\r\n\ntime;power\n', ';'],
    ['time;load, kW\n', ','],
    ['time;load\tkW\n', ','],
    ['time;"load, ""kW""";x\n', ';'],
    ['time;"load,\nkW"\n', ';'],
    ['"time;power",x\n', ','],
    ['a"b,c"d;e\n', ','],
    ['time;5",x\n', ','],
    ['time;a"b;c\n', ';'],
    ['time|power\n', ','],
    ['time\n', ','],
  ])('is told by the first line: %j', (text, separator) => {
    expect(told(text)).toBe(separator);
  });

  it('is not known before that line has ended, or the file', () => {
    expect(told('time;power')).toBeNull();
    expect(told('time;"power\n')).toBeNull();
    expect(told('time;power', true)).toBe(';');
    expect(told('', true)).toBe(',');
    expect(told('\n\n')).toBeNull();
    expect(told('x'.repeat(2_000_000))).toBe(',');
  });
});
