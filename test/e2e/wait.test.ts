import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Client, Connection } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, inject, it, onTestFinished } from 'vitest';
import { startRun, type TemporalClient } from '../../src/client.js';
import type { PipelineSettings, WaitSettings } from '../../src/contract/pipeline.js';
import type { RunWait } from '../../src/contract/run-plan.js';
import type { RunResult } from '../../src/contract/run-result.js';
import { nanosFromIso, nanosFromMs } from '../../src/contract/time.js';
import { defaultMachines } from '../../src/simulator/fleet.js';
import { lines } from '../../src/simulator/outputs.js';
import { readProgress } from '../../src/store/progress.js';
import { runCommand, startCommand } from './command.js';
import { buildPlant, machinesPipeline, type Plant, type PlantOptions, quietRuntime, reasonOfFailure } from './plant.js';
import { type Fakes, QUIET, startQuietWorker } from './quiet-worker.js';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

let temporal: TemporalClient;

beforeAll(async () => {
  quietRuntime();
  const address = inject('temporalAddress');
  const connection = await Connection.connect({ address });
  const client = new Client({ connection });
  const { operatorService } = connection;
  temporal = { client, operatorService, namespace: 'default', address, close: () => connection.close() };
});

afterAll(() => temporal.close());

interface Look {
  readonly waitedMs: number;
  readonly looks: number;
  readonly until?: string;
}

const WAIT: RunWait = {
  kind: 'wait',
  missing: 'rows of t',
  untilMs: Date.parse('2026-01-31T12:00:00Z'),
  nextLookMs: 50,
  looksPerExecution: 100,
};

describe('a waiting run', () => {
  /** A pipeline whose first looks find nothing, and what each look was asked. */
  async function waiting(vainLooks: number, wait: Partial<RunWait> = {}, fakes: Fakes = {}) {
    const looks: Look[] = [];
    let lookedAt = 0;
    const planRun: Fakes['planRun'] = async (look: Look & { pipeline: string }) => {
      looks.push(look);
      lookedAt = Date.now();
      return looks.length <= vainLooks ? { ...WAIT, ...wait } : QUIET.planRun?.(look as never);
    };
    const worker = await startQuietWorker(inject('temporalAddress'), { planRun, ...fakes });
    onTestFinished(worker.stop);
    const start = (key?: string, until?: string) =>
      startRun(temporal, { pipeline: worker.pipeline, key, until, taskQueue: worker.pipeline });
    return { worker, looks, lookedAtMs: () => lookedAt, start };
  }

  it('looks again and again, and works as soon as there is something to do', async () => {
    let workedMs = Number.NaN;
    let sinceLastLookMs = 0;
    const finishRun: Fakes['finishRun'] = async (input: { seconds: number }) => {
      workedMs = input.seconds * 1000;
      sinceLastLookMs = Date.now() - lookedAtMs();
      return QUIET.finishRun?.(input as never);
    };
    const { looks, lookedAtMs, start } = await waiting(3, { nextLookMs: 1000 }, { finishRun });
    const { handle } = await start();
    expect(await handle.result()).toMatchObject({ rows: 0, failedCount: 0 });
    expect(looks.map((look) => look.looks)).toEqual([0, 1, 2, 3]);
    const [first = 0, ...later] = looks.map(({ waitedMs }) => waitedMs);
    expect(first).toBeLessThan(1000);
    for (const [i, waitedMs] of later.entries())
      expect(waitedMs - (looks[i]?.waitedMs ?? 0)).toBeGreaterThanOrEqual(1000);
    // What it waited is no part of its work.
    expect(workedMs).toBeLessThan(sinceLastLookMs + (later.at(-1) ?? 0) / 2);
  });

  it('says what it waits for in its details and its memo, and no more once it goes on', async () => {
    let isThere = false;
    const planRun: Fakes['planRun'] = async (look: never) => (isThere ? QUIET.planRun?.(look) : WAIT);
    const { start } = await waiting(0, {}, { planRun });
    const { handle } = await start();
    const memo = async () => (await handle.describe()).memo?.waits_for;
    await expect.poll(memo, { timeout: 20_000 }).toBe('rows of t, until 2026-01-31T12:00:00Z at the latest');
    expect(await handle.query('__temporal_workflow_metadata')).toMatchObject({
      currentDetails: expect.stringMatching(
        /^- waits for: rows of t, until 2026-.*\n- since: 20.*Z\n- next look: 20.*Z$/,
      ),
    });
    isThere = true;
    await handle.result();
    expect(await memo()).toBeUndefined();
  });

  it('keeps its history short however long it waits, and forgets nothing by it', async () => {
    const { worker, looks, start } = await waiting(12, { looksPerExecution: 5 });
    const until = '1795425358000000009';
    const { handle } = await start('long', until);
    expect(await handle.result()).toMatchObject({ window: { to: until } });
    expect(looks.map((look) => look.looks)).toEqual([0, 1, 2, 3, 4, 0, 1, 2, 3, 4, 0, 1, 2]);
    const waited = looks.map(({ waitedMs }) => waitedMs);
    expect(waited).toEqual([...waited].sort((a, b) => a - b));
    expect(waited.at(-1)).toBeGreaterThanOrEqual(12 * 50);
    expect(new Set(looks.map((look) => look.until))).toEqual(new Set([until]));
    const { historyLength, memo } = await temporal.client.workflow
      .getHandle(`detect/${worker.pipeline}/long`)
      .describe();
    expect(historyLength).toBeLessThan(5 * 12 + 40);
    expect(memo).toEqual({ pipeline: worker.pipeline, until });
  });

  it('ends at once when it is cancelled', async () => {
    const { looks, start } = await waiting(1, { nextLookMs: HOUR });
    const { handle } = await start();
    await expect.poll(async () => (await handle.describe()).memo?.waits_for, { timeout: 20_000 }).toBeDefined();
    const askedMs = Date.now();
    await handle.cancel();
    await expect(handle.result()).rejects.toMatchObject({ cause: { name: 'CancelledFailure' } });
    expect(Date.now() - askedMs).toBeLessThan(2000);
    expect(looks).toHaveLength(1);
  });

  it('tells the one who triggered it what it waits for, and that it was skipped', async () => {
    let looks = 0;
    const skip = { kind: 'skip', reason: 'waited in vain', window: { from: '0', to: '0' }, lagging: 0 };
    const planRun: Fakes['planRun'] = async () => (looks++ < 1 ? { ...WAIT, nextLookMs: 5000 } : skip);
    const { worker } = await waiting(0, {}, { planRun });
    const env = { TEMPORAL_ADDRESS: inject('temporalAddress') };
    const { code, stdout, stderr } = await runCommand(['trigger'], { cwd: worker.folder, env });
    expect(code, stderr).toBe(0);
    expect(stdout).toBe(`${worker.pipeline}: skipped, waited in vain\n`);
    expect(stderr).toContain('waits for rows of t, until 2026-01-31T12:00:00Z at the latest\n');
  });
});

