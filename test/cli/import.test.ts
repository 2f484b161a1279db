import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { importCsv } from '../../src/cli/import.js';
import type { ImportOptions } from '../../src/cli/import-plan.js';
import { UsageError } from '../../src/cli/usage-error.js';
import { HalfspaceError } from '../../src/contract/failures.js';
import { createInflux, type Influx } from '../../src/influx/connect.js';
import { type StandIn, startStandIn } from '../../src/local/standin/server.js';
import { capturedIo } from './captured-io.js';

const TOKEN = 'secret-of-the-tests';
let folder: string;
let server: StandIn;
let influx: Influx;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'halfspace-import-'));
  server = await startStandIn({ port: 0, dataDir: null, token: TOKEN });
  influx = createInflux({ host: server.url, token: TOKEN, database: 'factory' });
  writeSettings(server.url, TOKEN);
});
afterAll(async () => {
  await influx.close();
  await server.close();
  rmSync(folder, { recursive: true });
});

function writeSettings(host: string, token: string): void {
  const text = `influx: { host: "${host}", token: "${token}", database: factory }\n`;
  writeFileSync(join(folder, 'halfspace.yaml'), text);
}

async function importText(csv: string | Buffer, table: string, options: Partial<ImportOptions> = {}) {
  const file = join(folder, 'data.csv');
  writeFileSync(file, csv);
  const io = capturedIo({ json: true });
  const config = join(folder, 'halfspace.yaml');
  await importCsv({ file, table, tags: ['provider'], time: 'time', config, ...options }, io);
  return { result: JSON.parse(io.out()), io };
}

async function rowsOf(table: string, columns: string): Promise<unknown[][]> {
  const rows: unknown[][] = [];
  for await (const batch of influx.query(`SELECT ${columns} FROM "${table}" ORDER BY time`)) {
    for (let row = 0; row < batch.rows; row++) {
      rows.push(
        Array.from(batch.columns.values(), (column) =>
          column.kind === 'string' ? (column.dictionary[column.codes[row] ?? -1] ?? null) : column.values[row],
        ),
      );
    }
  }
  return rows;
}

