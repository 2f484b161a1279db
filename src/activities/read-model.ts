import { HalfspaceError } from '../contract/failures.js';
import type { MachineInput } from '../contract/machine-run.js';
import type { Model } from '../model/model.js';
import { decodeSnapshot } from '../model/snapshot.js';
import { formatSnapshotName, type SnapshotName } from '../store/snapshots.js';
import { type ModelDeps, snapshotBytes } from './gate.js';
import type { RunPlanDocument } from './plan-document.js';

/** A model of its own, decoded. @throws HalfspaceError as `decodeSnapshot` does. */
export async function readModel(
  deps: ModelDeps,
  { settings, settingsHash }: RunPlanDocument,
  input: MachineInput,
  name: SnapshotName,
): Promise<Model> {
  const text = formatSnapshotName(name);
  const bytes = await snapshotBytes(deps, input, text);
  try {
    return decodeSnapshot(bytes, settings, { ...input.machine, settingsHash });
  } catch (error) {
    if (!(error instanceof HalfspaceError)) throw error;
    throw new HalfspaceError(error.kind, `${error.message} (${text})`, { cause: error });
  }
}

/** The model, or in words why the snapshot cannot be used. */
export async function readIfUsable(...args: Parameters<typeof readModel>): Promise<Model | string> {
  try {
    return await readModel(...args);
  } catch (error) {
    if (error instanceof HalfspaceError && error.kind === 'CorruptSnapshot') return error.message;
    throw error;
  }
}
