import { readFile, rm } from 'node:fs/promises';
import { afterEach, describe, expect, inject, it } from 'vitest';
import type { Alert, Channel } from '../../src/alerts/channel.js';
import { HalfspaceError } from '../../src/contract/failures.js';
import { nanosFromMs } from '../../src/contract/time.js';
import { defaultMachines } from '../../src/simulator/fleet.js';
import { lines } from '../../src/simulator/outputs.js';
import { writeProgress } from '../../src/store/progress.js';
import { recordReads } from '../store/record-reads.js';
import {
  buildPlant,
  machinesPipeline,
  newestSnapshots,
  type Plant,
  type PlantOptions,
  reasonOfFailure,
} from './plant.js';

const START = Date.parse('2026-01-05T00:00:00Z');
const HOUR = 3_600_000;
const MINUTE = 60_000;

let plant: Plant;
afterEach(() => plant?.close());

async function build(options: Omit<PlantOptions, 'temporalAddress'>): Promise<Plant> {
  plant = await buildPlant({ temporalAddress: inject('temporalAddress'), ...options });
  return plant;
}

function recordingChannel(sent: Alert[]): Channel {
  return {
    name: 'ops',
    sendDigest: async () => 'delivered',
    send: async (alert) => {
      sent.push(alert);
      return 'delivered';
    },
  };
}

