import { randomUUID } from 'node:crypto';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, inject, it, onTestFinished } from 'vitest';
import type { Channel, DigestMessage } from '../../src/alerts/channel.js';
import { connectTemporal, startBackfill } from '../../src/client.js';
import { HalfspaceError } from '../../src/contract/failures.js';
import { backfillScope, backfillWorkflowId } from '../../src/contract/names.js';
import type { BackfillInput } from '../../src/contract/run-input.js';
import type { Window } from '../../src/contract/run-plan.js';
import type { BackfillResult } from '../../src/contract/run-result.js';
import { isoFromNanos, nanosFromMs } from '../../src/contract/time.js';
import { defaultMachines } from '../../src/simulator/fleet.js';
import { lines } from '../../src/simulator/outputs.js';
import { readProgress } from '../../src/store/progress.js';
import { type RunningCommand, runCommand, startCommand } from './command.js';
import {
  buildPlant,
  machinesPipeline,
  newestSnapshots,
  type Plant,
  type PlantOptions,
  reasonOfFailure,
} from './plant.js';

const START = Date.parse('2026-01-05T00:00:00Z');
const MINUTE = 60_000;
const SCORES = 'SELECT time, "machineID", score, is_anomaly, reason FROM';
const ORDER = 'ORDER BY "machineID", time';

let plant: Plant;
afterEach(() => plant?.close());

async function build(options: Omit<PlantOptions, 'temporalAddress'>): Promise<Plant> {
  plant = await buildPlant({ temporalAddress: inject('temporalAddress'), ...options });
  return plant;
}

function at(minute: number): bigint {
  return nanosFromMs(START + minute * MINUTE);
}

function range(from: number, to: number): Window {
  return { from: String(at(from)), to: String(at(to)) };
}

/** Three machines, a row a second; the second one is broken for two minutes around the hour, the third one ends early. */
async function writeMachines(minutes: number, lastMinutes = minutes): Promise<void> {
  const machines = defaultMachines(3, 5).map((machine, index) =>
    index === 1
      ? machine.withFault({ kind: 'overload', fromMs: START + 59 * MINUTE, toMs: START + 61 * MINUTE })
      : machine,
  );
  await plant.write(lines(machines.slice(0, 2), { fromMs: START, toMs: START + minutes * MINUTE }));
  await plant.write(lines(machines.slice(2), { fromMs: START, toMs: START + lastMinutes * MINUTE }));
}

function windowOf(historyMinutes: number) {
  return { history: historyMinutes * MINUTE, settle: 0, catch_up: 7 * 24 * 60 * MINUTE, chunk: 10 * MINUTE };
}

async function temporalOf() {
  const temporal = await connectTemporal({ embedded: inject('temporalAddress') });
  onTestFinished(() => temporal.close());
  return temporal;
}

async function start(pipeline: string, over: Window, change: Partial<BackfillInput> = {}) {
  const input: BackfillInput = { pipeline, range: over, alerts: 'off', overwrite: false, again: false, ...change };
  return plant.client.workflow.start('backfillRun', {
    workflowId: backfillWorkflowId(pipeline, over),
    taskQueue: plant.taskQueue,
    args: [input],
  });
}

async function backfill(pipeline: string, over: Window, change?: Partial<BackfillInput>): Promise<BackfillResult> {
  return (await start(pipeline, over, change)).result();
}

/** Resolves when the backfill has done everything before `minute`. */
async function reaches(pipeline: string, over: Window, minute: number): Promise<void> {
  const done = async () =>
    BigInt((await readProgress(plant.storage, backfillScope(pipeline, over)))?.to ?? 0) >= at(minute);
  await expect.poll(done, { timeout: 60_000, interval: 20 }).toBe(true);
}

