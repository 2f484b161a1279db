import type { LateRows, MachineInput, ModelGate, RollBack } from '../contract/machine-run.js';
import { isoFromNanos } from '../contract/time.js';
import { type CoveredSlice, knowsAll, reachesBack } from '../model/recent.js';
import { formatSnapshotName, lineageOf, parseSnapshotName, Snapshots } from '../store/snapshots.js';
import type { ActivityDeps } from './deps.js';
import { lateClock } from './late-search.js';
import type { JsonArtifacts, RunPlanDocument } from './plan-document.js';
import { readIfUsable, readModel } from './read-model.js';
import type { SlicePacks } from './slices.js';

export type RollBackInput = MachineInput & { readonly gate: ModelGate; readonly wish: RollBack };

/**
 * Why late rows before `from` are only counted, and from where on they are not.
 * @param from watermark of the oldest model that can be gone back to, nanoseconds.
 */
function outOfReach(from: bigint): string {
  return `no model from before them can be gone back to, as those before \`late\` was set, or no longer kept, cannot; late rows from ${isoFromNanos(from)} on can be scored again`;
}

/**
 * The gate at the newest model of the base's own past that has learned no row after a late one; a new model where the
 * machine's rows at hand are all it ever learned. Learning forward from there is exact or does not happen: where rows are
 * missing in between the gate stays where it was and says why. The token stays the same.
 */
export async function rollBackModel(
  deps: ActivityDeps,
  documents: JsonArtifacts,
  packs: SlicePacks,
  input: RollBackInput,
): Promise<ModelGate> {
  const { plan, machine, gate, wish } = input;
  const document = await documents.get<RunPlanDocument>(plan.document);
  const clock = lateClock(document);
  const base = gate.base === null ? null : parseSnapshotName(gate.base);
  if (base === null || clock === null) throw new Error(`Expected a snapshot to go back from, got ${gate.base}`);
  const whole: CoveredSlice = { slice: await packs.read(machine), covered: BigInt(machine.covered) };
  const { covered } = whole;
  const before = BigInt(wish.before);
  const newest = await readModel(deps, document, input, base);
  const names = await new Snapshots(deps.storage).list(plan.scope, machine.uniqueId);

  const past = lineageOf(names, base.token).slice(1);
  for (const name of past) {
    // The first stretch that changed may have done so after this model's last row, and the rows at hand may begin with it.
    const isInside = name.watermark > before;
    if (name.watermark >= before + clock.width || name.settingsHash !== document.settingsHash) continue;
    const older = await readIfUsable(deps, document, input, name);
    if (typeof older === 'string') {
      deps.log('warn', 'A snapshot to go back to cannot be used', { uniqueId: machine.uniqueId, reason: older });
      continue;
    }
    if (isInside && !knowsAll(older, whole, clock, before)) continue;
    if (!reachesBack(newest, older, covered, clock)) continue;
    const watermark = String(name.watermark);
    return {
      ...gate,
      base: formatSnapshotName(name),
      watermark,
      late: answer(isInside ? { ...wish, first: watermark } : wish, watermark),
    };
  }
  if (reachesBack(newest, null, covered, clock)) {
    const since = newest.recent?.since ?? null;
    const from = since !== null && since > covered ? since : covered;
    return {
      ...gate,
      base: null,
      watermark: since === null ? null : String(since),
      late: answer(wish, String(from)),
    };
  }
  // Nothing older served: what is left to say is from where on late rows will be learned again.
  let reach = base.watermark;
  for (const name of past) {
    if (name.watermark < before + clock.width || name.settingsHash !== document.settingsHash) continue;
    const older = await readIfUsable(deps, document, input, name);
    if (typeof older !== 'string' && reachesBack(newest, older, covered, clock)) reach = name.watermark;
  }
  return { ...gate, late: { rows: wish.rows, first: wish.first, rescoredFrom: null, problem: outOfReach(reach) } };
}

function answer({ rows, first }: RollBack, rescoredFrom: string): LateRows {
  return { rows, first, rescoredFrom, problem: null };
}
