import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import { type ScoreOptions, score, scoreFile } from '../../src/cli/score.js';
import { UsageError } from '../../src/cli/usage-error.js';
import { HalfspaceError } from '../../src/contract/failures.js';
import { capturedIo } from './captured-io.js';

const SETTINGS = new URL('../../halfspace.yaml', import.meta.url).pathname;
const goldens = z
  .object({ cases: z.array(z.object({ seed: z.number(), csv: z.string(), scores: z.string() })) })
  .parse(JSON.parse(gunzipSync(readFileSync(new URL('../golden-shape/scores.json.gz', import.meta.url))).toString()));

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'halfspace-score-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

async function scoreText(csv: string | Buffer, options: Partial<ScoreOptions> = {}) {
  const file = join(folder, 'data.csv');
  const out = join(folder, 'scores.csv');
  rmSync(out, { force: true });
  writeFileSync(file, csv);
  const io = capturedIo();
  const { result } = await scoreFile({ file, out, pipeline: 'mage-demo', config: SETTINGS, ...options }, io);
  return { result, text: readFileSync(out, 'utf8'), io };
}

describe('score --pipeline mage-demo', () => {
  it.each(goldens.cases)('writes what the original writes, byte for byte (seed $seed)', async ({ csv, scores }) => {
    const { text } = await scoreText(csv);
    expect(text).toBe(scores);
  });

  it('is compared on files long enough to have scores and anomalies', () => {
    const rows = goldens.cases.flatMap(({ scores }) => scores.split('\n').slice(1, -1));
    expect(rows.filter((row) => /,0\.\d+,/.test(row)).length).toBeGreaterThan(1000);
    expect(rows.some((row) => row.includes(',True,'))).toBe(true);
    expect(rows.some((row) => row.includes(',inf,') || row.includes(',,'))).toBe(true);
  });
});