describe('importCsv', () => {
  it('writes tags, numbers and texts under the rows’ own times', async () => {
    const { result, io } = await importText(
      'time,provider,power,note,none\n' +
        '2026-01-01T00:00:00.000000001Z,"Böge, & Co",0.1,7,\n' +
        '2026-01-01 01:00:01+01:00,a=b c,NA,"say ""hi""",\n',
      'typed',
    );
    expect(result).toEqual({
      table: 'typed',
      rows: 2,
      empty: 0,
      tags: ['provider'],
      numbers: ['power'],
      texts: ['note'],
    });
    expect(io.err()).toContain('2 rows; time from time; tags provider; numbers power; texts note');
    expect(await rowsOf('typed', 'time, provider, power, note')).toEqual([
      [1_767_225_600_000_000_001n, 'Böge, & Co', 0.1, '7'],
      [1_767_225_601_000_000_000n, 'a=b c', Number.NaN, 'say "hi"'],
    ]);
  });

  it('may be done again, and leaves out rows without a value', async () => {
    const csv = `time,provider,power\n${Array.from({ length: 6000 }, (_, i) => `${1_700_000_000 + i},acme,${i}`).join('\n')}\n1800000000,acme,\n`;
    await importText(csv, 'twice');
    const { result } = await importText(csv, 'twice');
    expect(result).toMatchObject({ rows: 6000, empty: 1 });
    expect(await rowsOf('twice', 'time, power')).toHaveLength(6000);
  });

  it.each([
    [
      'bytes that are no UTF-8',
      Buffer.from('time,provider,power\n1,\xe9,1\n', 'latin1'),
      /data\.csv:2: .*0xe9 at offset 22/,
    ],
    [
      'a column called time beside the times',
      'at,provider,time\n1,a,1\n',
      /data\.csv:1: `time` is InfluxDB's name/,
      'at',
    ],
    ['a line with too many fields', 'time,provider,power\n1,a,1\n2,a,2,3\n', /data\.csv:3: expected 3 fields.*found 4/],
    ['a time that is none', 'time,provider,power\n1,a,1\nx,a,2\n', /data\.csv:3: expected a number in s since 1970/],
    ['a missing time', 'time,provider,power\n1,a,1\n,a,2\n', /data\.csv:3: expected .* found ""/],
    [
      'a tag line protocol cannot hold',
      'time,provider,power\n1,a,1\n2,a\\,2\n',
      /data\.csv:3: The value of tag "provider"/,
    ],
    ['a column without a name', 'time,provider,\n1,a,1\n', /data\.csv:1: The field name "" is empty/],
    ['a missing tag column', 'time,power\n1,1\n', /no column "provider".*time, power/],
    ['nothing but tags', 'time,provider\n1,a\n', /no column with values/],
    [
      'a row that would replace another one',
      'time,provider,machine,note,power\n1,a,m1,x1,1\n1,a,m2,x2,2\n1,b,m1,x3,3\n2,a,m1,x4,4\n2,a,m2,x5,5\n1,a,m1,x6,1\n',
      /data\.csv:3: this is the first of 3 rows that have the time and the tags \(provider\) of an earlier row but other values.*these could: machine\. Nothing/,
    ],
    [
      'a row that would replace another one, without a column to tell them apart',
      'time,provider,power\n1,a,1\n2,a,2\n1,a,3\n',
      /data\.csv:4: this row has the time and the tags \(provider\) of an earlier row.*Name the columns .* in --tags\. Nothing/,
    ],
    ['no rows', 'time,provider,power\n', /has no rows/],
  ])('refuses %s with one clear line and writes nothing', async (_, csv, message, time = 'time') => {
    const failure = await importText(csv, 'refused', { time }).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(HalfspaceError);
    expect(String(failure)).toMatch(message);
    await expect(rowsOf('refused', '*')).rejects.toMatchObject({ kind: expect.stringMatching(/^Missing/) });
  });

  it('writes columns with names of JavaScript as any other', async () => {
    const csv = 'time,constructor,__proto__,toString,hasOwnProperty\n1,a,0.5,x,1\n2,b,,,2\n';
    const { result } = await importText(csv, 'names', { tags: ['constructor'] });
    expect(result).toMatchObject({ rows: 2, numbers: ['__proto__', 'hasOwnProperty'], texts: ['toString'] });
    expect(await rowsOf('names', '"constructor", "__proto__", "toString", "hasOwnProperty"')).toEqual([
      ['a', 0.5, 'x', 1],
      ['b', Number.NaN, null, 2],
    ]);
    await importText('time,power\n1,1\n', 'names2', { tags: [], constants: JSON.parse('{"__proto__":"c"}') });
    expect(await rowsOf('names2', '"__proto__", power')).toEqual([['c', 1]]);
    const tagged = await importText('time,__proto__,power\n1,t,1\n', 'names3', { tags: ['__proto__'] });
    expect(tagged.result.tags).toEqual(['__proto__']);
    expect(await rowsOf('names3', '"__proto__", power')).toEqual([['t', 1]]);
  });

  it.each<[string, Partial<ImportOptions>, RegExp]>([
    ['an empty table', { table: '' }, /name in --table/],
    ['a table of spaces', { table: '  ' }, /name in --table/],
    ['a table line protocol cannot hold', { table: 'a\nb' }, /--table: The table name "a\\nb" holds a line break/],
    ['an empty time', { time: '' }, /name in --time/],
    ['an empty tag', { tags: ['provider', ''] }, /name in --tags/],
    ['a tag twice', { tags: ['provider', 'provider'] }, /`provider` is there twice/],
    ['a constant called time', { constants: { time: 'x' } }, /--set time: /],
    ['a constant line protocol cannot hold', { constants: { a: 'b\\' } }, /--set: The value of tag "a"/],
    ['a constant that is a column', { constants: { power: 'b' } }, /--set power names a column/],
  ])('refuses %s as wrong use', async (_, { table = 'refused', ...options }, message) => {
    const failure = await importText('time,provider,power\n1,a,1\n', table, options).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(UsageError);
    expect(String(failure)).toMatch(message);
    expect(String(failure)).not.toContain('\n');
  });

  it('refuses rows that share their time where no tags are given', async () => {
    const failure = await importText('time,machine,power\n1,m1,1\n1,m2,2\n2,m1,1\n', 'refused', { tags: [] }).catch(
      String,
    );
    expect(failure).toMatch(/data\.csv:3: this row has the time of an earlier row but other values.*: machine\./);
  });

  it('writes a file that repeats whole rows, in any order of time, or has rows without a value beside others', async () => {
    const csv = 'time,provider,power\n2,a,2\n1,a,1\n3,a,3\n1,a,1\n2,a,\n3,b,4\n2,b,5\n';
    const { result } = await importText(csv, 'repeated');
    expect(result).toMatchObject({ rows: 6, empty: 1 });
    expect(await rowsOf('repeated', 'power')).toHaveLength(5);
  });

  it('writes rows of the same tags and time that fill in each other’s missing fields', async () => {
    const { result } = await importText('time,provider,power,load\n1,a,1,\n1,a,,2\n2,a,3,4\n', 'sparse');
    expect(result).toMatchObject({ rows: 3 });
    expect(await rowsOf('sparse', 'power, load')).toEqual([
      [1, 2],
      [3, 4],
    ]);
  });

  it.each([
    ['quotes', 'time,provider,power,note\n1,a,"39,54",x\n2,a,40,"1,5"\n3,a,"-,5",\n'],
    ['semicolons', 'time;provider;power;note\n1;a;39,54;x\n2;a;40;1,5\n3;a;-,5;\n'],
    ['tabs', '\ufefftime\tprovider\tpower\tnote\r\n1\ta\t39,54\tx\r\n2\ta\t40\t1,5\r\n3\ta\t-,5\t\r\n'],
  ])('reads decimal commas in a file with %s when told to, and refuses them otherwise', async (name, csv) => {
    const failure = await importText(csv, name).catch((error: unknown) => error);
    expect(failure).toMatchObject({ kind: 'BadSchema' });
    expect(String(failure)).toMatch(
      /data\.csv:2: "39,54" in "power" has a decimal comma \(the first of 2 such cells\)\. Give --decimal , to read it, or --decimal \. where it is none\. Nothing was written\.$/,
    );
    const { result } = await importText(csv, name, { decimal: ',' });
    expect(result).toMatchObject({ rows: 3, numbers: ['power'], texts: ['note'] });
    expect(await rowsOf(name, 'power')).toEqual([[39.54], [40], [-0.5]]);
  });

  it('refuses a file of decimal points where a comma was asked for, and reads it without', async () => {
    const csv = 'time;provider;power;load\n1;a;39.54;1\n2;a;40;2\n3;a;-.5;3\n';
    await expect(importText(csv, 'points', { decimal: ',' })).rejects.toThrow(
      /data\.csv:2: "39\.54" in "power" has a decimal point \(the first of 2 such cells\)\. Leave out --decimal , to read it\. N/,
    );
    const { result } = await importText(csv, 'points');
    expect(result).toMatchObject({ rows: 3, numbers: ['power', 'load'] });
  });

  it('takes points for texts where a comma was asked for and another column has one', async () => {
    const csv = 'time;provider;power;version\n1;a;39,54;1.2\n2;a;40;1.3\n';
    const { result, io } = await importText(csv, 'versions', { decimal: ',' });
    expect(result).toMatchObject({ numbers: ['power'], texts: ['version'] });
    expect(io.err()).toContain('"1.2" in "version" is no number, so the column is written as text');
  });

  it('does not guess what a point before three digits is where a comma was asked for', async () => {
    const failure = importText('time;provider;power\n1;a;1.234\n2;a;12.500\n', 'refused', { decimal: ',' });
    await expect(failure).rejects.toThrow(/If it is one leave out --decimal , and if it is a sign between thousands/);
  });

  it('writes cells with commas as texts where a point was asked for, and says so', async () => {
    const { result, io } = await importText('time,provider,code\n1,a,"1,5"\n2,a,"2,5"\n', 'codes', { decimal: '.' });
    expect(result).toMatchObject({ texts: ['code'] });
    expect(io.err()).toContain(
      'data.csv:2: "1,5" in "code" is no number, so the column is written as text (the first of 2 such cells)\n',
    );
  });

  it('says which cell makes a column of numbers text, and nothing of columns of texts', async () => {
    const csv = 'time,provider,power,note\n1,a,1,x\n2,a,2 V,3\n3,a,3,y\n';
    const { io } = await importText(csv, 'stray');
    expect(io.err()).toMatch(/\n\S*data\.csv:3: "2 V" in "power" is no number, so the column is written as text\n$/);
  });

  it('does not guess what a comma before three digits is', async () => {
    const failure = importText('time,provider,power\n1,a,"1,234"\n2,a,"12,500"\n3,a,7\n', 'refused');
    await expect(failure).rejects.toThrow(/If it is one give --decimal , and if it is a sign between thousands write/);
  });

  it('refuses signs between thousands also where the decimal sign is known', async () => {
    const failure = importText('time;provider;power\n1;a;1.234,5\n2;a;7,5\n', 'refused', { decimal: ',' });
    await expect(failure).rejects.toThrow(/data\.csv:2: "1\.234,5" in "power" has a sign between thousands\. Write/);
  });

  it('leaves infinite numbers out, and says how many of which column and where the first is', async () => {
    const csv = 'time,provider,power,load\n1,a,1,1\n2,a,inf,2\n3,a,-Infinity,NaN\n4,a,NaN,inf\n';
    const { result, io } = await importText(csv, 'infinite');
    expect(result).toMatchObject({ rows: 2, empty: 2, numbers: ['power', 'load'] });
    expect(io.err().split('\n').slice(1)).toEqual([
      expect.stringMatching(
        /data\.csv:3: "inf" in "power" is infinite, which .* left out \(the first of 2 such cells\)$/,
      ),
      expect.stringMatching(/data\.csv:5: "inf" in "load" is infinite, which InfluxDB cannot hold, and is left out$/),
      '',
    ]);
  });

  it('says in one line which column is of another type in the table, and writes nothing', async () => {
    await importText('time,provider,power,note\n1,a,1,x\n', 'kinds');
    const refusal = async (csv: string, options: Partial<ImportOptions> = {}) => {
      const failure = await importText(csv, 'kinds', options).catch((error: unknown) => error);
      expect(failure).toMatchObject({ kind: 'BadSchema' });
      return String(failure);
    };
    expect(await refusal('time,provider,power\n2,a,2\n3,a,off\n')).toMatch(
      /data\.csv:3: "off" in "power" makes the column text, and it holds numbers in the table kinds\. Nothing was written\.$/,
    );
    expect(await refusal('time,provider,note\n2,a,2\n')).toMatch(
      /data\.csv:1: "note" is a number in the file and text in the table kinds\. A column of a table stays what it is/,
    );
    expect(await refusal('time,provider,power\n2,a,2\n', { tags: [] })).toMatch(
      /"provider" is text in the file and a tag in the table kinds\./,
    );
    expect(await refusal('time,note,power\n2,a,2\n', { tags: ['note'] })).toMatch(
      /"note" is a tag in the file and text in the table kinds\./,
    );
    expect(await refusal('time,provider\n2,a\n', { tags: [], constants: { power: 'x' } })).toMatch(
      /"power" is a tag in the file and a number in the table/,
    );
    expect(await rowsOf('kinds', 'power')).toEqual([[1]]);
  });

  it('refuses a pipe, which it cannot read twice', async () => {
    const pipe = join(folder, 'pipe');
    execFileSync('mkfifo', [pipe]);
    await expect(importText('', 'refused', { file: pipe })).rejects.toThrow(UsageError);
  });

  it('refuses one column as time and tag', async () => {
    await expect(importText('time,power\n1,1\n', 'refused', { tags: ['time'] })).rejects.toThrow(UsageError);
  });

  it('says that the token is wrong without showing it', async () => {
    writeSettings(server.url, 'a-wrong-token');
    const failure = await importText('time,provider,power\n1,a,1\n', 'typed').catch((error: unknown) => error);
    writeSettings(server.url, TOKEN);
    expect(failure).toMatchObject({ kind: 'BadCredentials' });
    expect(String(failure)).not.toContain('a-wrong-token');
  });
});
