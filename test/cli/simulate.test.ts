import { createServer } from 'node:http';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import type { CliIo } from '../../src/cli/io.js';
import { type SimulateOptions, simulate } from '../../src/cli/simulate.js';
import { UsageError } from '../../src/cli/usage-error.js';
import { createInflux } from '../../src/influx/connect.js';
import { startStandIn } from '../../src/local/standin/server.js';
import { findFreePort } from '../../src/local/temporal/free-port.js';

const NOW_MS = Date.UTC(2026, 0, 5, 12);
const HISTORY_MS = 600_000;

interface Recorder extends CliIo {
  readonly out: string[];
  readonly err: string[];
}

function recorder(flags: { readonly json?: boolean; readonly isTty?: boolean } = {}): Recorder {
  const out: string[] = [];
  const err: string[] = [];
  const { json = false, isTty = false } = flags;
  return { out, err, json, isTty, stdout: (text) => void out.push(text), stderr: (text) => void err.push(text) };
}

let options: SimulateOptions;

beforeEach(async () => {
  const standIn = await startStandIn({ port: 0, dataDir: null, token: 'secret' });
  onTestFinished(() => standIn.close());
  const influx = { host: standIn.url, token: 'secret', database: 'demo' };
  options = { influx, historyMs: HISTORY_MS, now: () => NOW_MS };
});

/** The rows of a query, as objects. */
async function read(sql: string): Promise<Record<string, unknown>[]> {
  const influx = createInflux(options.influx);
  onTestFinished(() => influx.close());
  const rows: Record<string, unknown>[] = [];
  for await (const table of influx.query(sql)) {
    for (let row = 0; row < table.rows; row++) {
      const cell = (name: string) => {
        const column = table.columns.get(name);
        if (column?.kind === 'string') return column.dictionary[column.codes[row] ?? -1];
        return column?.values[row];
      };
      rows.push(Object.fromEntries([...table.columns.keys()].map((name) => [name, cell(name)])));
    }
  }
  return rows;
}

const COUNT =
  'SELECT "machineID", count(*) AS n, min(power) AS low, max(power) AS high FROM machine_data GROUP BY "machineID" ORDER BY "machineID"';

