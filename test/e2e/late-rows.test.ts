import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, inject, it, onTestFinished } from 'vitest';
import type { Alert } from '../../src/alerts/channel.js';
import { nanosFromMs } from '../../src/contract/time.js';
import { startServer } from '../alerts/answering-server.js';
import { type RunningCommand, startCommand } from './command.js';
import { buildPlant, machinesPipeline, newestSnapshots, type Plant, type PlantOptions } from './plant.js';

const START = Date.parse('2026-01-05T00:00:00.123Z');

let plant: Plant;
afterEach(() => plant?.close());

async function build(options: Partial<PlantOptions>): Promise<Plant> {
  plant = await buildPlant({ temporalAddress: inject('temporalAddress'), pipelines: {}, ...options });
  return plant;
}

function at(second: number): bigint {
  return nanosFromMs(START + second * 1000);
}

/** A row a second of one machine: ordinary, or all of them odd. */
function* rowsOf(machine: string, from: number, to: number, isOdd = false): Generator<string> {
  for (let second = from; second < to; second++) {
    yield `machine_data,provider=acme,machineID=${machine} power=${isOdd ? 99 : 50 + (second % 3)} ${at(second)}`;
  }
}

const QUICK = {
  window: { history: 300_000, settle: 0, catch_up: 86_400_000, chunk: null },
  normalise: { power: [0, 100] },
  detector: { kind: 'half_space_trees', n_trees: 10, height: 6, window_size: 20, seed: 1 },
  verdict: { threshold: 0.8, clear_after: 5000 },
} as const;

const SCORES = 'SELECT time, "machineID", score, is_anomaly, reason FROM';
const ORDER = 'ORDER BY "machineID", time';

