import { HalfspaceError } from '../contract/failures.js';
import type { MachineInput, ModelGate, SetBack } from '../contract/machine-run.js';
import { nanosFromMs } from '../contract/time.js';
import { formatSnapshotName, lineageOf, type SnapshotName, Snapshots, snapshotNameFrom } from '../store/snapshots.js';
import type { ActivityDeps } from './deps.js';
import type { JsonArtifacts, RunPlanDocument } from './plan-document.js';
import { readIfUsable } from './read-model.js';

export type PassOverInput = MachineInput & { readonly gate: ModelGate };

/**
 * The gate at the newest snapshot that can be used, where the gate's own cannot; at a new model that learns from
 * `window.history` where none is left. When the rows since are not among those that this run has loaded for the machine:
 * from where on the next run must load them. Nothing is moved or written, so a run that dies loses nothing: the next one
 * meets the same snapshot.
 * @throws HalfspaceError `Superseded` when a later run has published since.
 */
export async function passOverModel(
  deps: ActivityDeps,
  documents: JsonArtifacts,
  input: PassOverInput,
): Promise<ModelGate | SetBack> {
  const { plan, machine, gate } = input;
  const document = await documents.get<RunPlanDocument>(plan.document);
  const base = snapshotNameFrom(gate.base ?? '');
  const { names: published, since, token } = await new Snapshots(deps.storage).look(plan.scope, machine.uniqueId);
  if (token > gate.token) {
    throw new HalfspaceError(
      'Superseded',
      `A later run has published ${machine.uniqueId} already; this attempt was late`,
    );
  }

  const unusable: string[] = [];
  let reason = '';
  let found: SnapshotName | null = null;
  for (const name of [base, ...olderThan(base, published)]) {
    const model = await readIfUsable(deps, document, input, name);
    if (typeof model !== 'string') {
      found = name;
      break;
    }
    if (unusable.length === 0) reason = model;
    unusable.push(formatSnapshotName(name));
  }
  // Somebody has put it back.
  if (unusable.length === 0) return gate;

  const { history, catch_up: catchUp } = document.settings.window;
  const to = BigInt(plan.window.to);
  // A backfill has no rows from before its range.
  const beginning = plan.scope === plan.pipeline ? to - nanosFromMs(history) : BigInt(plan.span.from);
  const wanted = found?.watermark ?? (since !== null && since > beginning ? since : beginning);
  const earliest = to - nanosFromMs(catchUp);
  const from = wanted > earliest ? wanted : earliest;
  if (BigInt(machine.from) > from) return { kind: 'set back', reason, from: String(from) };
  const passedOver = { names: unusable, reason };
  if (found === null) {
    const watermark = since === null ? null : String(since);
    return { ...gate, base: null, cached: true, watermark, why: 'no snapshot', passedOver };
  }
  const watermark = String(found.watermark);
  return { ...gate, base: formatSnapshotName(found), cached: true, watermark, why: 'not cached', passedOver };
}

/** What to try in its place, of the same learning settings: its own past first, then pasts that were given up. */
function olderThan(base: SnapshotName, published: readonly SnapshotName[]): SnapshotName[] {
  const older = published.filter(({ token, settingsHash }) => token < base.token && settingsHash === base.settingsHash);
  const [, ...own] = lineageOf([base, ...older], base.token);
  return [...own, ...older.filter((name) => !own.includes(name))];
}
