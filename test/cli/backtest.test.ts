import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type BacktestOptions, backtest } from '../../src/cli/backtest.js';
import { UsageError } from '../../src/cli/usage-error.js';
import { HalfspaceError } from '../../src/contract/failures.js';
import { capturedIo } from './captured-io.js';

const START = 1_767_571_200;
const SETTINGS = `pipelines:
  machines:
    source: { table: machine_data, id: [machine], values: [power] }
    normalise: { power: [0, 500] }
    detector: { kind: half_space_trees, n_trees: 10, height: 6, window_size: 50, seed: 1 }
    verdict: { threshold: 0.8, clear_after: 10s }
    alerts: [ops]
channels:
  ops: { kind: slack, webhook: "" }
`;

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'halfspace-backtest-'));
  writeFileSync(join(folder, 'halfspace.yaml'), SETTINGS);
  const rows = Array.from({ length: 1000 }, (_, i) => {
    return `${START + i},broken,${i >= 700 && i < 720 ? 490 : 200 + (i % 3)}\n${START + i},healthy,${200 + (i % 5)}\n`;
  });
  writeFileSync(join(folder, 'data.csv'), `time,machine,power\n${rows.join('')}`);
});
afterAll(() => rmSync(folder, { recursive: true }));

const REPORT = 'report.html';
beforeEach(() => rmSync(join(folder, REPORT), { force: true }));

async function run(options: Partial<BacktestOptions> = {}) {
  const io = capturedIo({ json: true });
  const [file, config, out] = ['data.csv', 'halfspace.yaml', REPORT].map((name) => join(folder, name));
  await backtest({ file, config, out: out ?? '', ...options }, io);
  return { found: JSON.parse(io.out()), err: io.err() };
}

async function refusal(options: Partial<BacktestOptions>): Promise<Error> {
  const error = await run(options).then(
    () => new Error('Expected it to be refused'),
    (reason: unknown) => reason,
  );
  expect(existsSync(join(folder, REPORT))).toBe(false);
  if (error instanceof UsageError || error instanceof HalfspaceError) return error;
  throw error;
}

function labelsOf(text: string): string {
  const file = join(folder, 'labels.csv');
  writeFileSync(file, text);
  return file;
}

describe('backtest FILE.csv', () => {
  it('takes one setting of the detector where the file says nothing of it', async () => {
    const config = join(folder, 'plain.yaml');
    writeFileSync(config, SETTINGS.replace(/^ +detector:.*\n/m, ''));
    const { found } = await run({ config, variant: ['short:detector.window_size=50'] });
    expect(found.variants).toMatchObject([{ name: 'as set' }, { name: 'short', changes: ['detector.window_size=50'] }]);
  });

  it('prints what each variant found, by machine too, and writes the report', async () => {
    const { found } = await run({
      set: ['verdict.threshold=0.9999'],
      variant: ['small trees:detector={kind: half_space_trees, height: 2, window_size: 50},verdict.clear_after=1m'],
    });
    expect(found).toMatchObject({
      pipeline: 'machines',
      from: '2026-01-05T00:00:00Z',
      to: '2026-01-05T00:16:39.000000001Z',
      rows: 2000,
      machines: 2,
      variants: [
        {
          name: 'as set',
          changes: [],
          events: 1,
          messages: 1,
          by_machine: { broken: { events: 1 }, healthy: { events: 0 } },
        },
        { name: 'verdict.threshold=0.9999', events: 0, anomalies: 0, messages: 0 },
        { name: 'small trees' },
      ],
    });
    expect(found).not.toHaveProperty('labels');
    expect(readFileSync(join(folder, REPORT), 'utf8')).toContain('Backtest of machines');
  });

  it('looks at the rows of a range alone where one is given', async () => {
    const { found } = await run({ from: '2026-01-05T00:01:40Z', to: '2026-01-05T00:11:40Z' });
    expect(found).toMatchObject({ rows: 1200, from: '2026-01-05T00:01:40Z', variants: [{ events: 0 }] });
  });

  it('says that no row lies in the range', async () => {
    const { message } = await refusal({ from: '2027-01-05T00:00:00Z' });
    expect(message).toMatch(/^There are no rows of .*data\.csv from 2027-01-05T00:00:00Z$/);
  });

  it('fails where no row that is looked at has a value, and reads decimal commas when told to', async () => {
    const file = join(folder, 'commas.csv');
    const rows = Array.from({ length: 20 }, (_, i) => `${START + i};m;${i < 10 ? '' : '1,5'}\n`);
    writeFileSync(file, `time;machine;power\n${rows.join('')}`);
    expect((await refusal({ file })).message).toMatch(/commas\.csv:12: "1,5" in "power" has a decimal comma/);
    expect((await refusal({ file, decimal: '.' })).message).toMatch(
      /commas\.csv:12: "1,5" in "power" is no number, and no row of the file has a value in "power"\.$/,
    );
    const to = new Date((START + 10) * 1000).toISOString();
    expect((await refusal({ file, decimal: ',', to })).message).toMatch(
      /^No row of .*commas\.csv that was looked at has a value in "power"$/,
    );
    expect((await run({ file, decimal: ',' })).found).toMatchObject({ rows: 20, missing: 10 });
  });

  it('leaves a setting out that is set to nothing', async () => {
    const { found } = await run({ set: ['detector={kind: threshold, low: 0, high: 400}', 'normalise='] });
    expect(found.variants[1]).toMatchObject({ events: 1, anomalies: 20 });
  });

  it('compares with labels, and says which are of no use', async () => {
    const labels = labelsOf(
      `unique_id,from,to\nbroken,${START + 705},${START + 714}\nhealthy,2026-01-05T00:01:40Z,\nnobody,${START},${START}\nbroken,1,2\n`,
    );
    const { found, err } = await run({ labels });
    expect(found).toMatchObject({
      labels: 3,
      unused_labels: 2,
      variants: [
        {
          by_row: { true_positives: 10, false_negatives: 1 },
          by_event: { precision: 1, recall: 0.5, found: 1, missed: 1, mean_delay_ms: 0 },
        },
      ],
    });
    expect(err).toBe('there are labels of machines without rows: nobody\n');
  });

  it('tells people of events and of labelled rows, apart', async () => {
    const labels = labelsOf(`unique_id,from,to\nbroken,${START + 705},${START + 714}\nhealthy,${START + 500},\n`);
    const io = capturedIo();
    const [file, config, out] = ['data.csv', 'halfspace.yaml', REPORT].map((name) => join(folder, name));
    await backtest({ file, config, out: out ?? '', labels }, io);
    expect(io.out()).toMatch(/, F1 by event 0\.667, 10 of 11 labelled rows(;|$)/m);
  });
});

