import { HalfspaceError } from '../contract/failures.js';
import type { MachineInput, ModelGate } from '../contract/machine-run.js';
import { isoFromNanos } from '../contract/time.js';
import { howToStartOver } from '../store/progress.js';
import { formatSnapshotName, nextToken, type SnapshotName, Snapshots, snapshotNameFrom } from '../store/snapshots.js';
import type { ActivityDeps } from './deps.js';
import type { JsonArtifacts, RunPlanDocument } from './plan-document.js';
import { isAhead } from './window-end.js';

/** What the gate and the use of a model need of the worker. */
export type ModelDeps = Pick<ActivityDeps, 'models' | 'storage'>;

export type GateInput = MachineInput & { readonly startedAtMs: number };

/**
 * The gate before the model: which snapshot is the newest, and does this worker hold it already? Lists names only, reads
 * no snapshot. Also fixes the token that fences this child's writes.
 * @throws HalfspaceError `CorruptStore` for a model that has learned more than there can be.
 */
export async function modelIsCached(deps: ModelDeps, documents: JsonArtifacts, input: GateInput): Promise<ModelGate> {
  const { plan, machine, startedAtMs } = input;
  if (plan.mode === 'replay') return { base: null, cached: true, token: startedAtMs, watermark: null, why: 'replay' };
  const models = await new Snapshots(deps.storage).look(plan.scope, machine.uniqueId);
  const [newest] = models.names;
  const token = nextToken(models.token, startedAtMs);
  const beginning = models.since === null ? null : String(models.since);
  if (newest === undefined) return { base: null, cached: true, token, watermark: beginning, why: 'no snapshot' };

  checkWatermark(deps, input, newest);
  const { settings, settingsHash, isContinued = false } = await documents.get<RunPlanDocument>(plan.document);
  const base = isContinued ? models.names.find((name) => name.settingsHash === settingsHash) : newest;
  if (base?.settingsHash !== settingsHash) {
    // What the old model has learned the new one has not: it learns all that this run brings, or only what is new to both.
    const since = settings.on_settings_change === 'relearn' ? beginning : String(newest.watermark);
    return { base: null, cached: true, token, watermark: since, why: 'settings changed' };
  }
  const cached = deps.models.has(plan.scope, machine.uniqueId, base);
  const watermark = String(base.watermark);
  return { base: formatSnapshotName(base), cached, token, watermark, why: cached ? 'cached' : 'not cached' };
}

/** Rows before a watermark are left out: one that lies ahead would silently leave out all there are. */
function checkWatermark({ storage }: ModelDeps, { plan, machine, startedAtMs }: GateInput, name: SnapshotName): void {
  if (!isAhead(name.watermark, startedAtMs)) return;
  throw new HalfspaceError(
    'CorruptStore',
    `The model of ${machine.uniqueId} has learned up to ${isoFromNanos(name.watermark)}, after now: set the clock right, or ${howToStartOver(storage, plan.scope)}`,
  );
}

/** Reads the base snapshot into this worker's memory; nothing else happens to it. */
export async function loadModel(deps: ModelDeps, input: MachineInput & { gate: ModelGate }): Promise<void> {
  if (input.gate.base !== null) await snapshotBytes(deps, input, input.gate.base);
}

/** The snapshot's bytes from memory, else from the store: what the gate saw may have been evicted since. */
export async function snapshotBytes(deps: ModelDeps, input: MachineInput, base: string): Promise<Uint8Array> {
  const { scope } = input.plan;
  const { uniqueId } = input.machine;
  const name = snapshotNameFrom(base);
  const held = deps.models.get(scope, uniqueId, name);
  if (held !== null) return held;
  const bytes = await new Snapshots(deps.storage).read(scope, uniqueId, name);
  deps.models.set(scope, uniqueId, name, bytes);
  return bytes;
}