describe('a backfill', () => {
  it('whose worker is killed at 60 % equals live runs that began at the same moment, byte for byte', async () => {
    const live = machinesPipeline({ window: windowOf(40), output: { table: 'live' } });
    await build({ pipelines: { live } });
    await writeMachines(100, 83);
    for (const minute of [40, 47, 60, 61, 85, 100]) await plant.run('live', at(minute));

    const cwd = await mkdtemp(join(tmpdir(), 'halfspace-backfill-'));
    const queue = `filled-${randomUUID()}`;
    await writeFile(
      join(cwd, 'halfspace.yaml'),
      `influx: { host: "${plant.standIn.url}", token: "", database: plant }
store: { url: "file://${plant.storeFolder}" }
pipelines:
  filled:
    source: { table: machine_data, id: [provider, machineID], values: [power] }
    window: { chunk: 10m }
    normalise: { power: [0, 500] }
    output: { table: filled }
    alerts: [ops]
channels: { ops: { kind: slack, webhook: "" } }
worker: { task_queue: ${queue} }
`,
    );
    const env = { TEMPORAL_ADDRESS: inject('temporalAddress') };
    const startWorker = async (): Promise<RunningCommand> => {
      const worker = await startCommand(['worker'], { cwd, env });
      onTestFinished(() => void worker.process.kill('SIGKILL'));
      await expect.poll(worker.output, { timeout: 60_000 }).toMatch(/worker polls/);
      return worker;
    };
    const first = await startWorker();
    const over = range(0, 100);
    const span = ['--from', isoFromNanos(at(0)), '--to', isoFromNanos(at(100))];
    const command = await startCommand(['backfill', ...span, '--alerts', 'digest', '--json'], { cwd, env });
    await reaches('filled', over, 60);
    first.process.kill('SIGKILL');
    await first.done;
    expect((await readProgress(plant.storage, backfillScope('filled', over)))?.to).not.toBe(over.to);

    const second = await startWorker();
    const { code, stdout, stderr } = await command.done;
    expect(code, stderr).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      pipeline: 'filled',
      range: { from: '2026-01-05T00:00:00Z', to: '2026-01-05T01:40:00Z' },
      was_finished: false,
      digest: [{ channel: 'ops', status: 'logged' }],
      chunks: 10,
      machines: 3,
      rows: 2 * 6000 + 4980,
      events: 1,
      alerts: [],
      lagging: 0,
    });
    expect(second.output()).toMatch(
      /Backfill of filled, [^:]*:00:00 UTC to [^:]*:40:00 UTC: \d+ anomalous rows in 1 event on 1 machine/,
    );

    const scores = await plant.rows(`${SCORES} live ${ORDER}`);
    expect(scores).toHaveLength(2 * 6000 + 4980);
    expect(scores.filter(({ is_anomaly }) => is_anomaly).length).toBeGreaterThan(60);
    expect(await plant.rows(`${SCORES} filled ${ORDER}`)).toEqual(scores);
    const scope = (await plant.storage.list('snapshots')).find((name) => name.startsWith('filled-backfill-')) ?? '';
    const models = await newestSnapshots(plant, 'live');
    expect(Object.keys(models)).toHaveLength(3);
    expect(await newestSnapshots(plant, scope.slice(0, -1))).toEqual(models);

    const again = await runCommand(['backfill', ...span, '--alerts', 'digest'], { cwd, env });
    expect(again.stdout).toBe(
      'filled: 2026-01-05T00:00:00Z to 2026-01-05T01:40:00Z was filled before; --again starts it over\n  digest delivered: ops\n',
    );
    expect(again.stderr).not.toContain('started');
  }, 300_000);

  it('that was ended goes on where it stood, and a finished one is done over only when asked', async () => {
    const pipelines = {
      'whole-fill': machinesPipeline({ window: windowOf(10), output: { table: 'whole' } }),
      'ended-fill': machinesPipeline({ window: windowOf(10), output: { table: 'ended' } }),
    };
    await build({ pipelines });
    await writeMachines(100);
    const over = range(0, 100);
    const whole = await backfill('whole-fill', over);
    expect(whole).toMatchObject({ chunks: 10, rows: 18_000, wasFinished: false, digest: [] });

    const handle = await start('ended-fill', over);
    await reaches('ended-fill', over, 60);
    await handle.terminate('killed');
    const resumed = await backfill('ended-fill', over);
    expect(resumed.rows).toBeLessThanOrEqual(3 * 40 * 60);
    expect(resumed).toMatchObject({ lagging: 0, window: { to: over.to } });
    expect(await plant.rows(`${SCORES} ended ${ORDER}`)).toEqual(await plant.rows(`${SCORES} whole ${ORDER}`));
    const scopes = await plant.storage.list('snapshots');
    const [ended = {}, first = {}] = await Promise.all(scopes.map((name) => newestSnapshots(plant, name.slice(0, -1))));
    expect(ended).toEqual(first);
    expect(Object.keys(ended)).toHaveLength(3);

    expect(await backfill('ended-fill', over)).toMatchObject({ wasFinished: true, rows: 0, chunks: 0 });
    expect(await backfill('ended-fill', over, { again: true })).toMatchObject({ wasFinished: false, rows: 18_000 });
  });

  it('leaves live state alone, and live runs go on while it runs', async () => {
    const pipelines = { 'fill-beside': machinesPipeline({ window: windowOf(10) }) };
    await build({ pipelines });
    await writeMachines(100);
    await plant.run('fill-beside', at(90));
    const handle = await start('fill-beside', range(0, 80));
    await reaches('fill-beside', range(0, 80), 20);
    const request = { pipeline: 'fill-beside', alerts: 'off', overwrite: false, again: false } as const;
    const { taskQueue } = plant;
    await expect(startBackfill(await temporalOf(), { ...request, range: range(79, 85), taskQueue })).rejects.toThrow(
      /^backfill\/fill-beside\/.* is going on and fills a part of the same range of `fill-beside`/,
    );
    const live = await plant.run('fill-beside', at(100));
    expect(await readProgress(plant.storage, backfillScope('fill-beside', range(0, 80)))).not.toMatchObject({
      to: String(at(80)),
    });
    expect(live).toMatchObject({ done: 3, rows: 1800, busyCount: 0, models: { fresh: 0 } });
    const models = await newestSnapshots(plant, 'fill-beside');
    expect(await handle.result()).toMatchObject({ rows: 3 * 80 * 60, lagging: 0 });

    expect(await newestSnapshots(plant, 'fill-beside')).toEqual(models);
    expect(await readProgress(plant.storage, 'fill-beside')).toMatchObject({ to: String(at(100)) });
    expect(await plant.rows('SELECT count(*) AS n FROM machine_anomalies')).toEqual([{ n: 3 * 100 * 60 }]);
  });

  it('sends one digest, once, also when its channel was down at the end', async () => {
    let isDown = true;
    const sent: DigestMessage[] = [];
    const ops: Channel = {
      name: 'ops',
      send: async () => expect.unreachable('no event is told by itself'),
      sendDigest: async (message) => {
        if (isDown) throw new HalfspaceError('RejectedAlert', 'no_service');
        sent.push(message);
        return 'delivered';
      },
    };
    await build({
      pipelines: { 'fill-digest': machinesPipeline({ window: windowOf(10), alerts: ['ops'] }) },
      channels: [ops],
    });
    await writeMachines(70);
    const over = range(0, 70);
    const first = await backfill('fill-digest', over, { alerts: 'digest' });
    expect(first.digest).toEqual([{ channel: 'ops', status: 'failed', reason: 'no_service' }]);
    isDown = false;
    for (let round = 0; round < 2; round++) {
      const again = await backfill('fill-digest', over, { alerts: 'digest' });
      expect(again).toMatchObject({ wasFinished: true, digest: [{ status: 'delivered' }] });
    }
    expect(sent).toHaveLength(1);
    expect(sent[0]?.digest).toMatchObject({
      pipeline: 'fill-digest',
      range: over,
      machines: 1,
      rows: first.anomalies,
      events: 1,
      unfinished: 0,
      worst: [{ events: 1, rows: first.anomalies }],
    });
    expect(await plant.storage.list('plots')).toEqual([]);
  });
});

