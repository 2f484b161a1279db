import { afterEach, describe, expect, inject, it } from 'vitest';
import { backfillWorkflowId } from '../../src/contract/names.js';
import type { AggregateSettings, PipelineSettings } from '../../src/contract/pipeline.js';
import { nanosFromMs } from '../../src/contract/time.js';
import { defaultMachines } from '../../src/simulator/fleet.js';
import { lines } from '../../src/simulator/outputs.js';
import { buildPlant, machinesPipeline, type Plant } from './plant.js';

const START = Date.parse('2026-01-05T00:00:00Z');
const MINUTE = 60_000;
const AGGREGATE: AggregateSettings = {
  every: 5 * MINUTE,
  table: 'machine_5m',
  functions: ['mean', 'min', 'max', 'count'],
};

let plant: Plant;
afterEach(() => plant?.close());

function downsampling(table: string, change: Partial<PipelineSettings> = {}): PipelineSettings {
  const late = { within: 0, action: 'report' } as const;
  return machinesPipeline({ output: null, late, aggregate: { ...AGGREGATE, table }, ...change });
}

async function build(pipelines: Record<string, PipelineSettings>): Promise<Plant> {
  plant = await buildPlant({ temporalAddress: inject('temporalAddress'), pipelines });
  return plant;
}

const FIELDS = 'power_mean, power_min, power_max, power_count, rows';

function points(table: string): Promise<Record<string, unknown>[]> {
  const columns = `time, provider, "machineID", unique_id, ${FIELDS}`;
  return plant.rows(`SELECT ${columns} FROM ${table} ORDER BY "machineID", time`);
}

/** What the database itself makes of the rows before `until`. */
function expected(until: number, table = 'machine_data'): Promise<Record<string, unknown>[]> {
  const bucket = "date_bin(interval '5 minutes', time)";
  const values = 'avg(power) AS mean, min(power) AS min, max(power) AS max, count(power) AS values, count(*) AS rows';
  return plant.rows(
    `SELECT ${bucket} AS time, "machineID", ${values} FROM ${table} ` +
      `WHERE time < '${new Date(until).toISOString()}'::timestamp GROUP BY 1, 2 ORDER BY 2, 1`,
  );
}

function shortened(rows: readonly Record<string, unknown>[]): unknown[] {
  return rows.map((row) => [
    row.time,
    row.machineID,
    expect.closeTo(Number(row.power_mean ?? row.mean), 9),
    row.power_min ?? row.min,
    row.power_max ?? row.max,
    row.power_count ?? row.values,
    row.rows,
  ]);
}

function asNumbers(rows: readonly Record<string, unknown>[]): unknown[] {
  return rows.map((row) => [
    row.time,
    row.machineID,
    Number(row.power_mean),
    row.power_min,
    row.power_max,
    row.power_count,
    row.rows,
  ]);
}