describe('a run', () => {
  it('scores every machine, alerts the broken one once and draws it', async () => {
    const sent: Alert[] = [];
    const pipelines = { machines: machinesPipeline({ alerts: ['ops'] }) };
    await build({ pipelines, channels: [recordingChannel(sent)] });
    const end = START + 2 * HOUR;
    const machines = defaultMachines(3, 1).map((machine, index) =>
      index === 1
        ? machine.withFault({ kind: 'overload', fromMs: end - MINUTE, toMs: Number.POSITIVE_INFINITY })
        : machine,
    );
    await plant.write(lines(machines, { fromMs: START, toMs: end }));

    const result = await plant.run('machines', nanosFromMs(end));
    expect(result).toMatchObject({
      machines: 3,
      done: 3,
      rows: 21_600,
      scoresWritten: 21_600,
      failedCount: 0,
      lagging: 0,
    });
    expect(result.models).toEqual({ cached: 0, loaded: 0, fresh: 3 });
    expect(sent).toHaveLength(1);
    expect(sent[0]?.event.ids.machineID).toBe('machine2');
    expect(result.alerts).toMatchObject([{ channel: 'ops', status: 'delivered' }]);
    const plot = await readFile(result.plots[0] ?? '');
    expect(plot.subarray(1, 4).toString()).toBe('PNG');

    const counts = await plant.rows(
      'SELECT "machineID", count(*) AS n, sum(CASE WHEN is_anomaly THEN 1 ELSE 0 END) AS hits FROM machine_anomalies GROUP BY "machineID" ORDER BY "machineID"',
    );
    expect(counts.map(({ n }) => n)).toEqual([7200, 7200, 7200]);
    expect(counts.map(({ hits }) => Number(hits) > 0)).toEqual([false, true, false]);

    // The event goes on in the next window: nothing more is sent.
    await plant.write(lines(machines, { fromMs: end, toMs: end + MINUTE }));
    const next = await plant.run('machines', nanosFromMs(end + MINUTE));
    expect(next).toMatchObject({ rows: 180, events: 1, alerts: [] });
    expect(sent).toHaveLength(1);
  });

  it('gives in two windows what one run gives over both, and loads no model for the second', async () => {
    const read: string[] = [];
    const pipelines = {
      once: machinesPipeline({ output: { table: 'once' } }),
      twice: machinesPipeline({ output: { table: 'twice' } }),
    };
    await build({ pipelines, wrapStorage: recordReads(read) });
    const end = START + HOUR;
    await plant.write(lines(defaultMachines(3, 7), { fromMs: START, toMs: end }));

    await plant.run('once', nanosFromMs(end));
    await plant.run('twice', nanosFromMs(START + 20 * MINUTE));
    read.length = 0;
    const second = await plant.run('twice', nanosFromMs(end));
    expect(second.models).toEqual({ cached: 3, loaded: 0, fresh: 0 });
    expect(read.filter((key) => key.startsWith('snapshots/'))).toEqual([]);

    const scores = 'SELECT time, "machineID", score, is_anomaly FROM';
    const order = 'ORDER BY "machineID", time';
    const once = await plant.rows(`${scores} once ${order}`);
    expect(once).toHaveLength(3 * 3600);
    expect(await plant.rows(`${scores} twice ${order}`)).toEqual(once);
    expect(await newestSnapshots(plant, 'twice')).toEqual(await newestSnapshots(plant, 'once'));
  });

  it('takes a quiet window for what it is and learns nothing from it', async () => {
    const expectations = {
      after_load: [
        { required_columns: ['power'], otherwise: 'fail' },
        { fresh_within: HOUR, otherwise: 'warn' },
      ],
      after_transform: [{ max_missing: 0.5, otherwise: 'fail' }],
    } as const;
    await build({ pipelines: { machines: machinesPipeline({ expectations }) } });
    const end = START + 10 * MINUTE;
    await plant.write(lines(defaultMachines(2, 3), { fromMs: START, toMs: end }));
    await plant.run('machines', nanosFromMs(end));
    const before = await newestSnapshots(plant, 'machines');
    const again = await plant.run('machines', nanosFromMs(end + MINUTE));
    expect(again).toMatchObject({
      machines: 0,
      rows: 0,
      warnings: [expect.stringMatching(/^no rows of machine_data/)],
    });
    expect(await newestSnapshots(plant, 'machines')).toEqual(before);
  });

  it('learns nothing twice when the progress is lost and the same window is read again', async () => {
    await build({ pipelines: { machines: machinesPipeline() } });
    const end = START + 10 * MINUTE;
    await plant.write(lines(defaultMachines(2, 3), { fromMs: START, toMs: end }));
    await plant.run('machines', nanosFromMs(end));
    const before = await newestSnapshots(plant, 'machines');
    await plant.storage.remove('progress/machines.json');
    expect(await plant.run('machines', nanosFromMs(end))).toMatchObject({ machines: 2, loadedRows: 1200, rows: 0 });
    expect(await newestSnapshots(plant, 'machines')).toEqual(before);
  });

  it('lets the others finish when one machine has a damaged snapshot, and ends where it would have been', async () => {
    const pipelines = { machines: machinesPipeline(), peace: machinesPipeline({ output: { table: 'peace' } }) };
    await build({ pipelines, modelCacheBytes: 1 });
    const machines = defaultMachines(3, 3);
    await plant.write(lines(machines, { fromMs: START, toMs: START + 40 * MINUTE }));
    for (const minutes of [10, 20]) await plant.run('machines', nanosFromMs(START + minutes * MINUTE));

    const [first = ''] = await plant.storage.list('snapshots/machines');
    const name = (await plant.storage.list(`snapshots/machines/${first}`)).at(-1) ?? '';
    await plant.storage.write(`snapshots/machines/${first}${name}`, new Uint8Array([1, 2, 3]));
    const broken = await plant.run('machines', nanosFromMs(START + 30 * MINUTE));
    expect(broken).toMatchObject({ done: 2, failedCount: 0, damagedCount: 1, lagging: 1, rows: 2 * 600 });
    expect(broken.damaged[0]?.reason).toMatch(/ is damaged: .*; the next run learns again from 2026-01-05T00:09:59/);
    expect(broken.damaged[0]?.reason).toContain(name);

    const healed = await plant.run('machines', nanosFromMs(START + 40 * MINUTE));
    expect(healed).toMatchObject({ done: 3, damagedCount: 1, lagging: 0, rows: 2 * 600 + 1800 });
    for (const minutes of [10, 20, 30, 40]) await plant.run('peace', nanosFromMs(START + minutes * MINUTE));
    expect(await newestSnapshots(plant, 'machines')).toEqual(await newestSnapshots(plant, 'peace'));
    expect(await plant.storage.list(`damaged/machines/${first}`)).toEqual([name]);
  });

  it('goes on without a channel that is down for good, says so, and tries again while the event is open', async () => {
    let isDown = true;
    const sent: Alert[] = [];
    const channel: Channel = {
      name: 'ops',
      sendDigest: async () => 'delivered',
      send: async (alert) => {
        if (isDown) throw new HalfspaceError('RejectedAlert', 'Slack answered no_service');
        sent.push(alert);
        return 'delivered';
      },
    };
    await build({ pipelines: { machines: machinesPipeline({ alerts: ['ops'] }) }, channels: [channel] });
    const end = START + HOUR;
    const machines = defaultMachines(1, 1).map((machine) =>
      machine.withFault({ kind: 'overload', fromMs: end - MINUTE, toMs: end }),
    );
    await plant.write(lines(machines, { fromMs: START, toMs: end }));
    const first = await plant.run('machines', nanosFromMs(end));
    expect(first.alerts).toMatchObject([{ status: 'failed', reason: 'Slack answered no_service' }]);
    expect(first).toMatchObject({ done: 1, scoresWritten: 3600, lagging: 1 });

    // No rows since, but the event is open and nobody knows of it.
    isDown = false;
    const second = await plant.run('machines', nanosFromMs(end + MINUTE));
    expect(second.alerts).toMatchObject([{ status: 'delivered' }]);
    expect(sent).toHaveLength(1);
    expect(second.lagging).toBe(0);
  });

  it('runs replay pipelines over the whole table without leaving a model', async () => {
    const mage = machinesPipeline({
      mode: 'replay',
      source: { ...machinesPipeline().source, table: null, query: 'SELECT * FROM machine_data' },
      normalise: 'batch',
      detector: { kind: 'half_space_trees', n_trees: 5, height: 2, window_size: 250, seed: 1 },
      order: 'learn_then_score',
      output: null,
    });
    await build({ pipelines: { 'mage-demo': mage } });
    await plant.write(lines(defaultMachines(2, 3), { fromMs: START, toMs: START + 20 * MINUTE }));
    const result = await plant.run('mage-demo', nanosFromMs(START + HOUR));
    expect(result).toMatchObject({ machines: 2, rows: 2400, scoresWritten: 0 });
    expect(await plant.storage.list('snapshots')).toEqual([]);
  });
});

