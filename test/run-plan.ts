import type { ArtifactRef } from '../src/contract/artifact.js';
import type { MachineEntry, RunPlan } from '../src/contract/run-plan.js';

/** Where something is that no step of the test reads. */
export const REF: ArtifactRef = { key: 'k', sha256: 's', bytes: 1 };

/** The plan of a run of one chunk, of a pipeline called `p`, with one worker. */
export function planOf(change: Partial<RunPlan> = {}): RunPlan {
  const { pipeline = 'p', window = { from: '0', to: '10' } } = change;
  return {
    pipeline,
    scope: pipeline,
    mode: 'incremental',
    span: window,
    window,
    chunk: { index: 1, count: 1 },
    events: 'told',
    document: REF,
    folder: 'f',
    channels: [],
    laggards: 0,
    homes: [],
    machinesAtOnce: 10,
    machinesPerExecution: 500,
    warnings: [],
    ...change,
  };
}

/** A machine with one row, which is in `REF`. */
export function machineEntry(uniqueId: string): MachineEntry {
  return {
    uniqueId,
    ids: [uniqueId],
    from: '0',
    covered: '0',
    rows: 1,
    owesAlert: false,
    pack: REF,
    offset: 0,
    bytes: 1,
  };
}
