import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, inject, it } from 'vitest';
import type { Alert } from '../../src/alerts/channel.js';
import { MachineBacktest } from '../../src/backtest/machine-backtest.js';
import { TimeGrid } from '../../src/backtest/time-grid.js';
import { historyOfDatabase } from '../../src/cli/backtest/history.js';
import type { AnomalyEvent } from '../../src/contract/anomaly-event.js';
import type { PipelineSettings } from '../../src/contract/pipeline.js';
import { isoFromNanos, nanosFromMs } from '../../src/contract/time.js';
import { decodeSnapshot, encodeSnapshot, readSnapshotHeader } from '../../src/model/snapshot.js';
import { defaultMachines } from '../../src/simulator/fleet.js';
import { lines } from '../../src/simulator/outputs.js';
import { Snapshots } from '../../src/store/snapshots.js';
import { runCommand } from './command.js';
import { buildPlant, machinesPipeline, type Plant } from './plant.js';

const START = Date.parse('2026-01-05T00:00:00Z');
const MINUTE = 60_000;

let plant: Plant;
afterEach(() => plant?.close());

function at(minute: number): bigint {
  return nanosFromMs(START + minute * MINUTE);
}

/** Three machines, a row a second; the second one is broken twice for two minutes. */
function writeMachines(minutes: number): Promise<void> {
  const machines = defaultMachines(3, 5).map((machine, index) =>
    index === 1
      ? [40, 61].reduce(
          (broken, minute) =>
            broken.withFault({
              kind: 'overload',
              fromMs: START + minute * MINUTE,
              toMs: START + (minute + 2) * MINUTE,
            }),
          machine,
        )
      : machine,
  );
  return plant.write(lines(machines, { fromMs: START, toMs: START + minutes * MINUTE }));
}

interface Found {
  /** Machine to its rows' time, score and verdict. */
  readonly rows: Record<string, readonly (readonly [bigint, number, boolean])[]>;
  readonly events: readonly AnomalyEvent[];
  readonly models: Record<string, MachineBacktest['model']>;
}

async function backtested(settings: PipelineSettings, from: bigint, to: bigint): Promise<Found> {
  const history = await historyOfDatabase(plant.influx, settings, { from, to }, new AbortController().signal);
  const grid = new TimeGrid(history.span, 100);
  const machines: Record<string, MachineBacktest> = {};
  const rows: Record<string, (readonly [bigint, number, boolean])[]> = {};
  for await (const { slices } of history.chunks) {
    for (const slice of slices) {
      const { uniqueId, ids } = slice;
      machines[uniqueId] ??= new MachineBacktest({
        owner: { pipeline: 'machines', uniqueId, ids },
        settings,
        grid,
        labels: null,
      });
      const steps = machines[uniqueId].add(slice);
      let step = steps.next();
      while (!step.done) step = steps.next();
      const { scores, causes } = step.value;
      rows[uniqueId] ??= [];
      for (const [row, score] of scores.entries()) {
        if (!Number.isNaN(score)) rows[uniqueId].push([slice.times[row] ?? 0n, score, causes[row] !== 0]);
      }
    }
  }
  const models = Object.fromEntries(Object.entries(machines).map(([id, { model }]) => [id, model]));
  return {
    rows,
    events: Object.values(machines).flatMap((machine) => machine.finish().kept.map((k) => k.event)),
    models,
  };
}

