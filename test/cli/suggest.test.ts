import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { backtest } from '../../src/cli/backtest.js';
import { yamlSnippet } from '../../src/cli/suggest/text.js';
import { type SuggestOptions, suggestSettings } from '../../src/cli/suggest.js';
import { loadSettings } from '../../src/config/load.js';
import { capturedIo } from './captured-io.js';

const START = 1_767_571_200;
const settingsOf = (change: string) => `pipelines:
  machines:
    source: { table: t, id: [machine], values: [power, "odd, 'name': {x}"] }
    ${change}
`;

let folder: string;
const path = (name: string) => join(folder, name);
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'halfspace-suggest-'));
  const rows = Array.from({ length: 1500 }, (_, i) => {
    const wave = Math.sin(i / 57.3) + Math.abs(Math.sin(i * i));
    return `${START + 60 * i},m1,${200 + 20 * wave},${wave}\n${START + 60 * i},m2,${210 + 19 * wave},${2 * wave}\n`;
  });
  writeFileSync(path('data.csv'), `time,machine,power,"odd, 'name': {x}"\n${rows.join('')}`);
});
afterAll(() => rmSync(folder, { recursive: true }));

async function run(settings: string, options: Partial<SuggestOptions> = {}, json = true) {
  writeFileSync(path('halfspace.yaml'), settingsOf(settings));
  const io = capturedIo({ json });
  await suggestSettings({ file: path('data.csv'), config: path('halfspace.yaml'), ...options }, io);
  return io;
}

describe('suggest FILE.csv', () => {
  it.each([
    'normalise: running',
    'normalise: { power: [0, 50], "odd, \'name\': {x}": [0, 1] }',
    'detector: { kind: drift_gate }',
    'detector: { kind: robust_zscore }',
  ])('proposes settings that halfspace.yaml and a backtest take as they are (%s)', async (settings) => {
    const { yaml, variant, not_in_variant, suggestions } = JSON.parse((await run(settings)).out());
    expect(not_in_variant).toEqual(['verdict.stale_after']);
    expect(suggestions.length).toBeGreaterThan(1);

    const io = capturedIo({ json: true });
    const files = { file: path('data.csv'), config: path('halfspace.yaml'), out: path('report.html') };
    await backtest({ ...files, variant: [variant] }, io);
    expect(JSON.parse(io.out()).variants).toMatchObject([{ name: 'as set' }, { name: 'suggested' }]);

    const merged = parse(readFileSync(path('halfspace.yaml'), 'utf8'));
    const proposed = parse(yaml).pipelines.machines;
    const { verdict, detector, ...others } = proposed;
    Object.assign(merged.pipelines.machines, others, { verdict }, detector === undefined ? {} : { detector });
    writeFileSync(path('merged.yaml'), JSON.stringify(merged));
    const loaded = loadSettings({ file: path('merged.yaml'), sections: ['pipelines'] });
    expect(loaded.pipelines.machines?.verdict).toHaveProperty('stale_after');
  });

  it('prints what it saw, each reason above its setting, and how to try them', async () => {
    const text = (await run('normalise: running', {}, false)).out();
    expect(text).toMatch(/^m1: 1500 rows, one every 1m, no gaps/);
    expect(text).toMatch(/\n {2}power: 180\.2 to 239\.8, mostly .*, noise /);
    expect(text).toMatch(/\n {6}# rows came every 1m, never with a gap: .*\n {6}stale_after: 30m\n/);
    expect(text).toMatch(
      /\nhalfspace backtest shows what comes of it, but not of verdict\.stale_after, which it does not try:\n {2}--pipeline machines --variant 'suggested:normalise=/,
    );
  });

  it('names what is to be left out, which YAML cannot say', () => {
    const reason = 'it looks at\nvalues';
    const yaml = yamlSnippet('p', [
      { path: ['normalise'], value: undefined, reason },
      { path: ['verdict', 'threshold'], value: 0.5, reason },
    ]);
    expect(yaml).toBe(
      'pipelines:\n  p:\n    # it looks at\\nvalues\n    # leave out: normalise\n' +
        '    verdict:\n      # it looks at\\nvalues\n      threshold: 0.5\n',
    );
  });

  it('looks at one machine where one is named', async () => {
    const { machines } = JSON.parse((await run('normalise: running', { machine: 'm2' })).out());
    expect(machines.map(({ unique_id: id }: { unique_id: string }) => id)).toEqual(['m2']);
    await expect(run('normalise: running', { machine: 'm3' })).rejects.toThrow(
      /^There are no rows of a machine with the unique_id m3$/,
    );
  });

  it('fails where no row that is looked at has a value, and reads decimal commas when told to', async () => {
    const rows = (value: string) =>
      Array.from({ length: 300 }, (_, i) => `${START + 60 * i};m1;${i < 200 ? value : '1,5'};${value}\n`).join('');
    const file = path('commas.csv');
    const header = `time;machine;power;"odd, 'name': {x}"\n`;
    writeFileSync(file, header + rows('2,5'));
    await expect(run('normalise: running', { file })).rejects.toThrow(
      /commas\.csv:2: "2,5" in "power" has a decimal comma/,
    );
    await expect(run('normalise: running', { file, decimal: '.' })).rejects.toThrow(
      /commas\.csv:2: "2,5" in "power" is no number, and no row of the file has a value in "power", "odd, 'name': \{x\}"\.$/,
    );
    const { machines } = JSON.parse((await run('normalise: running', { file, decimal: ',' })).out());
    expect(machines[0].columns[0].range).toEqual([1.5, 2.5]);

    writeFileSync(file, header + rows(''));
    const to = new Date((START + 60 * 200) * 1000).toISOString();
    await expect(run('normalise: running', { file, decimal: ',', to })).rejects.toThrow(
      /^No row of .*commas\.csv that was looked at has a value in "power", "odd, 'name': \{x\}"$/,
    );
  });

  it('wants a file or both ends of a range', async () => {
    await expect(run('normalise: running', { file: undefined })).rejects.toThrow(
      /^Expected --from and --to, or a CSV file$/,
    );
  });
});
