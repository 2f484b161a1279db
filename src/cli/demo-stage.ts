import type { TemporalClient } from '../client.js';
import type { Settings } from '../config/load.js';
import type { Influx } from '../influx/connect.js';
import type { Stack } from '../local/stack.js';
import { defaultMachines } from '../simulator/fleet.js';
import type { Machine } from '../simulator/machine.js';
import type { Range } from '../simulator/rows.js';
import type { HalfspaceWorker } from '../worker.js';

/** Everything a demo runs on, up and working. */
export interface DemoStage {
  readonly stack: Stack;
  readonly settings: Settings;
  readonly influx: Influx;
  readonly temporal: TemporalClient;
  readonly worker: HalfspaceWorker;
  /** What to type before a command of this program. */
  readonly program: string;
  /** False when other commands must be told where this demo's servers are. */
  readonly hasStandardPorts: boolean;
  /** Aborted when the demo is to end. */
  readonly signal: AbortSignal;
}

export const DEMO_PIPELINE = 'machines';

/** Database of the demo's rows. */
export const DEMO_DATABASE = 'factory';

/** The machine that breaks. */
export const BROKEN_MACHINE = 'machine2';

/** How far back a demo's data begins. */
export const HISTORY_MS = 2 * 3_600_000;

const DEMO_MACHINES = 3;
const DEMO_SEED = 1;

/** The original demo's three machines, one of which is overloaded for a while. */
export function demoMachines(fault: Range): Machine[] {
  return defaultMachines(DEMO_MACHINES, DEMO_SEED).map((machine) =>
    machine.machineID === BROKEN_MACHINE ? machine.withFault({ kind: 'overload', ...fault }) : machine,
  );
}
