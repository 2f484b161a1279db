import { LONGEST_UNIQUE_ID } from '../contract/names.js';
import type { SourceSettings } from '../contract/pipeline.js';
import type { LoadedData, MachineEntry, MachineProblem, RunPlan, ShapedData } from '../contract/run-plan.js';
import { factsOfSlices } from '../shape/expectation-facts.js';
import { createShaper, type Shaped } from '../shape/group.js';
import { encodeSlice } from '../shape/slice-codec.js';
import { putArtifact } from '../store/artifacts.js';
import type { Attempt } from './attempt.js';
import { type ChosenMachine, chooseMachines } from './choose-machines.js';
import type { ActivityDeps } from './deps.js';
import { expectationWarnings } from './expectation-report.js';
import { missingWarnings } from './missing-values.js';
import { lookForOwed } from './owed-look.js';
import { type LoadedParts, readParts } from './parts.js';
import type { JsonArtifacts, RunPlanDocument } from './plan-document.js';
import { findSilentMachines } from './silent-machines.js';

/** Slices are packed up to this size, so that a fleet of small machines is few objects. */
const PACK_BYTES = 4 * 1024 * 1024;

/** The run's answer lists this many machines that were refused. */
const LISTED_PROBLEMS = 20;

/** Columns artifact → one slice a machine: unique_id, time order, duplicates, expectations. */
export async function transformData(
  deps: ActivityDeps,
  documents: JsonArtifacts,
  input: { readonly plan: RunPlan; readonly loaded: LoadedData },
  attempt: Attempt,
): Promise<ShapedData> {
  const { plan, loaded } = input;
  const document = await documents.get<RunPlanDocument>(plan.document);
  const { settings } = document;
  const shaper = createShaper(settings.source, settings.mode);
  const parts = await documents.get<LoadedParts>(loaded.manifest);
  for await (const table of readParts(deps.storage, parts.own, attempt)) shaper.add(table);
  for await (const table of readParts(deps.storage, parts.earlier, attempt)) shaper.add(table, true);
  const shaped = shaper.finish();
  const facts = factsOfSlices(shaped.slices, settings.source);
  const { after_transform: expected } = settings.expectations;
  const warnings = [
    ...countWarnings(shaped, settings.source),
    ...expectationWarnings('after_transform', expected, facts, plan),
  ];

  const tooLong = shaped.slices.filter((slice) => slice.uniqueId.length > LONGEST_UNIQUE_ID);
  const refused: MachineProblem[] = [
    ...shaped.refused,
    ...tooLong.map(({ uniqueId }) => ({
      uniqueId: `${uniqueId.slice(0, 80)}…`,
      reason: `Expected a unique_id of at most ${LONGEST_UNIQUE_ID} characters, got ${uniqueId.length}`,
    })),
  ];
  const silences = await findSilentMachines(deps.storage, document, plan, shaped);
  const owed = await lookForOwed(deps.storage, settings, plan);
  const { chosen, seen } = await chooseMachines(
    deps,
    document,
    plan,
    shaped,
    silences?.silent ?? new Map(),
    owed.machines,
  );
  const machines = await packSlices(deps, plan, chosen, attempt);
  const manifest = new TextEncoder().encode(JSON.stringify(machines));
  return {
    manifest: await putArtifact(deps.storage, plan.folder, 'machines', manifest, '.json'),
    machines: machines.length,
    rows: shaped.counts.rows,
    refused: refused.slice(0, LISTED_PROBLEMS),
    refusedCount: refused.length,
    seen,
    ...(silences === null ? {} : { heard: silences.heard }),
    warnings: [...warnings, ...(silences?.warnings ?? []), ...owed.warnings],
  };
}

/** What shaping had to set aside: said, so that nobody wonders where rows went. */
function countWarnings({ slices, texts, counts }: Shaped, { values }: SourceSettings): string[] {
  const { duplicates, missing, unidentified } = counts;
  const warnings: string[] = [];
  if (duplicates > 0) warnings.push(`rows replaced by a later one of the same machine and time: ${duplicates}`);
  if (missing > 0) warnings.push(...missingWarnings(slices, values, texts));
  if (unidentified > 0) warnings.push(`rows left out because an id or the time is missing: ${unidentified}`);
  return warnings;
}

async function packSlices(
  deps: ActivityDeps,
  plan: RunPlan,
  chosen: readonly ChosenMachine[],
  attempt: Attempt,
): Promise<MachineEntry[]> {
  const machines: MachineEntry[] = [];
  let pending: { machine: ChosenMachine; bytes: Uint8Array; offset: number }[] = [];
  let size = 0;

  async function flush(): Promise<void> {
    if (pending.length === 0) return;
    const pack = new Uint8Array(size);
    for (const { bytes, offset } of pending) pack.set(bytes, offset);
    const ref = await putArtifact(deps.storage, plan.folder, 'slices', pack);
    for (const { machine, bytes, offset } of pending) {
      const { slice, ...entry } = machine;
      const { uniqueId, ids } = slice;
      machines.push({ uniqueId, ids, ...entry, pack: ref, offset, bytes: bytes.length });
    }
    pending = [];
    size = 0;
    await attempt.breathe();
  }

  for (const machine of chosen) {
    const bytes = encodeSlice(machine.slice);
    if (size > 0 && size + bytes.length > PACK_BYTES) await flush();
    pending.push({ machine, bytes, offset: size });
    size += Math.ceil(bytes.length / 8) * 8;
  }
  await flush();
  return machines;
}
