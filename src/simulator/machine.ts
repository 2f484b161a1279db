import { HalfspaceError } from '../contract/failures.js';
import { nanosFromMs } from '../contract/time.js';
import { distort, type Fault, isActive, type Readings } from './fault.js';
import { randomIntegerAt, streamOf } from './random.js';

/** One row of a machine; null where a sensor reports nothing. */
export interface MachineRow extends Readings {
  /** Nanoseconds since the epoch. */
  readonly time: bigint;
}

export interface MachineOptions {
  readonly machineID: string;
  readonly provider: string;
  /** Integer; the same seed, machine and step give the same rows for ever. */
  readonly seed: number;
  readonly faults?: readonly Fault[];
  /** Time between rows, whole milliseconds. */
  readonly stepMs?: number;
}

/** A simulated machine: a pure function of time, so history and live data continue each other. */
export interface Machine {
  readonly machineID: string;
  readonly provider: string;
  readonly stepMs: number;
  /** The row at `index * stepMs` since the epoch; null where a gap swallows it. */
  rowAt(index: number): MachineRow | null;
  /** The same machine with one fault more. */
  withFault(fault: Fault): Machine;
}

export const DEFAULT_STEP_MS = 1000;

// the walk of the original demo: from 50 to 99 and back in steps of 5, one step every 5 rows
const LOWEST_LOAD = 50;
const LOAD_STEP = 5;
const ROWS_A_STEP = 5;
const STEPS_UP = 9;
const OVERLOAD_STEP = 20; // a faulty load's climb a row …
const OVERLOAD_LIMIT = 200; // … and its end

const CHANNEL = { temperature: 0, power: 1, vibration: 2, phase: 3, offset: 4 } as const;

/** @throws HalfspaceError `BadSettings` when the step is not a whole number of milliseconds, or a fault ends before it begins. */
export function createMachine(options: MachineOptions): Machine {
  const { machineID, provider, seed, faults = [], stepMs = DEFAULT_STEP_MS } = options;
  if (!Number.isInteger(stepMs) || stepMs < 1) {
    throw new HalfspaceError(
      'BadSettings',
      `Expected the time between rows to be whole milliseconds >= 1, got \`${stepMs}\``,
    );
  }
  for (const { kind, fromMs, toMs } of faults) {
    if (fromMs < toMs) continue;
    throw new HalfspaceError(
      'BadSettings',
      `Expected the ${kind} of ${machineID} to last, got ${fromMs} to ${toMs} ms`,
    );
  }
  const stream = streamOf(seed, machineID);
  const overloads = faults.filter((fault) => fault.kind === 'overload');
  const truth = (index: number): Readings => readingsAt(stream, index, loadAt(stream, index, overloads, stepMs));
  const lastBefore = (timeMs: number): Readings => truth(firstIndex(timeMs, stepMs) - 1);

  return {
    machineID,
    provider,
    stepMs,
    rowAt: (index) => {
      const timeMs = index * stepMs;
      const seen = distort(truth(index), timeMs, faults, lastBefore);
      return seen === null ? null : { time: nanosFromMs(timeMs), ...seen };
    },
    withFault: (fault) => createMachine({ ...options, faults: [...faults, fault] }),
  };
}

/** Index of the first row at or after a moment. */
export function firstIndex(timeMs: number, stepMs: number): number {
  return Math.ceil(timeMs / stepMs);
}

function loadAt(stream: number, index: number, overloads: readonly Fault[], stepMs: number): number {
  const timeMs = index * stepMs;
  const active = overloads.filter((fault) => isActive(fault, timeMs)).map((fault) => firstIndex(fault.fromMs, stepMs));
  if (active.length === 0) return walkAt(stream, index, overloads, stepMs);
  const start = Math.min(...active);
  const before = walkAt(stream, start - 1, overloads, stepMs);
  return Math.min(OVERLOAD_LIMIT, before + OVERLOAD_STEP * (index - start + 1));
}

/** The healthy load; after a repair the walk starts again at its foot. */
function walkAt(stream: number, index: number, overloads: readonly Fault[], stepMs: number): number {
  const repairs = overloads.map((fault) => firstIndex(fault.toMs, stepMs)).filter((repair) => repair <= index);
  const foot = LOWEST_LOAD + randomIntegerAt(stream, 0, CHANNEL.offset, 0, LOAD_STEP - 1);
  const cycle = 2 * STEPS_UP * ROWS_A_STEP;
  const rows =
    repairs.length === 0
      ? index + randomIntegerAt(stream, 0, CHANNEL.phase, 0, cycle - 1)
      : index - Math.max(...repairs);
  const step = Math.floor((((rows % cycle) + cycle) % cycle) / ROWS_A_STEP);
  return foot + LOAD_STEP * (step <= STEPS_UP ? step : 2 * STEPS_UP - step);
}

/** Temperature, power and vibration of a load, drawn from the original demo's bands. */
function readingsAt(stream: number, index: number, load: number): Readings {
  const draw = (channel: number, [low, high]: readonly [number, number]): number =>
    randomIntegerAt(stream, index, channel, low, high);
  const band = bandOf(load);
  return {
    temperature: draw(CHANNEL.temperature, band.temperature),
    load,
    power: draw(CHANNEL.power, band.power),
    vibration: draw(CHANNEL.vibration, band.vibration),
  };
}

interface Band {
  readonly temperature: readonly [number, number];
  readonly power: readonly [number, number];
  readonly vibration: readonly [number, number];
}

/** The bands a load gives, both ends included (InfluxCommunity/Mage_Demo, machine simulator). */
export function bandOf(load: number): Band {
  if (load >= 190) return { temperature: [95, 120], power: [400, 500], vibration: [500, 600] };
  if (load > 110) return { temperature: [80, 90], power: [300, 320], vibration: [300, 500] };
  if (load >= 40) return { temperature: [35, 40], power: [200, 220], vibration: [80, 90] };
  if (load > 0) return { temperature: [29, 34], power: [180, 199], vibration: [50, 79] };
  return { temperature: [20, 20], power: [0, 0], vibration: [0, 0] };
}