describe('a window that was asked for', () => {
  const anHourAhead = () => nanosFromMs(Date.now() + HOUR);

  async function runTenMinutes(): Promise<bigint> {
    await build({ pipelines: { machines: machinesPipeline() } });
    const end = START + 10 * MINUTE;
    await plant.write(lines(defaultMachines(1, 3), { fromMs: START, toMs: end }));
    await plant.run('machines', nanosFromMs(end));
    return nanosFromMs(end);
  }

  it('is refused when it ends in the future, and progress stays where it was', async () => {
    await runTenMinutes();
    const before = await plant.storage.read('progress/machines.json');
    expect(await reasonOfFailure(plant.run('machines', anHourAhead()))).toMatch(
      /^The window of `machines` cannot end at /,
    );
    expect(await plant.storage.read('progress/machines.json')).toEqual(before);
  });

  it('is refused when it is done already, and read again from the beginning after starting over', async () => {
    const end = await runTenMinutes();
    const reason = await reasonOfFailure(plant.run('machines', end));
    const [, progress = '', models = ''] =
      /done up to .* already; .*delete (\S+) and the folder (\S+) to start over$/.exec(reason) ?? [];
    await rm(progress);
    await rm(models, { recursive: true });
    expect(await plant.run('machines', end)).toMatchObject({ done: 1, rows: 600 });
  });

  it('is not read when the progress lies ahead of the clock: the run says which files to delete', async () => {
    await runTenMinutes();
    const to = String(anHourAhead());
    const progress = { origin: '0', to, target: to, settingsHash: '', lagging: [] };
    await writeProgress(plant.storage, 'machines', progress);
    const reason = await reasonOfFailure(plant.run('machines', nanosFromMs(START + HOUR)));
    expect(reason).toContain(`delete ${plant.storage.locate('progress/machines.json')} and the folder`);
  });

  it('is not read by a model that has learned the future: the machine fails by name', async () => {
    await runTenMinutes();
    const [machine = ''] = await plant.storage.list('snapshots/machines');
    const [name = ''] = await plant.storage.list(`snapshots/machines/${machine}`);
    const bytes = (await plant.storage.read(`snapshots/machines/${machine}${name}`)) ?? new Uint8Array();
    const ahead = name.replace(/-\d{20}-/, `-${String(anHourAhead()).padStart(20, '0')}-`);
    await plant.storage.remove(`snapshots/machines/${machine}${name}`);
    await plant.storage.write(`snapshots/machines/${machine}${ahead}`, bytes);
    await plant.write(lines(defaultMachines(1, 3), { fromMs: START + 10 * MINUTE, toMs: START + 11 * MINUTE }));
    const result = await plant.run('machines', nanosFromMs(START + HOUR));
    expect(result).toMatchObject({ failedCount: 1, lagging: 1 });
    expect(result.failed[0]?.reason).toMatch(/has learned up to .*, after now/);
  });

  it('stops at once when the progress is damaged, with its file', async () => {
    await runTenMinutes();
    await plant.storage.write('progress/machines.json', new TextEncoder().encode('{"to":"17'));
    const reason = await reasonOfFailure(plant.run('machines', nanosFromMs(START + HOUR)));
    expect(reason).toContain(`${plant.storage.locate('progress/machines.json')} is damaged`);
  });
});

