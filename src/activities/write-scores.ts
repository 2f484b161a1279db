import { HalfspaceError } from '../contract/failures.js';
import type { Detection, MachineInput, ModelGate, StagedSnapshot, WriteResult } from '../contract/machine-run.js';
import type { PipelineSettings } from '../contract/pipeline.js';
import { formatLine } from '../influx/line-protocol.js';
import { writeAll } from '../influx/write-all.js';
import { recentStart } from '../shape/late-zone.js';
import { decodeTable } from '../shape/slice-codec.js';
import { getArtifact } from '../store/artifacts.js';
import { Snapshots, snapshotNameFrom } from '../store/snapshots.js';
import { rulesOf } from '../verdict/machine-rules.js';
import type { Attempt } from './attempt.js';
import type { ActivityDeps } from './deps.js';
import { lateClock } from './late-search.js';
import type { JsonArtifacts, RunPlanDocument } from './plan-document.js';
import { reasonAt, scoredRows } from './scored-rows.js';

export type WriteScoresInput = MachineInput & { readonly gate: ModelGate; readonly detection: Detection };

/** Scores → InfluxDB, then the snapshot is published: the machine's last step, after which its watermark has moved. */
export async function writeScores(
  deps: ActivityDeps,
  documents: JsonArtifacts,
  input: WriteScoresInput,
  attempt: Attempt,
): Promise<WriteResult> {
  const { plan, machine, gate, detection } = input;
  const document = await documents.get<RunPlanDocument>(plan.document);
  const { settings } = document;
  const snapshots = new Snapshots(deps.storage);
  let scoresWritten = 0;
  if (settings.output !== null && detection.rows > 0) {
    const table = decodeTable(await getArtifact(deps.storage, detection.scores));
    scoresWritten = await writeAll(deps.influx, scoreLines(table, input, settings, settings.output.table), {
      signal: attempt.signal,
      onRows: (rows) => attempt.report(rows),
      beforeBatch: async () => {
        if (plan.mode === 'replay') return;
        const { token } = await snapshots.look(plan.scope, machine.uniqueId);
        if (token > gate.token) throw outrun(machine.uniqueId);
      },
    });
  }
  if (detection.snapshot === null) return { scoresWritten, published: false };
  for (const staged of [detection.checkpoint, detection.snapshot]) {
    if (staged !== null) await publish(deps, snapshots, document, input, staged);
  }
  for (const unusable of gate.passedOver?.names ?? []) {
    await snapshots.setAside(plan.scope, machine.uniqueId, snapshotNameFrom(unusable));
  }
  return { scoresWritten, published: true };
}

async function publish(
  deps: ActivityDeps,
  snapshots: Snapshots,
  document: RunPlanDocument,
  { plan, machine }: WriteScoresInput,
  staged: StagedSnapshot,
): Promise<void> {
  const { uniqueId } = machine;
  const name = snapshotNameFrom(staged.name);
  const bytes = deps.models.get(plan.scope, uniqueId, name) ?? (await getArtifact(deps.storage, staged.bytes));
  const clock = document.settings.late?.action === 'rescore' ? lateClock(document) : null;
  const keepFrom = clock === null ? null : recentStart(clock, name.watermark);
  await snapshots.publish(plan.scope, uniqueId, name, bytes, keepFrom);
}

/** Fields that are left out where nothing is known. */
const EXPECTED = ['expected', 'lower', 'upper'] as const;

/**
 * One line a scored row, and one without a score a row that fills a gap: the row's own time and ids, so that writing it again
 * changes nothing.
 */
function* scoreLines(
  table: ReturnType<typeof decodeTable>,
  { plan, machine }: WriteScoresInput,
  settings: PipelineSettings,
  output: string,
): Generator<string> {
  const scored = scoredRows(table, settings);
  const { names, values, features, filled } = scored;
  const tags: Record<string, string> = { pipeline: plan.pipeline, unique_id: machine.uniqueId };
  settings.source.id.forEach((name, index) => {
    tags[name] = machine.ids[index] ?? '';
  });
  const rules = rulesOf(settings.verdict, machine.uniqueId);
  const { threshold } = rules;
  for (let row = 0; row < scored.rows; row++) {
    const score = scored.scores[row] ?? Number.NaN;
    const isFilled = filled?.[row] === 1;
    if (Number.isNaN(score) && !isFilled) continue;
    // A field that is left out keeps what an earlier write of the row gave it: the reason of a row that is ordinary now.
    const reason = reasonAt(scored, row, rules);
    const isAnomaly = scored.causes[row] !== 0;
    const fields: Record<string, number | string | boolean> = { score, is_anomaly: isAnomaly, threshold, reason };
    if (filled !== null) fields.filled = isFilled;
    for (const name of EXPECTED) fields[name] = scored[name][row] ?? Number.NaN;
    const column = names[features[row] ?? -1];
    if (names.length > 1 && column !== undefined) fields.column = column;
    names.forEach((name, feature) => {
      fields[name] = values[feature]?.[row] ?? Number.NaN;
    });
    const line = formatLine({ table: output, tags, fields, time: scored.times[row] ?? 0n });
    if (line !== null) yield line;
  }
}

function outrun(uniqueId: string): HalfspaceError {
  return new HalfspaceError(
    'Superseded',
    `A later run has published ${uniqueId} already; this attempt was late and stops without writing`,
  );
}
