import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, inject, it } from 'vitest';
import { loadSettings } from '../../src/config/load.js';
import { nanosFromMs } from '../../src/contract/time.js';
import { loadDetectorModules } from '../../src/detector-modules.js';
import { createDetector } from '../../src/detectors/registry.js';
import { defaultMachines } from '../../src/simulator/fleet.js';
import { lines } from '../../src/simulator/outputs.js';
import { folderWith } from '../config/folder.js';
import { batchFrom } from '../detectors/random-rows.js';
import { runCommand } from './command.js';
import { buildPlant, type Plant } from './plant.js';

const START = Date.parse('2026-01-05T00:00:00Z');
const MINUTE = 60_000;
const EXAMPLE = fileURLToPath(new URL('../../examples/running-range.mjs', import.meta.url));

let plant: Plant | null = null;
afterEach(async () => {
  await plant?.close();
  plant = null;
});

const YAML = `
pipelines:
  own:
    source: { table: machine_data, id: [provider, machineID], values: [power] }
    window: { settle: 0s }
    detector: { kind: module, path: ./range.mjs, options: { slack: 0.1 } }
    output: { table: own_scores }
  votes:
    source: { table: machine_data, id: [provider, machineID], values: [power] }
    window: { settle: 0s }
    detector:
      kind: vote
      need: 2
      of:
        - detector: { kind: module, path: ./range.mjs }
        - detector: { kind: persist, window: 5 }
        - detector: { kind: level_shift }
    output: { table: vote_scores }
`;

it('runs a module and a vote as it runs its own detectors, from snapshot to snapshot', async () => {
  const cwd = folderWith({ 'halfspace.yaml': YAML });
  copyFileSync(EXAMPLE, join(cwd, 'range.mjs'));
  const settings = loadSettings({ cwd, env: {}, sections: ['pipelines'] });
  await loadDetectorModules(settings);
  const { pipelines } = settings;
  // No model is kept in memory: each window begins with the bytes that the one before has published.
  plant = await buildPlant({ temporalAddress: inject('temporalAddress'), pipelines, modelCacheBytes: 1 });
  const machines = defaultMachines(1, 1).map((machine) =>
    machine.withFault({ kind: 'overload', fromMs: START + 14 * MINUTE, toMs: START + 16 * MINUTE }),
  );
  await plant.write(lines(machines, { fromMs: START, toMs: START + 30 * MINUTE }));
  const read = await plant.rows('SELECT power FROM machine_data ORDER BY time');
  const power = Float64Array.from(read, ({ power }) => Number(power));
  expect(power.length).toBe(30 * 60);

  for (const [name, table] of [
    ['own', 'own_scores'],
    ['votes', 'vote_scores'],
  ] as const) {
    for (const until of [10, 15, 30]) await plant.run(name, nanosFromMs(START + until * MINUTE));
    const scored = await plant.rows(`SELECT score, is_anomaly FROM ${table} ORDER BY time`);
    const { detector } = pipelines[name] ?? expect.fail(name);
    const scores = new Float64Array(power.length);
    const rows = batchFrom(power, power.length);
    createDetector(detector, ['power']).process(rows, 0, power.length, 'score_then_learn', { scores, explained: null });
    expect(Float64Array.from(scored, ({ score }) => Number(score))).toEqual(scores);
    expect(Math.max(...scores.slice(14 * 60, 16 * 60))).toBeGreaterThan(0.5);
  }
});

it('ends a worker at once whose settings name a module that is none, with the place in the file', async () => {
  const yaml = `influx: { host: "http://127.0.0.1:1", database: d }\nchannels: {}\n${YAML.trim()}\n`;
  const cwd = folderWith({ 'halfspace.yaml': yaml, 'range.mjs': 'export const createDetector = () => null;\n' });
  const { code, stderr } = await runCommand(['worker'], { cwd, env: { TEMPORAL_ADDRESS: inject('temporalAddress') } });
  expect(code).toBe(2);
  expect(stderr).toContain(
    'halfspace.yaml:7:37 pipelines.own.detector.path: The module is no detector: it exports no function `fromBytes`',
  );
});
