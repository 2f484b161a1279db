import { HalfspaceError } from '../contract/failures.js';
import { createInflux, type Influx, type InfluxOptions } from '../influx/connect.js';
import { lineFormatter } from '../influx/line-protocol.js';
import { writeAll } from '../influx/write-all.js';
import { parseFault } from '../simulator/fault-text.js';
import { defaultMachines } from '../simulator/fleet.js';
import { DEFAULT_STEP_MS, firstIndex, type Machine } from '../simulator/machine.js';
import { DEFAULT_TABLE, lines } from '../simulator/outputs.js';
import { liveRanges, type Range } from '../simulator/rows.js';
import type { CliIo } from './io.js';
import { createProgress } from './progress.js';
import { listenForStop } from './stop-signal.js';
import { UsageError } from './usage-error.js';

export interface SimulateOptions {
  readonly influx: InfluxOptions;
  readonly machines?: number;
  readonly seed?: number;
  /** Writes this many milliseconds up to now; null writes no history. */
  readonly historyMs?: number | null;
  /** Goes on writing as time passes, until it is told to stop. */
  readonly live?: boolean;
  /** Time between rows, milliseconds. */
  readonly intervalMs?: number;
  /** `machineID:kind[/field]@offset[+duration]`; the offset counts from the first row written. */
  readonly faults?: readonly string[];
  readonly table?: string;
  /** Ends it, besides SIGINT, SIGTERM and SIGHUP. */
  readonly signal?: AbortSignal;
  /** Milliseconds since the epoch. */
  readonly now?: () => number;
}

export interface SimulateResult {
  readonly rows: number;
  readonly machines: number;
  readonly table: string;
}

const LONGEST_INTERVAL_MS = 24 * 3_600_000; // Node's timers hold 24 days; a machine that reports more seldom is none

const LIVE_REMARK_MS = 60_000; // a sign of life where nobody watches a bar

/**
 * Writes simulated rows to InfluxDB and returns how many; writing the same range again changes nothing. An aborted run stops at the next
 * batch and returns what it wrote.
 * @throws UsageError for options that cannot work; HalfspaceError from InfluxDB.
 */
export async function simulate(options: SimulateOptions, io: CliIo): Promise<SimulateResult> {
  const {
    historyMs = null,
    live = false,
    intervalMs = DEFAULT_STEP_MS,
    table = DEFAULT_TABLE,
    now = Date.now,
  } = options;
  if (historyMs === null && !live) throw new UsageError('Nothing to write: give --history 2h, --live, or both.');
  const nowMs = now();
  const startMs = nowMs - (historyMs ?? 0);
  if (startMs < 0) throw new UsageError('--history goes back before 1970; give less.');
  if (intervalMs > LONGEST_INTERVAL_MS) throw new UsageError('--interval is at most 24h.');
  checkTable(table);
  const machines = fleetWithFaults(options, intervalMs, startMs);
  const stop = listenForStop();
  const signal = options.signal === undefined ? stop.signal : AbortSignal.any([options.signal, stop.signal]);
  const influx = createInflux({ ...options.influx, warn: (message) => io.stderr(`${message}\n`) });
  let rows = 0;
  try {
    const range = { fromMs: startMs, toMs: nowMs };
    if (historyMs !== null) rows += await writeHistory(influx, machines, range, table, signal, io);
    if (live) {
      io.stderr(`writing ${machines.length} machines to ${table} every ${intervalMs} ms; Ctrl-C ends it\n`);
      rows += await writeLive(influx, machines, nowMs, table, signal, now, io);
    }
  } finally {
    stop.release();
    await influx.close();
  }
  const result = { rows, machines: machines.length, table };
  io.stdout(
    io.json ? `${JSON.stringify(result)}\n` : `wrote ${rows} rows of ${machines.length} machines to ${table}\n`,
  );
  return result;
}

/** @throws UsageError for a name that line protocol cannot hold. */
function checkTable(table: string): void {
  try {
    lineFormatter(table, {});
  } catch (error) {
    throw error instanceof HalfspaceError ? new UsageError(`--table: ${error.message}`, { cause: error }) : error;
  }
}

function fleetWithFaults(options: SimulateOptions, intervalMs: number, startMs: number): readonly Machine[] {
  try {
    const machines = new Map(
      defaultMachines(options.machines ?? 3, options.seed ?? 1, intervalMs).map((machine) => [
        machine.machineID,
        machine,
      ]),
    );
    for (const text of options.faults ?? []) {
      const { machineID, fault } = parseFault(text, startMs);
      const machine = machines.get(machineID);
      if (machine === undefined) {
        throw new UsageError(`The fault \`${text}\` names no machine of machine1 to machine${machines.size}.`);
      }
      machines.set(machineID, machine.withFault(fault));
    }
    return [...machines.values()];
  } catch (error) {
    if (error instanceof HalfspaceError) throw new UsageError(error.message, { cause: error });
    throw error;
  }
}

async function writeHistory(
  influx: Influx,
  machines: readonly Machine[],
  range: Range,
  table: string,
  signal: AbortSignal,
  io: CliIo,
): Promise<number> {
  const stepMs = machines[0]?.stepMs ?? DEFAULT_STEP_MS;
  const total = machines.length * (firstIndex(range.toMs, stepMs) - firstIndex(range.fromMs, stepMs));
  const progress = createProgress(io, `writing ${total} rows`, total);
  let written = 0;
  const onRows = (rows: number): void => {
    written = rows;
    progress.update(rows);
  };
  try {
    await writeAll(influx, lines(machines, range, table), { signal, onRows });
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    progress.stop();
  }
  return written;
}

async function writeLive(
  influx: Influx,
  machines: readonly Machine[],
  fromMs: number,
  table: string,
  signal: AbortSignal,
  now: () => number,
  io: CliIo,
): Promise<number> {
  const stepMs = machines[0]?.stepMs ?? DEFAULT_STEP_MS;
  let rows = 0;
  let remarkMs = now() + LIVE_REMARK_MS;
  let arrivedMs = fromMs;
  let isAway = false;
  for await (const { toMs } of liveRanges(stepMs, { fromMs, signal, now })) {
    try {
      rows += await writeAll(influx, lines(machines, { fromMs: arrivedMs, toMs }, table), { signal });
      arrivedMs = toMs;
      if (isAway) io.stderr('live: InfluxDB is back, nothing was lost\n');
      isAway = false;
    } catch (error) {
      if (signal.aborted) break;
      if (!(error instanceof HalfspaceError && error.retry)) throw error;
      // the next range begins where the last one that arrived ended; rows that did arrive are replaced by themselves
      if (!isAway) io.stderr(`live: ${error.message} Trying again.\n`);
      isAway = true;
    }
    if (now() < remarkMs) continue;
    io.stderr(`live: ${rows} rows so far\n`);
    remarkMs = now() + LIVE_REMARK_MS;
  }
  return rows;
}