describe('aggregates', () => {
  it('two runs give what one gives, which is what the rows come to', async () => {
    await build({ once: downsampling('once'), twice: downsampling('twice') });
    const end = START + 23 * MINUTE;
    await plant.write(lines(defaultMachines(2, 7), { fromMs: START, toMs: end }));

    const once = await plant.run('once', nanosFromMs(end));
    expect(once).toMatchObject({ aggregatesWritten: 2 * 5, warnings: [] });
    await plant.run('twice', nanosFromMs(START + 12 * MINUTE));
    const second = await plant.run('twice', nanosFromMs(end));
    // The bucket that the first run's end cut is written again.
    expect(second.aggregatesWritten).toBe(2 * 3);

    const written = await points('once');
    expect(asNumbers(written)).toEqual(shortened(await expected(end)));
    expect(written[0]).toMatchObject({ provider: 'Larsen PLC', unique_id: 'larsen-plc-machine1', rows: 300 });
    expect(await points('twice')).toEqual(written);
  });

  it('of a backfill in chunks are those of live runs', async () => {
    const window = { history: 40 * MINUTE, settle: 0, catch_up: 24 * 60 * MINUTE, chunk: 7 * MINUTE };
    await build({ live: downsampling('live'), filled: downsampling('filled', { window }) });
    const end = START + 23 * MINUTE;
    await plant.write(lines(defaultMachines(2, 7), { fromMs: START, toMs: end }));
    await plant.run('live', nanosFromMs(end));
    const range = { from: String(nanosFromMs(START)), to: String(nanosFromMs(end)) };
    const result = await plant.client.workflow.execute('backfillRun', {
      workflowId: backfillWorkflowId('filled', range),
      taskQueue: plant.taskQueue,
      args: [{ pipeline: 'filled', range, alerts: 'off', overwrite: false, again: false }],
    });
    expect(result).toMatchObject({ chunks: 4, rows: 2 * 23 * 60, warnings: [] });
    expect(await points('filled')).toEqual(await points('live'));
  });

  it('writing the same windows again changes nothing', async () => {
    await build({ machines: downsampling('machine_5m') });
    const end = START + 12 * MINUTE;
    await plant.write(lines(defaultMachines(1, 7), { fromMs: START, toMs: end }));
    await plant.run('machines', nanosFromMs(end));
    const before = await points('machine_5m');
    await plant.storage.remove('progress/machines.json');
    await plant.run('machines', nanosFromMs(end));
    expect(await points('machine_5m')).toEqual(before);
  });

  it.each([
    ['in the bucket that is read again anyway', 0, 11],
    ['within late.within', 12 * MINUTE, 1],
  ])('are corrected by rows that come late %s', async (_, within, lateMinute) => {
    await build({ machines: downsampling('machine_5m', { late: { within, action: 'report' } }) });
    const machines = defaultMachines(1, 7);
    await plant.write(lines(machines, { fromMs: START, toMs: START + 12 * MINUTE }));
    await plant.run('machines', nanosFromMs(START + 12 * MINUTE));
    const lateMs = START + lateMinute * MINUTE;
    const [line = ''] = lines(machines, { fromMs: lateMs, toMs: lateMs + 1000 });
    await plant.write([line.replace(/power=[\d.]+/, 'power=999').replace(/\d+$/, (time) => String(BigInt(time) + 1n))]);
    await plant.write(lines(machines, { fromMs: START + 12 * MINUTE, toMs: START + 14 * MINUTE }));
    await plant.run('machines', nanosFromMs(START + 14 * MINUTE));
    const written = await points('machine_5m');
    expect(written.map(({ power_max: max }) => max === 999)).toContain(true);
    expect(asNumbers(written)).toEqual(shortened(await expected(START + 14 * MINUTE)));
  });

  it('counts values that are there, and rows without any', async () => {
    await build({
      machines: downsampling('machine_5m', {
        source: { ...machinesPipeline().source, values: ['power', 'load'] },
        normalise: 'running',
      }),
    });
    const at = (second: number) => nanosFromMs(START + second * 1000);
    await plant.write([
      `machine_data,machineID=m1,provider=p power=1,load=5 ${at(0)}`,
      `machine_data,machineID=m1,provider=p power=3 ${at(1)}`,
      `machine_data,machineID=m1,provider=p vibration=1 ${at(2)}`,
      `machine_data,machineID=m2,provider=p vibration=1 ${at(3)}`,
    ]);
    expect(await plant.run('machines', at(60))).toMatchObject({ aggregatesWritten: 2 });
    const [first, second] = await plant.rows(
      `SELECT ${FIELDS}, load_mean, load_count FROM machine_5m ORDER BY "machineID"`,
    );
    expect(first).toEqual({
      power_mean: 2,
      power_min: 1,
      power_max: 3,
      power_count: 2,
      rows: 3,
      load_mean: 5,
      load_count: 1,
    });
    expect(second).toMatchObject({ power_mean: Number.NaN, power_count: 0, load_count: 0, rows: 1 });
  });

  it('are the same from a query, in order or not, limited to the window or not', async () => {
    const { source } = machinesPipeline();
    const from = (query: string, language: 'sql' | 'influxql' = 'sql') => ({
      source: { ...source, table: null, query, language },
    });
    const where = 'WHERE time >= $from AND time < $to';
    await build({
      table: downsampling('from_table'),
      plain: downsampling(
        'from_plain',
        from(`SELECT provider, machineID, power FROM machine_data ${where}`, 'influxql'),
      ),
      backwards: downsampling('from_backwards', from(`SELECT * FROM machine_data ${where} ORDER BY time DESC`)),
      whole: downsampling('from_whole', from('SELECT * FROM machine_data')),
    });
    const end = START + 23 * MINUTE;
    await plant.write(lines(defaultMachines(2, 7), { fromMs: START, toMs: end }));
    const tables = [];
    for (const pipeline of ['table', 'plain', 'backwards', 'whole']) {
      await plant.run(pipeline, nanosFromMs(end));
      tables.push(asNumbers(await points(`from_${pipeline}`)));
    }
    const right = shortened(await expected(end));
    expect(tables).toEqual([right, right, right, right]);
  });

  it('that cannot be written fail nothing else, are said, and written by the next run', async () => {
    const pipelines = { machines: downsampling('taken', { output: { table: 'scores' } }) };
    await build(pipelines);
    await plant.write([`taken,machineID=x rows="a text" ${nanosFromMs(START)}`]);
    await plant.write(lines(defaultMachines(1, 7), { fromMs: START, toMs: START + 20 * MINUTE }));
    const failed = await plant.run('machines', nanosFromMs(START + 10 * MINUTE));
    expect(failed).toMatchObject({ rows: 600, scoresWritten: 600, aggregatesWritten: 0, failedCount: 0 });
    expect(failed.warnings).toEqual([
      expect.stringMatching(/^aggregates were not written, the next run does it: .*rows/),
    ]);

    pipelines.machines = downsampling('free', { output: { table: 'scores' } });
    const next = await plant.run('machines', nanosFromMs(START + 20 * MINUTE));
    expect(next).toMatchObject({ rows: 600, aggregatesWritten: 4, warnings: [] });
    expect(asNumbers(await points('free'))).toEqual(shortened(await expected(START + 20 * MINUTE)));
  });

  it('of a machine that the table cannot name are left out and said', async () => {
    await build({ machines: downsampling('machine_5m', { source: { ...machinesPipeline().source, id: ['site'] } }) });
    await plant.write([
      `machine_data site="a\nb",power=1 ${nanosFromMs(START)}`,
      `machine_data site="c",power=2 ${nanosFromMs(START) + 1n}`,
    ]);
    const result = await plant.run('machines', nanosFromMs(START + MINUTE));
    expect(result.aggregatesWritten).toBe(1);
    expect(result.warnings).toContainEqual(
      expect.stringMatching(/^machines whose aggregates cannot be written: 1, e\.g\. /),
    );
  });

  it('of machines that runs refuse are not written', async () => {
    const source = { ...machinesPipeline().source, id: ['site', 'machineID'] };
    await build({ machines: downsampling('machine_5m', { source }) });
    const row = (site: string, machine: string, minute: number) =>
      `machine_data,site=${site},machineID=${machine} power=1 ${nanosFromMs(START + minute * MINUTE)}`;
    await plant.write([
      row('Halle\\ 1', '7', 0),
      row('halle-1', '7', 6),
      row('HALLE_1', '7', 12),
      row('---', '7', 1),
      row('Halle\\ 2', '7', 1),
      row('Halle\\ 2', '7', 13),
      row('Halle\\ 1', '8', 2),
      row('halle-2', 'x'.repeat(250), 3),
    ]);
    const result = await plant.run('machines', nanosFromMs(START + 15 * MINUTE));
    // Three under one name, one without, one that is too long.
    expect(result.refusedCount).toBe(3);
    expect(result.warnings).toEqual([]);
    const written = await plant.rows('SELECT site, "machineID", unique_id FROM machine_5m ORDER BY unique_id, time');
    expect(written).toEqual([
      { site: 'Halle 1', machineID: '8', unique_id: 'halle-1-8' },
      { site: 'Halle 2', machineID: '7', unique_id: 'halle-2-7' },
      { site: 'Halle 2', machineID: '7', unique_id: 'halle-2-7' },
    ]);
  });
});