describe('simulate', () => {
  it('writes history up to now, the same again when it is asked again', async () => {
    const io = recorder();
    expect(await simulate(options, io)).toEqual({ rows: 1800, machines: 3, table: 'machine_data' });
    await simulate(options, recorder());
    const rows = await read(COUNT);
    expect(rows.map((row) => [row.machineID, row.n])).toEqual([
      ['machine1', 600],
      ['machine2', 600],
      ['machine3', 600],
    ]);
    expect(rows.every((row) => Number(row.low) >= 200 && Number(row.high) <= 220)).toBe(true);
    expect(io.out.join('')).toBe('wrote 1800 rows of 3 machines to machine_data\n');
  });

  it('breaks the machine it is told to, and only that one', async () => {
    await simulate({ ...options, faults: ['machine2:overload@9m+1m'] }, recorder());
    const high = (await read(COUNT)).map((row) => Number(row.high));
    expect(high[0]).toBeLessThanOrEqual(220);
    expect(high[1]).toBeGreaterThanOrEqual(400);
    expect(high[2]).toBeLessThanOrEqual(220);
  });

  it('prints one document with --json', async () => {
    const io = recorder({ json: true });
    await simulate({ ...options, machines: 20, table: 'other' }, io);
    expect(JSON.parse(io.out.join(''))).toEqual({ rows: 12_000, machines: 20, table: 'other' });
    expect(await read('SELECT count(*) AS n FROM other')).toEqual([{ n: 12_000 }]);
  });

  it('goes on live without a gap after the history, until it is told to stop', async () => {
    const stop = new AbortController();
    const io = recorder();
    const seen: number[] = [];
    const now = () => {
      const at = Date.now();
      seen.push(at);
      if (at - (seen[0] ?? at) > 400) stop.abort();
      return at;
    };
    const live = { ...options, machines: 1, live: true, historyMs: 1000, intervalMs: 20, now, signal: stop.signal };
    const { rows } = await simulate(live, io);
    expect(rows).toBeGreaterThan(60);
    const times = (await read('SELECT time FROM machine_data ORDER BY time')).map((row) => BigInt(String(row.time)));
    expect(times.length).toBeGreaterThanOrEqual(rows);
    const gaps = new Set(times.slice(1).map((time, i) => time - (times[i] ?? 0n)));
    expect(gaps).toEqual(new Set([20_000_000n]));
  });

  it('loses no live row while InfluxDB is away', async () => {
    const port = await findFreePort('127.0.0.1');
    const stop = new AbortController();
    const bodies: string[] = [];
    const server = createServer((request, response) => {
      const pieces: Buffer[] = [];
      request.on('data', (piece: Buffer) => pieces.push(piece));
      request.on('end', () => {
        bodies.push(Buffer.concat(pieces).toString());
        response.writeHead(204).end();
        if (bodies.length === 2) stop.abort();
      });
    });
    onTestFinished(() => {
      server.closeAllConnections();
      server.close();
    });
    const io: Recorder = {
      ...recorder(),
      stderr: (text) => {
        if (text.includes('Trying again')) server.listen(port, '127.0.0.1');
      },
    };
    const influx = { ...options.influx, host: `http://127.0.0.1:${port}` };
    const asked: number[] = [];
    const now = () => {
      asked.push(Date.now());
      return asked.at(-1) ?? 0;
    };
    const signal = stop.signal;
    await simulate({ influx, machines: 1, live: true, historyMs: null, intervalMs: 20, signal, now }, io);
    const times = bodies
      .join('\n')
      .split('\n')
      .map((line) => BigInt(line.slice(line.lastIndexOf(' ') + 1)));
    expect(times[0]).toBe(BigInt(Math.ceil((asked[0] ?? 0) / 20) * 20) * 1_000_000n);
    const gaps = new Set(times.slice(1).map((time, i) => time - (times[i] ?? 0n)));
    expect(gaps).toEqual(new Set([20_000_000n]));
  });

  it.each<[string, Partial<SimulateOptions>, string]>([
    ['nothing to write', { historyMs: null }, '--history 2h'],
    ['no machine', { machines: 0 }, 'number of machines'],
    ['more machines than memory holds', { machines: 99_999_999_999 }, 'integer from 1 to 100000'],
    ['history before there were times', { historyMs: 1e14 }, 'before 1970'],
    ['an interval longer than a timer', { intervalMs: 30 * 86_400_000 }, 'at most 24h'],
    ['a table without a name', { table: '' }, 'table name "" is empty'],
    ['a fault of an unknown machine', { faults: ['machine9:gap@1s'] }, 'machine1 to machine3'],
    ['a fault that cannot be read', { faults: ['machine1:melt@1s'] }, 'overload, spike'],
    ['half a millisecond', { intervalMs: 0.5 }, 'whole milliseconds'],
  ])('refuses %s as wrong use, before anything is written', async (_, wrong, hint) => {
    const attempt = simulate({ ...options, ...wrong }, recorder());
    await expect(attempt).rejects.toBeInstanceOf(UsageError);
    await expect(attempt).rejects.toThrow(hint);
  });

  it('says what is wrong with the database, never the token', async () => {
    const influx = { ...options.influx, token: 'wrong-token-1' };
    const message = await simulate({ ...options, influx }, recorder()).then(String, (error) => String(error.message));
    expect(message).toMatch(/token/i);
    expect(message).not.toContain('wrong-token-1');
    const nowhere = { ...options.influx, host: `http://127.0.0.1:${await findFreePort('127.0.0.1')}` };
    await expect(simulate({ ...options, influx: nowhere }, recorder())).rejects.toMatchObject({ kind: 'Unreachable' });
  });
});
