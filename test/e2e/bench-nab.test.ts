import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { beforeAll, describe, expect, it } from 'vitest';

/** Series of the Numenta Anomaly Benchmark with known scores, where their folder is at hand. */
const NAB = join(resolve(process.env.HALFSPACE_DATA ?? '../shared/data'), 'nab');
const EXPECTED = join(NAB, 'expected.json');
const PROGRAM = fileURLToPath(new URL('../../bench/nab.mjs', import.meta.url));
const START = Date.UTC(2024, 0, 1);

interface Printed {
  readonly detector: string;
  readonly files: number;
  readonly standard: number;
  readonly low_fp: number;
  readonly low_fn: number;
  readonly threshold: number;
}

interface Known {
  readonly standard: number;
  readonly reward_low_FP_rate: number;
  readonly reward_low_FN_rate: number;
}

interface Outcome {
  readonly code: number | null;
  readonly lines: readonly Printed[];
  readonly stderr: string;
}

async function bench(...args: string[]): Promise<Outcome> {
  const child = spawn(process.execPath, [PROGRAM, '--json', ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const code = await new Promise<number | null>((done) => child.on('close', done));
  const lines = stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line): Printed => JSON.parse(line));
  return { code, lines, stderr };
}

/** Row `row` of a series of quarters of an hour, as the benchmark writes times. */
const timeOf = (row: number) => new Date(START + row * 900_000).toISOString().slice(0, 19).replace('T', ' ');

describe('bench:nab on a series of its own', () => {
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'halfspace-nab-'));
    await mkdir(join(folder, 'made'));
    await mkdir(join(folder, 'results', 'early', 'made'), { recursive: true });
    await mkdir(join(folder, 'results', 'mute', 'made'), { recursive: true });
    // Ten values in turn, and one that is far away.
    const rows = Array.from({ length: 2000 }, (_, row) => `${timeOf(row)},${row === 1500 ? 100 : row % 10}`);
    await writeFile(join(folder, 'made', 'one.csv'), `timestamp,value\n${rows.join('\n')}\n`);
    const window = [`${timeOf(1500)}.000000`, `${timeOf(1519)}.000000`];
    await writeFile(join(folder, 'windows.json'), JSON.stringify({ 'made/one.csv': [window] }));
    for (const [name, alarm] of [
      ['early', 1500],
      ['mute', -1],
    ] as const) {
      const scores = Array.from({ length: 2000 }, (_, row) => `${timeOf(row)},${Number(row === alarm)}`);
      const text = `timestamp,anomaly_score\n${scores.join('\n')}\n`;
      await writeFile(join(folder, 'results', name, 'made', 'one.csv.gz'), gzipSync(text));
    }
  });

  it('scores detectors, by name or with settings of their own', async () => {
    const named = await bench('--data', folder, '--detector', 'all');
    expect(named).toMatchObject({ code: 0 });
    expect(named.lines.map(({ detector }) => detector)).toEqual([
      'novelty',
      'novelty-pattern',
      'half-space-trees',
      'half-space-trees-original',
    ]);
    expect(named.lines[0]).toMatchObject({ files: 1, standard: 100, low_fp: 100, low_fn: 100 });
    expect(named.lines[0]?.threshold).toBeGreaterThan(0.5);
    const own = await bench('--data', folder, '--detector', '{"kind":"novelty","hide_first":1600}');
    expect(own.lines[0]).toMatchObject({ standard: 0 });
  });

  it('scores stored results, one detector or a folder of several', async () => {
    const all = await bench('--data', folder, '--results', join(folder, 'results'));
    expect(all.lines).toMatchObject([
      { detector: 'early', files: 1, standard: 100, threshold: 1 },
      { detector: 'mute', standard: 0 },
    ]);
    const one = await bench('--data', folder, '--results', join(folder, 'results', 'early'));
    expect(one.lines).toEqual(all.lines.slice(0, 1));
  });

  it('says what is missing', async () => {
    expect(await bench()).toMatchObject({ code: 1, stderr: expect.stringContaining('Expected --data DIR') });
    expect((await bench('--data', folder, '--detector', 'magic')).stderr).toContain('No detector is called `magic`');
    expect((await bench('--data', folder, '--results', join(folder, 'made'))).stderr).toContain(
      'has no scores of made/one.csv',
    );
  });
});

// Without the benchmark's files there is nothing here; the series above are scored either way.
const known: Record<string, Known> = existsSync(EXPECTED) ? JSON.parse(readFileSync(EXPECTED, 'utf8')) : {};

it.each(
  [
    { name: 'numenta', args: ['--results', join(NAB, 'results', 'numenta')], within: 0.005 },
    { name: 'windowedGaussian', args: ['--results', join(NAB, 'results', 'windowedGaussian')], within: 0.005 },
    { name: 'novelty', args: ['--detector', 'novelty'], within: 0.1 },
    { name: 'novelty, pattern: true', args: ['--detector', 'novelty-pattern'], within: 0.1 },
  ].filter(({ name }) => Object.hasOwn(known, name)),
)(
  "bench:nab on the benchmark's series gives $name the scores that are known, within $within",
  async ({ name, args, within }) => {
    const { lines } = await bench('--data', NAB, ...args);
    const [printed] = lines;
    const pairs = [
      [printed?.standard, known[name]?.standard],
      [printed?.low_fp, known[name]?.reward_low_FP_rate],
      [printed?.low_fn, known[name]?.reward_low_FN_rate],
    ];
    for (const [found = Number.NaN, expected = Number.NaN] of pairs) {
      if (!(Math.abs(found - expected) < within)) expect.fail(`${found} in place of ${expected}`);
    }
  },
);
