import { existsSync } from 'node:fs';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { type StandIn, startStandIn } from '../../src/local/standin/server.js';
import { runCommand, startCommand } from './command.js';

/** A measured series of the Numenta Anomaly Benchmark where its folder is at hand, else one of the simulator's kind. */
const DATA = resolve(process.env.HALFSPACE_DATA ?? '../shared/data');
const MEASURED = join(DATA, 'nab', 'realKnownCause', 'ambient_temperature_system_failure.csv');

const SETTINGS = `
influx: { host: "\${INFLUX_HOST}", token: "\${INFLUX_TOKEN}", database: "\${INFLUX_DATABASE}" }
pipelines:
  series:
    source: { table: nab, id: [series], values: [value] }
    window: { history: 7300d, settle: 0s, catch_up: 7300d }
    normalise: running
    detector: { kind: half_space_trees, n_trees: 10, height: 6, window_size: 250, seed: 1 }
    verdict: { threshold: 0.9 }
    output: { table: nab_scores }
    alerts: [ops]
  offline:
    mode: replay
    source: { query: "SELECT * FROM nab", id: [series], values: [value] }
    normalise: batch
    detector: { kind: half_space_trees, n_trees: 5, height: 2, window_size: 250, seed: 1 }
    order: learn_then_score
channels: { ops: { kind: slack, webhook: "" } }
worker: { task_queue: real-series }
`;

let standIn: StandIn;
let cwd: string;
let env: Record<string, string>;

beforeAll(async () => {
  standIn = await startStandIn({ port: 0, dataDir: null, token: null });
  cwd = await mkdtemp(join(tmpdir(), 'halfspace-series-'));
  await writeFile(join(cwd, 'halfspace.yaml'), SETTINGS);
  env = {
    TEMPORAL_ADDRESS: inject('temporalAddress'),
    INFLUX_HOST: standIn.url,
    INFLUX_TOKEN: '',
    INFLUX_DATABASE: 'real',
  };
});

afterAll(() => standIn?.close());

/** A daily wave with a step in it, five minutes apart. */
async function ownSeries(): Promise<string> {
  const rows = Array.from({ length: 4000 }, (_, i) => {
    const time = new Date(Date.UTC(2024, 0, 1, 0, 5 * i)).toISOString().slice(0, 19).replace('T', ' ');
    return `${time},${70 + 5 * Math.sin(i / 45.8) + (i > 3500 && i < 3600 ? 30 : 0)}`;
  });
  const file = join(cwd, 'own.csv');
  await writeFile(file, `timestamp,value\n${rows.join('\n')}\n`);
  return file;
}

describe('a series from a file', () => {
  it('is imported, scored through Temporal, and read back', async () => {
    const file = existsSync(MEASURED) ? MEASURED : await ownSeries();
    const imported = await runCommand(
      ['import', file, '--table', 'nab', '--set', 'series=one', '--time', 'timestamp', '--json'],
      { cwd, env },
    );
    expect(imported.code, imported.stderr).toBe(0);
    const { rows } = JSON.parse(imported.stdout);
    expect(rows).toBeGreaterThan(3500);

    const worker = await startCommand(['worker'], { cwd, env });
    await expect.poll(worker.output, { timeout: 60_000 }).toMatch(/worker polls real-series/);
    try {
      const run = await runCommand(['trigger', '--json'], { cwd, env });
      expect(run.code, run.stderr).toBe(0);
      const result = JSON.parse(run.stdout);
      expect(result).toMatchObject({ pipeline: 'series', machines: 1, done: 1, rows, scores_written: rows });
      expect(result.anomalies).toBeGreaterThan(0);
      expect(result.alerts).toMatchObject([{ unique_id: 'one', status: 'logged' }]);

      const again = await runCommand(['trigger', 'offline'], { cwd, env });
      expect(again.code, again.stderr).toBe(0);
      expect(again.stdout).toMatch(/offline: the whole source\n {2}1 machine, [\d,]+ rows scored/);
    } finally {
      worker.process.kill('SIGTERM');
    }
    expect((await worker.done).code).toBe(0);
  });
});