describe('a backfill is refused', () => {
  it('where live runs have written scores, unless they may be replaced', async () => {
    await build({ pipelines: { 'fill-over': machinesPipeline({ window: windowOf(10) }) } });
    await writeMachines(30);
    await plant.run('fill-over', at(30));
    expect(await reasonOfFailure(backfill('fill-over', range(10, 25)))).toBe(
      'The range of `fill-over` reaches to 2026-01-05T00:25:00Z, but its own runs have written scores from 2026-01-05T00:20:00Z on: end the range there, or replace those scores with --overwrite',
    );
    expect(await backfill('fill-over', range(10, 20))).toMatchObject({ rows: 3 * 600 });
    expect(await backfill('fill-over', range(10, 25), { overwrite: true })).toMatchObject({ rows: 3 * 900 });
  });

  it('when it cannot be what was meant', async () => {
    const replay = machinesPipeline({ mode: 'replay', normalise: 'batch', output: null });
    await build({ pipelines: { 'fill-replay': replay, 'fill-wrong': machinesPipeline() } });
    const reason = (pipeline: string, over: Window, change?: Partial<BackfillInput>) =>
      reasonOfFailure(backfill(pipeline, over, change));
    expect(await reason('fill-replay', range(0, 1))).toMatch(/^`fill-replay` learns its whole source anew/);
    expect(await reason('fill-wrong', range(1, 1))).toMatch(/expected an end after the beginning$/);
    expect(await reason('fill-wrong', range(0, 1), { alerts: 'digest' })).toMatch(
      /has no channel a digest could go to/,
    );
    const tomorrow = { from: '0', to: String(nanosFromMs(Date.now() + 24 * 60 * MINUTE)) };
    expect(await reason('fill-wrong', tomorrow)).toMatch(/ends after now/);
    expect(await reason('fill-nothing', range(0, 1))).toMatch(/^No pipeline is called `fill-nothing`/);
  });

  it('to go on under other learning settings than it began with', async () => {
    const pipelines = { 'fill-changed': machinesPipeline({ window: windowOf(10) }) };
    await build({ pipelines });
    await writeMachines(100);
    const over = range(0, 100);
    const handle = await start('fill-changed', over);
    await reaches('fill-changed', over, 20);
    await handle.terminate('killed');
    pipelines['fill-changed'] = machinesPipeline({ window: windowOf(10), normalise: 'running' });
    expect(await reasonOfFailure(backfill('fill-changed', over))).toMatch(
      /^The backfill of `fill-changed` was begun under other learning settings/,
    );
    expect(await backfill('fill-changed', over, { again: true })).toMatchObject({ rows: 18_000, wasFinished: false });
  });

  it('to go on when its learning settings change between two chunks, and resumes once they are back', async () => {
    const before = machinesPipeline({ window: windowOf(10) });
    const pipelines = { 'fill-switched': before };
    await build({ pipelines });
    await writeMachines(100);
    const over = range(0, 100);
    const running = backfill('fill-switched', over);
    const reason = reasonOfFailure(running);
    await reaches('fill-switched', over, 20);
    pipelines['fill-switched'] = machinesPipeline({ window: windowOf(10), normalise: 'running' });
    expect(await reason).toMatch(/was begun under other learning settings: put them back and start it again/);
    pipelines['fill-switched'] = before;
    const resumed = await backfill('fill-switched', over);
    expect(resumed).toMatchObject({ wasFinished: false, failedCount: 0 });
    expect(resumed.rows).toBeLessThan(18_000);
    expect(await backfill('fill-switched', over)).toMatchObject({ wasFinished: true });
  });
});