describe('rows that come late', () => {
  it('are counted and said, once, also of a machine that sends nothing else', async () => {
    await build({
      pipelines: { machines: machinesPipeline({ ...QUICK, late: { within: 60_000, action: 'report' } }) },
    });
    await plant.write([...rowsOf('m1', 0, 80), ...rowsOf('m1', 90, 100), ...rowsOf('m2', 0, 100)]);
    expect(await plant.run('machines', at(100))).toMatchObject({ machines: 2, rows: 190, lateRows: 0 });
    await plant.write([...rowsOf('m1', 80, 90), ...rowsOf('m2', 100, 110)]);
    const found = await plant.run('machines', at(110));
    expect(found).toMatchObject({
      machines: 2,
      loadedRows: 10,
      rows: 10,
      lateRows: 10,
      lateMachines: 1,
      rescoredCount: 0,
    });
    expect(found.warnings).toEqual(['at least 10 rows of 1 machine came late: only reported']);
    const { currentDetails } = await plant.client.workflow
      .getHandle('machine/machines/acme-m1')
      .query<{ currentDetails: string }>('__temporal_workflow_metadata');
    expect(currentDetails).toMatch(/^- late rows: 10, the first at 2026-01-05T00:01:20Z$/m);
    expect(await plant.run('machines', at(120))).toMatchObject({ machines: 0, lateRows: 0 });
  });

  it('are learned once where two runs find them at the same time', async () => {
    const late = { within: 60_000, action: 'rescore' } as const;
    const pipelines = {
      late: machinesPipeline({ ...QUICK, late, output: { table: 'late' } }),
      'in-time': machinesPipeline({ ...QUICK, late, output: { table: 'in_time' } }),
    };
    await build({ pipelines });
    const fleet = ['m1', 'm2', 'm3', 'm4'];
    await plant.write(fleet.flatMap((machine) => [...rowsOf(machine, 0, 80), ...rowsOf(machine, 90, 100)]));
    await plant.run('late', at(100));
    await plant.write(fleet.flatMap((machine) => [...rowsOf(machine, 80, 90), ...rowsOf(machine, 100, 120)]));
    const both = await Promise.all([plant.run('late', at(110)), plant.run('late', at(120))]);
    expect(both.map(({ notRescoredCount }) => notRescoredCount)).toEqual([0, 0]);
    expect(both.reduce((sum, { rescoredCount }) => sum + rescoredCount, 0)).toBeGreaterThan(0);
    // What one run kept from the other is done by the next.
    await plant.write(fleet.flatMap((machine) => [...rowsOf(machine, 120, 130)]));
    expect(await plant.run('late', at(130))).toMatchObject({ failedCount: 0, lagging: 0 });

    await plant.run('in-time', at(130));
    const scores = await plant.rows(`${SCORES} in_time ${ORDER}`);
    expect(scores).toHaveLength(4 * 130);
    expect(await plant.rows(`${SCORES} late ${ORDER}`)).toEqual(scores);
    expect(await newestSnapshots(plant, 'late')).toEqual(await newestSnapshots(plant, 'in-time'));
  });

  it('end in the scores and models of in-order arrival, and take back what was told, over a worker that is killed', async () => {
    await build({ workers: 0 });
    let onPost: (alert: Alert) => 'answer' | 'die' = () => 'answer';
    const channel = await startServer((response) => {
      const alert = JSON.parse(channel.received.at(-1)?.body ?? '') as Alert;
      if (onPost(alert) === 'answer') response.writeHead(200).end('ok');
    });
    onTestFinished(() => channel.close());
    const told = () =>
      channel.received
        .map(({ body }) => JSON.parse(body) as Alert)
        .map(({ kind, event, isFoundLate }) => [kind, Number(BigInt(event.first) - at(0)) / 1e9, isFoundLate]);

    const cwd = await mkdtemp(join(tmpdir(), 'halfspace-late-'));
    const shared = `source: { table: machine_data, id: [provider, machineID], values: [power] }
    window: { history: 300s, settle: 0s }
    late: { within: 60s, then: rescore }
    normalise: { power: [0, 100] }
    detector: { kind: half_space_trees, n_trees: 10, height: 6, window_size: 20, seed: 1 }
    verdict: { threshold: 0.8, clear_after: 5s }`;
    await writeFile(
      join(cwd, 'halfspace.yaml'),
      `influx: { host: "${plant.standIn.url}", token: "", database: plant }
store: { url: "file://${plant.storeFolder}" }
pipelines:
  late:
    ${shared}
    output: { table: late }
    alerts: [ops]
  in-time:
    ${shared}
    output: { table: in_time }
channels: { ops: { kind: webhook, url: "${channel.url}" } }
worker: { task_queue: ${plant.taskQueue} }
`,
    );
    const startWorker = async (): Promise<RunningCommand> => {
      const worker = await startCommand(['worker'], { cwd, env: { TEMPORAL_ADDRESS: inject('temporalAddress') } });
      onTestFinished(() => void worker.process.kill('SIGKILL'));
      await expect.poll(worker.output, { timeout: 60_000 }).toMatch(/worker polls/);
      return worker;
    };
    const first = await startWorker();

    // Three odd rows are told of; the forty before them are still on their way.
    await plant.write([...rowsOf('m1', 0, 200), ...rowsOf('m1', 240, 243, true), ...rowsOf('m1', 243, 260)]);
    await plant.write(rowsOf('m2', 0, 260));
    await plant.run('late', at(200));
    await plant.run('late', at(260));
    expect(told()).toEqual([['event', 240, false]]);

    // The worker dies in the middle of taking them back: after the detection, before anything is published.
    await plant.write(rowsOf('m1', 200, 240, true));
    let isKilled = false;
    onPost = () => {
      if (isKilled) return 'answer';
      isKilled = true;
      first.process.kill('SIGKILL');
      return 'die';
    };
    const running = plant.run('late', at(270));
    await first.done;
    expect(told().slice(1)).toEqual([['revised', 240, true]]);
    await startWorker();
    const result = await running;
    expect(result).toMatchObject({ lateRows: 40, rescored: ['acme-m1'], notRescoredCount: 0, failedCount: 0 });
    expect(result.alerts.map(({ kind, status }) => [kind, status])).toEqual([
      ['revised', 'delivered'],
      ['event', 'delivered'],
    ]);
    // The post that was cut off is sent again; then nobody is told anything twice.
    const afterwards = [
      ['revised', 240, true],
      ['event', 243, true],
    ];
    expect(told().slice(2)).toEqual(afterwards);
    await plant.run('late', at(280));
    await plant.write(rowsOf('m1', 280, 290));
    expect(await plant.run('late', at(290))).toMatchObject({ lateRows: 0, rescoredCount: 0, rows: 10 });
    expect(told().slice(2)).toEqual(afterwards);

    await plant.run('in-time', at(290));
    const scores = await plant.rows(`${SCORES} in_time ${ORDER}`);
    expect(scores).toHaveLength(260 + 10 + 260);
    expect(scores.filter(({ is_anomaly }) => is_anomaly).length).toBeGreaterThan(0);
    expect(await plant.rows(`${SCORES} late ${ORDER}`)).toEqual(scores);
    expect(await newestSnapshots(plant, 'late')).toEqual(await newestSnapshots(plant, 'in-time'));
  });
});