describe('a backtest from A', () => {
  it('finds what live runs that started at A found, bit for bit, and keeps the same models', async () => {
    const alerts: Alert[] = [];
    const settings = machinesPipeline({
      window: { history: 20 * MINUTE, settle: 0, catch_up: 86_400_000, chunk: null },
      alerts: ['ops'],
    });
    plant = await buildPlant({
      temporalAddress: inject('temporalAddress'),
      pipelines: { machines: settings },
      channels: [
        {
          name: 'ops',
          send: async (alert) => {
            alerts.push(alert);
            return 'delivered';
          },
          sendDigest: async () => 'delivered',
        },
      ],
    });
    await writeMachines(80);
    // A is minute 10: the first run learns 20 minutes of history; the others end anywhere, also in the middle of a fault.
    for (const minute of [30, 35.5, 41, 55, 62.1, 62.5, 80]) await plant.run('machines', at(minute));

    const { rows, events, models } = await backtested(settings, at(10), at(80));

    const live = await plant.rows(
      'SELECT time, unique_id, score, is_anomaly FROM machine_anomalies ORDER BY unique_id, time',
    );
    expect(live).toHaveLength(3 * 70 * 60);
    const liveRows: Record<string, unknown[]> = {};
    for (const { time, unique_id: id, score, is_anomaly: isAnomaly } of live) {
      const machine = String(id);
      liveRows[machine] ??= [];
      liveRows[machine].push([time, score, Boolean(isAnomaly)]);
    }
    expect(rows).toEqual(liveRows);
    expect(Object.values(rows).some((all) => all.some(([, , isAnomaly]) => isAnomaly))).toBe(true);

    const snapshots = new Snapshots(plant.storage);
    for (const [uniqueId, model] of Object.entries(models)) {
      const [name] = await snapshots.list('machines', uniqueId);
      if (name === undefined) throw new Error(`Expected a snapshot of ${uniqueId}`);
      const bytes = await snapshots.read('machines', uniqueId, name);
      const owner = readSnapshotHeader(bytes);
      const learned = decodeSnapshot(bytes, settings, owner);
      // What late rows are found by belongs to live runs alone.
      learned.recent = null;
      expect(Buffer.from(encodeSnapshot(model, owner)).equals(encodeSnapshot(learned, owner))).toBe(true);
    }

    // A live message may go out while its event goes on; its name says which event it is.
    expect(alerts.map(({ event }) => event.key).sort()).toEqual(events.map(({ key }) => key).sort());
    expect(events.length).toBeGreaterThan(1);
  });

  it('is a command that reads the database, tries settings side by side and writes nothing to it', async () => {
    const settings = machinesPipeline();
    plant = await buildPlant({ temporalAddress: inject('temporalAddress'), pipelines: {}, workers: 0 });
    await writeMachines(80);
    const { events } = await backtested(settings, at(10), at(80));
    const broken = events[0]?.uniqueId;
    const folder = await mkdtemp(join(tmpdir(), 'halfspace-backtest-'));
    await writeFile(
      join(folder, 'halfspace.yaml'),
      `influx: { host: "${plant.standIn.url}", token: "", database: plant }
pipelines:
  machines:
    source: { table: machine_data, id: [provider, machineID], values: [power] }
    normalise: { power: [0, 500] }
    output: { table: machine_anomalies }
`,
    );
    await writeFile(
      join(folder, 'labels.csv'),
      `unique_id,from,to\n${[40, 61].map((minute) => `${broken},${isoFromNanos(at(minute))},${isoFromNanos(at(minute + 2))}\n`).join('')}`,
    );
    const range = ['--from', isoFromNanos(at(10)), '--to', isoFromNanos(at(80))];
    const { code, stdout, stderr } = await runCommand(
      ['backtest', ...range, '--set', 'verdict.threshold=0.9999', '--labels', 'labels.csv', '--json'],
      { cwd: folder },
    );
    expect(code, stderr).toBe(0);
    const found = JSON.parse(stdout);
    expect(found).toMatchObject({ pipeline: 'machines', rows: 3 * 70 * 60, machines: 3, labels: 2, unused_labels: 0 });
    expect(found.variants).toMatchObject([
      { name: 'as set', events: events.length, by_event: { recall: 1, missed: 0 } },
      { name: 'verdict.threshold=0.9999', events: 0, by_event: { recall: 0, precision: null, missed: 2 } },
    ]);
    expect(await readFile(join(folder, 'backtest.html'), 'utf8')).toContain('</html>');
    const tables = await plant.rows(
      "SELECT DISTINCT table_name FROM information_schema.columns WHERE table_schema = 'iox'",
    );
    expect(tables).toEqual([{ table_name: 'machine_data' }]);
  });

  it('reads labels of a table, and suggest reads the same history', async () => {
    plant = await buildPlant({ temporalAddress: inject('temporalAddress'), pipelines: {}, workers: 0 });
    await writeMachines(80);
    const [event] = (await backtested(machinesPipeline(), at(0), at(80))).events;
    if (event === undefined) throw new Error('Expected an event');
    const id = event.uniqueId;
    await plant.write([
      `labels,unique_id=${id} to="${isoFromNanos(BigInt(event.last))}" ${event.first}`,
      `labels,unique_id=${id} to="" ${at(20)}`,
    ]);
    const env = { INFLUX_HOST: plant.standIn.url, INFLUX_TOKEN: '', INFLUX_DATABASE: 'plant' };
    const range = ['--from', isoFromNanos(at(0)), '--to', isoFromNanos(at(80)), '--json'];
    const tested = await runCommand(['backtest', ...range, '--labels-table', 'labels'], { env });
    expect(tested.code, tested.stderr).toBe(0);
    expect(JSON.parse(tested.stdout)).toMatchObject({
      labels: 2,
      variants: [{ by_row: { true_positives: event.rows }, by_event: { true_events: 1, found: 1, missed: 1 } }],
    });

    const suggested = await runCommand(['suggest', ...range, '--machine', id], { env });
    expect(suggested.code, suggested.stderr).toBe(0);
    expect(JSON.parse(suggested.stdout)).toMatchObject({
      machines: [{ unique_id: id, rows: 80 * 60, step_ms: 1000, gaps: 0 }],
      suggestions: expect.arrayContaining([expect.objectContaining({ setting: 'verdict.stale_after' })]),
    });
  });

  it('says in one line that there are no rows', async () => {
    plant = await buildPlant({ temporalAddress: inject('temporalAddress'), pipelines: {}, workers: 0 });
    await writeMachines(2);
    const env = { INFLUX_HOST: plant.standIn.url, INFLUX_TOKEN: '', INFLUX_DATABASE: 'plant' };
    const range = ['--from', '2020-01-01T00:00:00Z', '--to', '2020-01-02T00:00:00Z'];
    const { code, stderr } = await runCommand(['backtest', ...range], { env });
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /^halfspace: There are no rows of machine_data from 2020-01-01T00:00:00Z to 2020-01-02T00:00:00Z.*\n$/,
    );
  });
});