describe('who waits for a backfill', () => {
  it('may leave: it goes on, and the same command joins it', async () => {
    const cwd = await mkdtemp(join(tmpdir(), 'halfspace-backfill-'));
    const pipelines = { 'fill-left': machinesPipeline({ window: windowOf(10) }) };
    await build({ pipelines });
    await writeMachines(100);
    await writeFile(
      join(cwd, 'halfspace.yaml'),
      `pipelines: { fill-left: { source: { table: machine_data, id: [machineID], values: [power] }, normalise: running } }
worker: { task_queue: ${plant.taskQueue} }
`,
    );
    const env = { TEMPORAL_ADDRESS: inject('temporalAddress') };
    const args = ['backfill', '--from', '2026-01-05T00:00:00Z', '--to', '2026-01-05T01:40:00Z'];
    const first = await startCommand(args, { cwd, env });
    await reaches('fill-left', range(0, 100), 10);
    first.process.kill('SIGINT');
    const left = await first.done;
    expect(left.code, left.stderr).toBe(0);
    expect(left.stderr).toMatch(
      /the backfill goes on without you \(workflow backfill\/fill-left\/2026-01-05T00:00:00Z-2026-01-05T01:40:00Z at \S+\); .* temporal workflow cancel --address \S+ --namespace default --workflow-id backfill\/fill-left\/2026-01-05T00:00:00Z-2026-01-05T01:40:00Z$/m,
    );
    const second = await runCommand(args, { cwd, env });
    expect(second.code, second.stderr).toBe(0);
    expect(second.stderr).toMatch(/joined it/);
    expect(second.stdout).toMatch(
      /^fill-left: 2026-01-05T00:00:00Z to 2026-01-05T01:40:00Z in 10 chunks\n {2}3 machines, 18,000 rows scored/,
    );
  });
});