describe('backtest refuses with one line', () => {
  it.each([
    [
      'detector.windw_size=9',
      '--set detector.windw_size=9: pipelines.machines.detector.windw_size: unknown setting; did you mean `window_size`?',
    ],
    [
      'verdict.threshold=high',
      '--set verdict.threshold=high: pipelines.machines.verdict.threshold: expected a number from 0 to 1, got "high"',
    ],
    ['verdict.threshold', '--set verdict.threshold: expected a setting and its value, e.g. verdict.threshold=0.9'],
    ['=1', '--set =1: expected a setting and its value, e.g. verdict.threshold=0.9'],
    ['verdict={', '--set verdict={: broken YAML: '],
    ['verdict.__proto__.threshold=0.9999', '--set verdict.__proto__.threshold=0.9999: `__proto__` cannot be a name'],
    ['window.history=1h', '--set window.history=1h: a backtest has no use for `window`; it tries detector, '],
    [
      'verdict.stale_after=1h',
      '--set verdict.stale_after=1h: a backtest has no use for `verdict.stale_after`; it tries detector, ',
    ],
    ['normalise=', '--set normalise=: pipelines.machines.normalise: missing; expected '],
  ])('%s', async (set, message) => {
    const refused = await refusal({ set: [set] });
    expect(refused.message.startsWith(message), refused.message).toBe(true);
    expect(refused.message.split('\n')).toHaveLength(1);
  });

  it('settings that are wrong together, naming the line of the file and the option', async () => {
    const { message } = await refusal({ variant: ['gate:detector={kind: drift_gate}'] });
    expect(message).toMatch(
      /halfspace\.yaml:4:\d+ pipelines\.machines\.normalise: has no meaning .* \(with --variant gate\)$/,
    );
  });

  it.each([
    ['slow', 'Expected --variant to be name:key=value,key=value, got `slow`'],
    [':verdict.threshold=0.9999', 'Expected --variant to be name:key=value,key=value, got `:verdict.threshold=0.9999`'],
    ['as set:verdict.threshold=0.9999', 'Two variants are called `as set`'],
  ])('a variant %s', async (variant, message) => {
    expect((await refusal({ variant: [variant] })).message).toBe(message);
  });

  it('more variants than can be read side by side', async () => {
    const variant = Array.from({ length: 8 }, (_, i) => `v${i}:verdict.threshold=0.${i}`);
    const most = 'Expected at most 7 variants beside the settings of the file, got 8';
    expect((await refusal({ variant })).message).toBe(most);
    const set = ['verdict.threshold=0.99'];
    const { message } = await refusal({ set, variant: variant.slice(1) });
    expect(message).toBe(`${most}, all of --set being one`);
  });

  it.each([
    ['unique_id,from\nbroken,1\n', /labels\.csv has no column "to"\. Its first line has: unique_id, from\.$/],
    ['unique_id,from,to\nbroken,soon,\n', /labels\.csv:2: expected a time such as .* in "from", found "soon"/],
    ['unique_id,from,to\nbroken,20,10\n', /labels\.csv:2: expected "to" at or after "from", found "20" to "10"/],
    ['unique_id,from,to\n,20,30\n', /labels\.csv:2: expected a unique_id, found nothing/],
  ])('labels %j', async (text, message) => {
    expect((await refusal({ labels: labelsOf(text) })).message).toMatch(message);
  });

  it('a range without an end where the database is read, a report over its own input, labels from two places', async () => {
    expect((await refusal({ file: undefined, from: '2026-01-05T00:00:00Z' })).message).toBe(
      'Expected --from and --to, or a CSV file',
    );
    const labels = labelsOf('unique_id,from,to\n');
    expect((await refusal({ labels, out: labels })).message).toMatch(
      / is the file of labels itself; give --out another path$/,
    );
    expect((await refusal({ labels, labelsTable: 'labels' })).message).toBe(
      'Expected --labels or --labels-table, got both',
    );
    expect((await refusal({ from: '2026-01-05T00:00:01Z', to: '2026-01-05T00:00:01Z' })).message).toMatch(
      /^Expected --to after/,
    );
  });
});