function waitFor(change: Partial<WaitSettings>): PipelineSettings['wait_for'] {
  return { rows: null, pipeline: null, limit: HOUR, every: 200, otherwise: 'skip', ...change };
}

async function build(options: Omit<PlantOptions, 'temporalAddress'>): Promise<Plant> {
  const plant = await buildPlant({ temporalAddress: inject('temporalAddress'), ...options });
  onTestFinished(() => plant.close());
  return plant;
}

let started = 0;

/** A run up to now, as schedules start them, and what it waits for. */
async function begin({ taskQueue }: Plant, pipeline: string) {
  const workflowId = `detect/${pipeline}/${taskQueue}-${started++}`;
  const args: [object] = [{ pipeline }];
  const handle = await temporal.client.workflow.start('detectionRun', { workflowId, taskQueue, args });
  const result: Promise<RunResult> = handle.result();
  result.catch(() => {});
  return { result, waitsFor: async () => String((await handle.describe()).memo?.waits_for) };
}

/** Rows of one machine, one a second, for the minute before now. */
function minuteBefore(nowMs: number): Iterable<string> {
  return lines(defaultMachines(1, 3), { fromMs: nowMs - MINUTE, toMs: nowMs });
}

describe('a pipeline that waits for rows', () => {
  it('goes on when they come, and reads all of them', async () => {
    const plant = await build({ pipelines: { machines: machinesPipeline({ wait_for: waitFor({ rows: 30 }) }) } });
    const first = await begin(plant, 'machines');
    await expect
      .poll(first.waitsFor, { timeout: 20_000 })
      .toMatch(/^30 rows of machine_data from \S+ on \(there is no such/);
    const nowMs = Date.now();
    const [row = '', ...others] = minuteBefore(nowMs);
    await plant.write([row]);
    await expect
      .poll(first.waitsFor, { timeout: 20_000 })
      .toMatch(/^30 rows of machine_data from \S+ on \(there are 1\)/);
    await plant.write(others);
    const result = await first.result;
    expect(result).toMatchObject({ rows: 60, scoresWritten: 60, warnings: [] });
    expect(BigInt(result.window.to)).toBeGreaterThan(nanosFromMs(nowMs));

    // The same rows are nothing new.
    const second = await begin(plant, 'machines');
    await expect.poll(second.waitsFor, { timeout: 20_000 }).toMatch(/^30 rows of machine_data from \S+ on, until/);
    const since = BigInt(result.window.to);
    await plant.write(Array.from({ length: 31 }, (_, i) => row.replace(/\d+$/, String(since + BigInt(i)))));
    expect(await second.result).toMatchObject({ rows: 31, window: { from: result.window.to } });
  });

  it.each(['skip', 'fail', 'run'] as const)('does as it is told when they do not come: %s', async (otherwise) => {
    const wait_for = waitFor({ rows: 1, limit: 1000, otherwise });
    const plant = await build({ pipelines: { machines: machinesPipeline({ wait_for }) } });
    await plant.write(lines(defaultMachines(1, 3), { fromMs: Date.now() - HOUR, toMs: Date.now() - HOUR + MINUTE }));
    await (await begin(plant, 'machines')).result;
    const before = await readProgress(plant.storage, 'machines');

    const { result } = await begin(plant, 'machines');
    const reason = /waited until \S+ in vain for rows of machine_data from \S+ on/;
    if (otherwise === 'fail') {
      expect(await reasonOfFailure(result)).toMatch(reason);
    } else if (otherwise === 'skip') {
      const end = { from: before?.to, to: before?.to };
      expect(await result).toMatchObject({
        skipped: expect.stringMatching(reason),
        window: end,
        machines: 0,
        chunks: 0,
      });
    } else {
      const { window, warnings, skipped } = await result;
      expect(warnings[0]).toMatch(reason);
      expect(window.from).toBe(before?.to);
      expect(skipped).toBeUndefined();
    }
    const after = await readProgress(plant.storage, 'machines');
    if (otherwise === 'run') expect(BigInt(after?.to ?? 0)).toBeGreaterThan(BigInt(before?.to ?? 0));
    else expect(after).toEqual(before);
  });

  it('goes on although its worker was killed meanwhile', async () => {
    const plant = await build({ pipelines: {} });
    const pipeline = `wait-${plant.taskQueue}`.slice(0, 60);
    const folder = await mkdtemp(join(tmpdir(), 'halfspace-wait-'));
    const store = pathToFileURL(join(folder, 'store')).href;
    await writeFile(
      join(folder, 'halfspace.yaml'),
      `influx: { host: ${plant.standIn.url}, database: plant }
store: { url: ${store} }
worker: { task_queue: killed-${plant.taskQueue} }
pipelines:
  ${pipeline}:
    source: { table: machine_data, id: [provider, machineID], values: [power] }
    window: { settle: 0s }
    normalise: { power: [0, 500] }
    wait_for: { rows: 1, every: 1s, limit: 5m }
`,
    );
    const startWorker = async () => {
      const options = { cwd: folder, env: { TEMPORAL_ADDRESS: inject('temporalAddress') } };
      const worker = await startCommand(['worker'], options);
      onTestFinished(() => void worker.process.kill('SIGKILL'));
      await expect.poll(worker.output, { timeout: 60_000 }).toMatch(/worker polls/);
      return worker;
    };
    const first = await startWorker();
    const run = await begin({ ...plant, taskQueue: `killed-${plant.taskQueue}` }, pipeline);
    await expect.poll(run.waitsFor, { timeout: 30_000 }).toMatch(/^rows of machine_data/);
    first.process.kill('SIGKILL');
    await first.done;
    await plant.write(minuteBefore(Date.now()));
    await startWorker();
    expect(await run.result).toMatchObject({ rows: 60, failedCount: 0 });
  }, 240_000);
});

describe('a pipeline that waits for another', () => {
  it('goes on when that one has finished new work, and no further than that one has come', async () => {
    const second = machinesPipeline({ wait_for: waitFor({ pipeline: 'first' }), output: { table: 'second_scores' } });
    const plant = await build({ pipelines: { first: machinesPipeline(), second } });
    const start = Date.now() - HOUR;
    await plant.write(lines(defaultMachines(1, 3), { fromMs: start, toMs: start + 10 * MINUTE }));
    const waiting = await begin(plant, 'second');
    await expect.poll(waiting.waitsFor, { timeout: 20_000 }).toMatch(/^the first run of `first`, until /);
    const until = nanosFromMs(start + 5 * MINUTE);
    await plant.run('first', until);
    expect(await waiting.result).toMatchObject({ rows: 300, window: { to: String(until) } });

    const again = await begin(plant, 'second');
    await expect.poll(again.waitsFor, { timeout: 20_000 }).toMatch(/^`first` to get past (\S+) \(it stands at \1\)/);
    await plant.run('first', until + nanosFromMs(MINUTE));
    expect(await again.result).toMatchObject({ rows: 60, window: { from: String(until) } });
  });

  it('finds at once that its window cannot be, without waiting', async () => {
    const second = machinesPipeline({ wait_for: waitFor({ pipeline: 'first' }) });
    const plant = await build({ pipelines: { first: machinesPipeline(), second } });
    const ahead = nanosFromIso('2200-01-01T00:00:00Z') ?? 0n;
    expect(await reasonOfFailure(plant.run('second', ahead))).toMatch(/^The window of `second` cannot end at 2200-/);
  });
});