describe('score', () => {
  const rows = ['2026-01-01T00:00:00.5Z,7,Acme,100', '2026-01-01T00:00:01Z,7,Acme,500'];
  const longRows = Array.from({ length: 900_000 }, (_, i) => `${i},7,Acme,1000000`);
  const latin1 = (text: string): Buffer => Buffer.from(text, 'latin1');
  const utf16 = (text: string): Buffer => Buffer.from(text, 'utf16le');
  const csv = (lines: readonly string[]): string => `${['time,machineID,provider,power', ...lines].join('\n')}\n`;

  it('scores with a pipeline that learns row by row: one row a time, values by the declared limits, dates in UTC', async () => {
    const { text, result } = await scoreText(
      csv([
        '2026-01-01T02:00:01+02:00,007,Acme,500',
        '2026-01-01T00:00:00.5Z,007,Acme,100',
        '2026-01-01T00:00:01Z,007,Acme,250',
        '2026-01-01T00:00:02Z,007,Acme,',
      ]),
      { pipeline: 'machines' },
    );
    expect(text.split('\n')).toEqual([
      'date,score,value,is_anomaly,unique_id',
      '2026-01-01T00:00:00.500Z,0,0.2,False,acme-007',
      '2026-01-01T00:00:01Z,0,0.5,False,acme-007',
      '2026-01-01T00:00:02Z,,,False,acme-007',
      '',
    ]);
    expect(result).toMatchObject({ rows: 4, machines: 1, duplicates: 1, missing: 1, unscored: 1 });
  });

  it('takes epoch times in the unit their size tells, or in a given one', async () => {
    const lines = (times: readonly string[]) => csv(times.map((time) => `${time},7,Acme,1`));
    const dates = (text: string) =>
      text
        .split('\n')
        .slice(1, -1)
        .map((line) => line.split(',')[0]);
    const told = await scoreText(lines(['1700000000', '1700000001.25']), { pipeline: 'machines' });
    expect(dates(told.text)).toEqual(['2023-11-14T22:13:20Z', '2023-11-14T22:13:21.250Z']);
    const inMs = await scoreText(lines(['1700000000123']), { pipeline: 'machines' });
    expect(dates(inMs.text)).toEqual(['2023-11-14T22:13:20.123Z']);
    const given = await scoreText(lines(['1', '2']), { pipeline: 'machines', timeUnit: 'us' });
    expect(dates(given.text)).toEqual(['1970-01-01T00:00:00.000001Z', '1970-01-01T00:00:00.000002Z']);
  });

  it('prints one JSON document, or one line', async () => {
    await scoreText(csv(rows));
    const options = {
      file: join(folder, 'data.csv'),
      out: join(folder, 'scores.csv'),
      pipeline: 'mage-demo',
      config: SETTINGS,
    };
    const json = capturedIo({ json: true });
    await score(options, json);
    expect(JSON.parse(json.out())).toMatchObject({
      pipeline: 'mage-demo',
      rows: 2,
      machines: 1,
      anomalies: 0,
      out: options.out,
    });
    const plain = capturedIo();
    await score(options, plain);
    expect(plain.out()).toMatch(/^scored 2 rows of 1 machine in [\d.]+ s, 0 anomalous: .*scores\.csv\n$/);
  });

  it('counts the rows of the grid as scored, those that fill gaps aside, beside the rows of the file', async () => {
    const own = mkdtempSync(join(tmpdir(), 'halfspace-grid-'));
    onTestFinished(() => rmSync(own, { recursive: true }));
    const file = join(own, 'grid.csv');
    writeFileSync(file, 'time,m,x\n0,a,1\n1,a,2\n12,a,3\n13,a,4\n45,a,5\n55,a,6\n');
    const config = join(own, 'grid.yaml');
    writeFileSync(
      config,
      `pipelines:
  grid:
    source: { table: t, id: [m], values: [x] }
    resample: { every: 10s, fill: linear, limit: 1m }
    detector: { kind: threshold, high: 10 }
    output: { table: scores }
`,
    );
    const options = { file, out: join(own, 'grid-scores.csv'), config };
    const plain = capturedIo();
    await score(options, plain);
    expect(readFileSync(options.out, 'utf8').split('\n')).toHaveLength(2 + 5);
    expect(plain.out()).toMatch(/^scored 3 rows of 1 machine, of 6 read, in [\d.]+ s, 0 anomalous: /);
    const json = capturedIo({ json: true });
    await score(options, json);
    expect(JSON.parse(json.out())).toMatchObject({ rows: 6, rows_scored: 3, unscored: 0 });
  });

  it('passes over lines with nothing but spaces', async () => {
    const { result } = await scoreText(csv([rows[0] ?? '', '   ', '', rows[1] ?? '']));
    expect(result.rows).toBe(2);
  });

  it('says which texts were no numbers', async () => {
    const { io, text } = await scoreText(csv([...rows, '2026-01-01T00:00:02Z,7,Acme,12 V']));
    expect(io.err()).toContain('data.csv:4: "12 V" in "power" is no number and counts as missing');
    expect(text.trimEnd().split('\n').at(-1)).toMatch(/,,False,acme-7$/);
  });

  it('says how many numbers of a column are infinite, and where the first is', async () => {
    const lines = csv([
      ...rows,
      ...['inf', '-Infinity', '1e999', 'NaN', ''].map((v, i) => `2026-01-01T00:01:0${i}Z,7,Acme,${v}`),
    ]);
    const { io, result } = await scoreText(lines, { pipeline: 'machines' });
    expect(io.err()).toMatch(
      /^\S*data\.csv:4: "inf" in "power" is infinite and counts as missing \(the first of 3 such cells\)\n$/,
    );
    expect(result).toMatchObject({ rows: 7, missing: 5, unscored: 5 });
    const replay = await scoreText(lines);
    expect(replay.io.err()).toContain('data.csv:4: "inf" in "power" is infinite and stays a value, as in a data frame');
    const none = scoreText(csv(['1,7,Acme,', '2,7,Acme,-inf']), { pipeline: 'machines' });
    await expect(none).rejects.toThrow(
      /data\.csv:3: "-inf" in "power" is infinite, and no row of the file has a value/,
    );
  });

  it.each([
    [';', ','],
    [';', '.'],
    ['\t', ','],
    ['\t', '.'],
  ] as const)('reads fields between %j and numbers with %j as the same rows', async (separator, decimal) => {
    const plain = csv([...rows.map((row) => `${row}.25`), '2026-01-01T00:00:02Z,7,Acme,-1e-1']);
    const expected = await scoreText(plain, { pipeline: 'machines' });
    const text = plain.replaceAll(',', separator).replace(/\.(?=25$)/gm, decimal);
    const found = await scoreText(text, { pipeline: 'machines', ...(decimal === ',' ? { decimal } : {}) });
    expect(found.text).toBe(expected.text);
  });

  it('is told by a long first line, too, which separator a file has', async () => {
    const long = `"${'a,""'.repeat(200_000)}"`;
    const { result } = await scoreText(`time;machineID;${long};provider;power\n1;7;;Acme;5\n`, {
      pipeline: 'machines',
    });
    expect(result).toMatchObject({ rows: 1, missing: 0 });
  });

  it('takes cells with commas for missing where a point was asked for, or where most numbers have one', async () => {
    const mixed = csv([...rows.map((row) => `${row}.5`), '2026-01-01T00:00:02Z,7,Acme,"39,54"']);
    const { io } = await scoreText(mixed);
    expect(io.err()).toMatch(/data\.csv:4: "39,54" in "power" is no number and counts as missing\n/);
    const whole = csv([...rows, '2026-01-01T00:00:02Z,7,Acme,"39,54"']);
    await expect(scoreText(whole)).rejects.toThrow(/has a decimal comma/);
    expect((await scoreText(whole, { decimal: '.' })).result).toMatchObject({ rows: 3, missing: 1 });
    expect((await scoreText(whole, { decimal: ',' })).result).toMatchObject({ rows: 3, missing: 0 });
  });

  it.each([
    ['a line with too few fields', csv([...rows, '2026-01-01T00:00:02Z,7']), /data\.csv:4: expected 4 fields.*found 2/],
    ['a quote that is never closed', csv([...rows, '2026-01-01T00:00:02Z,"7,Acme,1']), /data\.csv:4: a quoted field/],
    ['a time that is none', csv([...rows, 'soon,7,Acme,1']), /data\.csv:4: expected a time .* found "soon"/],
    ['a day that does not exist', csv(['2026-02-30T00:00:00Z,7,Acme,1']), /data\.csv:2: expected a time/],
    ['a missing column', 'time,machineID,provider\n', /no column "power".*time, machineID, provider/],
    ['a long line that is no CSV', `{"a":${'1'.repeat(50_000)}}`, /no column "time".{0,500}$/],
    ['a column that is there twice', 'time,time\n1,2\n', /data\.csv:1: the column "time" is there twice/],
    [
      'bytes that are no UTF-8',
      latin1('time,machineID,provider,power\n1,7,Böge,1\n'),
      /data\.csv:2: .*0xf6 at offset 35 /,
    ],
    ['a file that ends within a character', Buffer.from('time,power\n1,é').subarray(0, -1), /data\.csv:2: .*0xc3 at/],
    ['UTF-16 with its mark', utf16('\ufefftime,power\n1,1\n'), /data\.csv:1: this is UTF-16; save the file as UTF-8/],
    ['UTF-16 without its mark', utf16('time,power\n1,1\n'), /data\.csv:1: this is UTF-16; save the file as UTF-8/],
    ['other separators', 'time|machineID\n1|7\n', /separated by commas, semicolons or tabs, not by "\|"/],
    ['other separators with decimal commas', 'time|power\n1|1,5\n', /data\.csv:2: expected 1 field .* not by "\|"\. N/],
    [
      'a comma in a name where semicolons separate',
      'time;machineID;provider;power;load, kW\n1;7;A;1;2\n',
      /data\.csv:2: expected 2 fields .*found 1\. Where ";" separates the fields, no name .* may have a comma outside quotes\. Nothing/,
    ],
    [
      'such a name without rows',
      'time;machineID;provider;load, kW\n',
      /no column "time".* Where ";" separates the fields/,
    ],
    [
      'decimal commas that are not in quotes',
      csv(['1,7,Acme,39,54']),
      /data\.csv:2: expected 4 fields .* found 5; a number with a decimal comma must stand in quotes/,
    ],
    [
      'a column of numbers with decimal commas',
      csv([...rows, ...rows.map((row) => row.replace(/,\d+$/, ',"39,54"'))]).replaceAll(',500', ',"1"'),
      /data\.csv:4: "39,54" in "power" has a decimal comma \(the first of 2 such cells\)\. Give --decimal , to read it/,
    ],
    [
      'signs between thousands',
      csv(['1,7,Acme,"1,234.5"']),
      /data\.csv:2: "1,234\.5" in "power" has a sign between thousands\. Write numbers without it\. Nothing/,
    ],
    [
      'rows of which none has a number',
      csv([`${rows[0]} V`, '2026-01-01T00:00:01Z,7,Acme,', '2026-01-01T00:00:02Z,7,Acme,off']),
      /data\.csv:2: "100 V" in "power" is no number, and no row of the file has a value in "power"\. Nothing was written\.$/,
    ],
    [
      'rows without any value',
      csv(['1,7,Acme,', '2,7,Acme,NaN']),
      /data\.csv: no row of the file has a value in "power"\. Nothing was written\.$/,
    ],
    [
      'rows without ids',
      csv([',7,Acme,1', ',8,Acme,2']),
      /data\.csv: no row has an id and a time \("provider", "machineID", "time"\)\. Nothing was written\.$/,
    ],
    ['an offset that does not exist', csv(['2026-02-03T00:00:00+99:00,7,Acme,1']), /data\.csv:2: expected a time/],
    ['a quote that is never closed in a long file', csv(['1,7,"A,1', ...longRows]), /data\.csv:2: .* more than 16 MB/],
    ['an empty file', '', /is empty/],
    ['a file without rows', csv([]), /has no rows/],
    ['two machines with one unique_id', csv(['1,7,A/B,1', '2,7,a b,1']), /"A\/B", "7".*"a b", "7".*unique_id: hashed/],
    ['a name that leaves no slug', csv(['1,7,東京,1']), /東京.*unique_id: hashed/],
  ])('refuses %s with one clear line and writes nothing', async (_, text, message) => {
    const failure = await scoreText(text).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(HalfspaceError);
    expect(String(failure)).toMatch(message);
    expect(String(failure)).not.toContain('\n');
    expect(readdirSync(folder)).toEqual(['data.csv']);
  });

  it('leaves nothing behind when the scores cannot take their place', async () => {
    const inner = mkdtempSync(join(folder, 'out-'));
    const taken = join(inner, 'scores.csv');
    mkdirSync(taken);
    await expect(scoreText(csv(rows), { out: taken })).rejects.toThrow(/scores\.csv cannot be written \(EISDIR\)/);
    expect(readdirSync(inner)).toEqual(['scores.csv']);
    rmSync(inner, { recursive: true });
  });

  it('passes over columns without a name', async () => {
    const lines = csv(rows).replaceAll('\n', ',,\n');
    expect((await scoreText(lines)).result.rows).toBe(2);
  });

  it('counts lines of quoted fields once, whatever their line ends', async () => {
    const text = `${csv(rows).replace('Acme', '"A\r\nc\r\nme"')}soon,7,Acme,1\n`;
    await expect(scoreText(text)).rejects.toThrow(/data\.csv:6: expected a time .* found "soon"/);
  });

  it('takes a byte order mark, Windows line ends and columns with names of JavaScript', async () => {
    const config = join(folder, 'names.yaml');
    const pipeline =
      '{ source: { table: t, id: [__proto__], values: [constructor, toString] }, normalise: { constructor: [0, 10], toString: [0, 4] } }';
    writeFileSync(config, `pipelines: { odd: ${pipeline} }\n`);
    const lines = ['\ufeff"time",__proto__,constructor,toString,valueOf', '1,a,5,1,x', '2,a,10,2,y', ''];
    const { text } = await scoreText(lines.join('\r\n'), { config, pipeline: 'odd' });
    rmSync(config);
    expect(text.split('\n').slice(0, 3)).toEqual([
      'date,score,constructor,toString,is_anomaly,unique_id',
      '1970-01-01T00:00:01Z,0,0.5,0.25,False,a',
      '1970-01-01T00:00:02Z,0,1,0.5,False,a',
    ]);
  });

  it('takes the default pipeline when none is named', async () => {
    expect((await scoreText(csv(rows), { pipeline: undefined })).result.pipeline).toBe('machines');
  });

  it.each(['constructor', '__proto__', 'toString'])('knows no pipeline called %s', async (pipeline) => {
    await expect(scoreText(csv(rows), { pipeline })).rejects.toThrow(UsageError);
  });

  it('refuses a pipeline, unit or file that is not there', async () => {
    await expect(scoreText(csv(rows), { pipeline: 'nope' })).rejects.toThrow(UsageError);
    await expect(scoreText(csv(rows), { pipeline: 'nope' })).rejects.toThrow('machines, mage-demo');
    await expect(scoreText(csv(rows), { timeUnit: 'days' })).rejects.toThrow(UsageError);
    await expect(scoreText(csv(rows), { file: '' })).rejects.toThrow(UsageError);
    await expect(scoreText(csv(rows), { file: join(folder, 'nope.csv') })).rejects.toThrow(/There is no such file/);
    await expect(scoreText(csv(rows), { out: join(folder, 'no', 'x.csv') })).rejects.toThrow(
      /cannot be written \(ENOENT\)/,
    );
  });
});