describe('a run that cannot succeed', () => {
  it.each([
    ['a missing table', { table: 'nothing_here' }, /nothing_here/],
    ['a missing column', { values: ['powr'] }, /powr/],
  ])('stops at once and names %s', async (_what, change, pattern) => {
    const machines = machinesPipeline();
    await build({
      pipelines: { machines: { ...machines, normalise: 'running', source: { ...machines.source, ...change } } },
    });
    await plant.write(lines(defaultMachines(1, 3), { fromMs: START, toMs: START + MINUTE }));
    expect(await reasonOfFailure(plant.run('machines', nanosFromMs(START + MINUTE)))).toMatch(pattern);
  });

  it('names the pipelines there are when it is asked for another', async () => {
    await build({ pipelines: { machines: machinesPipeline() } });
    expect(await reasonOfFailure(plant.run('machine', nanosFromMs(START)))).toMatch(
      /this worker has: machines; start the worker again if/,
    );
  });

  it('refuses machines that share a unique_id and scores the others', async () => {
    await build({ pipelines: { machines: machinesPipeline() } });
    const row = (provider: string) => `machine_data,machineID=m1,provider=${provider} power=210 ${nanosFromMs(START)}`;
    await plant.write([row('A/B'), row('a\\ b'), row('other')]);
    const result = await plant.run('machines', nanosFromMs(START + MINUTE));
    expect(result).toMatchObject({ done: 1, refusedCount: 1 });
    expect(result.refused[0]?.reason).toMatch(/hashed/);
  });

  it('fails a machine whose unique_id belongs to another one, of which no rows are at hand', async () => {
    await build({ pipelines: { machines: machinesPipeline() } });
    const rowAt = (provider: string, minute: number) =>
      `machine_data,machineID=m1,provider=${provider} power=210 ${nanosFromMs(START + minute * MINUTE)}`;
    await plant.write([rowAt('A/B', 0)]);
    expect(await plant.run('machines', nanosFromMs(START + MINUTE))).toMatchObject({ done: 1, failedCount: 0 });
    // Late rows are looked for in the hour before a window.
    await plant.run('machines', nanosFromMs(START + 100 * MINUTE));
    await plant.write([rowAt('a\\ b', 120)]);
    const { done, failed } = await plant.run('machines', nanosFromMs(START + 121 * MINUTE));
    expect(done).toBe(0);
    expect(failed).toEqual([
      {
        uniqueId: 'a-b-m1',
        reason: expect.stringMatching(
          /^Machines \("A\/B", "m1"\) and \("a b", "m1"\) have the same unique_id .*hashed.*forget/,
        ),
      },
    ]);
  });

  it('fails or warns as an expectation says, with what was found', async () => {
    const strict = machinesPipeline({
      expectations: { after_load: [{ min_rows: 100, otherwise: 'fail' }], after_transform: [] },
    });
    const lenient = machinesPipeline({
      expectations: {
        after_load: [{ min_rows: 100, otherwise: 'warn' }],
        after_transform: [{ fresh_within: MINUTE, otherwise: 'warn' }],
      },
    });
    await build({ pipelines: { strict, lenient } });
    await plant.write(lines(defaultMachines(1, 3), { fromMs: START, toMs: START + MINUTE }));
    const until = nanosFromMs(START + HOUR);
    expect(await reasonOfFailure(plant.run('strict', until))).toMatch(/100 rows.*60/);
    const result = await plant.run('lenient', until);
    expect(result.warnings).toHaveLength(2);
    expect(result.warnings[0]).toMatch(/100 rows.*60/);
  });
});

describe('cancelling a run', () => {
  it('stops it and its children within two seconds', async () => {
    let beganAt = 0;
    const stuck: Channel = {
      name: 'ops',
      sendDigest: async () => 'delivered',
      send: (_alert, signal) => {
        beganAt = Date.now();
        return new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
      },
    };
    await build({ pipelines: { machines: machinesPipeline({ alerts: ['ops'] }) }, channels: [stuck] });
    const end = START + HOUR;
    const machines = defaultMachines(1, 1).map((machine) =>
      machine.withFault({ kind: 'overload', fromMs: end - MINUTE, toMs: end }),
    );
    await plant.write(lines(machines, { fromMs: START, toMs: end }));
    const handle = await plant.client.workflow.start('detectionRun', {
      workflowId: `detect/cancel-${START}-${plant.taskQueue}`,
      taskQueue: plant.taskQueue,
      args: [{ pipeline: 'machines', until: String(nanosFromMs(end)) }],
    });
    await expect.poll(() => beganAt, { timeout: 20_000 }).toBeGreaterThan(0);
    const cancelledAt = Date.now();
    await handle.cancel();
    await expect(handle.result()).rejects.toThrow(/cancelled/i);
    expect(Date.now() - cancelledAt).toBeLessThan(2000);
    expect(await plant.storage.list('snapshots')).toEqual([]);
  });
});
