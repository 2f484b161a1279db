import { createHash } from 'node:crypto';
import { laterOf, type Nanos } from '../../contract/time.js';
import { decodeSnapshot, encodeSnapshot, readSnapshotHeader } from '../../model/snapshot.js';
import { lateClockOf } from '../../shape/late-zone.js';
import { type Laggard, type Progress, readProgress, writeProgress } from '../../store/progress.js';
import { nextToken, type SnapshotName } from '../../store/snapshots.js';
import { UsageError } from '../usage-error.js';
import { visible } from '../visible.js';
import type { OpenMachine } from './open.js';

export interface RollBackRequest {
  readonly target: SnapshotName;
  /** `relearn`: rows since the target's watermark are learned once more; `skip`: they are left out. */
  readonly how: 'relearn' | 'skip';
  readonly nowMs: number;
}

export interface RolledBack {
  /** The copy, now the newest. */
  readonly name: SnapshotName;
  /** Rows from here on are learned by the next run, nanoseconds. */
  readonly from: Nanos;
}

/**
 * Makes an older model the newest: a copy of it under a new token. The progress that takes the machine back to its watermark
 * is written first; whoever dies in between leaves a machine that reads some rows once more and learns none of them.
 * @throws UsageError when the next run would not go on from it; HalfspaceError `CorruptSnapshot` when it is damaged.
 */
export async function rollBackByHand(
  machine: OpenMachine,
  { target, how, nowMs }: RollBackRequest,
): Promise<RolledBack> {
  const { storage, snapshots, pipeline, uniqueId, settingsHash, names } = machine;
  if (target.settingsHash !== settingsHash) {
    throw new UsageError(
      `The snapshot was learned with other settings (${target.settingsHash}; halfspace.yaml has ${settingsHash}), so no run would use it; put them back first`,
    );
  }
  const progress = await readProgress(storage, pipeline);
  if (progress === null) {
    throw new UsageError(
      `${pipeline} has no progress in the store to take \`${visible(uniqueId)}\` back in; let a run end first`,
    );
  }
  const bytes = await snapshots.read(pipeline, uniqueId, target);
  const { ids } = readSnapshotHeader(bytes);
  const model = decodeSnapshot(bytes, machine.settings, { uniqueId, ids, settingsHash });
  const token = nextToken(names[0].token, nowMs);
  if (how === 'relearn') {
    const from = String(target.watermark);
    await writeProgress(storage, pipeline, setBack(progress, { uniqueId, ids, from, why: 'set back' }));
    const name = { ...target, token, base: target.token };
    await snapshots.add(pipeline, uniqueId, name, bytes);
    return { name, from };
  }
  const watermark = laterOf(BigInt(progress.to), target.watermark);
  // It is the beginning of a past of its own: the rows it leaves out are not late, and nothing before it can be gone back to.
  const clock = lateClockOf(machine.settings.late);
  const recent = clock === null ? null : { width: clock.width, since: watermark, buckets: [] };
  const skipped = encodeSnapshot({ ...model, watermark, recent }, { uniqueId, ids, settingsHash });
  const sha256 = createHash('sha256').update(skipped).digest('hex');
  const name = { token, base: 0, watermark, settingsHash, sha256 };
  await snapshots.add(pipeline, uniqueId, name, skipped);
  return { name, from: String(watermark) };
}

function setBack(progress: Progress, laggard: Laggard): Progress {
  const others = progress.lagging.filter(({ uniqueId }) => uniqueId !== laggard.uniqueId);
  return { ...progress, lagging: [...others, laggard] };
}
