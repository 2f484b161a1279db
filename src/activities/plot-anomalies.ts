import { join } from 'node:path';
import { renderPlot } from '../charts/render-png.js';
import type { Detection, MachineInput, PlotResult } from '../contract/run.js';
import { msFromNanos } from '../contract/time.js';
import { decodeTable } from '../shape/slice-codec.js';
import { getArtifact, putArtifact } from '../store/artifacts.js';
import { segmentOf } from '../store/object-key.js';
import type { ActivityDeps } from './deps.js';
import { SCORE_COLUMNS, valueColumn } from './detect-anomalies.js';
import type { JsonArtifacts, RunPlanDocument } from './plan-document.js';
import { numbersOf, timesOf } from './table-columns.js';

/** Draws the window's scores and the first value column; the picture stays under `plots/`. */
export async function plotAnomalies(
  deps: ActivityDeps,
  documents: JsonArtifacts,
  input: MachineInput & { readonly detection: Detection },
): Promise<PlotResult> {
  const { plan, machine, detection } = input;
  const { settings } = await documents.get<RunPlanDocument>(plan.document);
  const table = decodeTable(await getArtifact(deps.storage, detection.scores));
  const column = settings.source.values[0] ?? '';
  const png = renderPlot({
    uniqueId: machine.uniqueId,
    column,
    timesMs: Float64Array.from(timesOf(table, SCORE_COLUMNS.time), msFromNanos),
    scores: numbersOf(table, SCORE_COLUMNS.score),
    values: numbersOf(table, valueColumn(column)),
    anomalous: Uint8Array.from(numbersOf(table, SCORE_COLUMNS.isAnomaly)),
    threshold: settings.verdict.threshold,
  });
  const folder = `plots/${segmentOf(plan.pipeline)}/${segmentOf(machine.uniqueId)}`;
  const { key } = await putArtifact(deps.storage, folder, plan.window.to, png, '.png');
  return {
    key,
    url: deps.links.plots === null ? null : `${deps.links.plots.replace(/\/$/, '')}/${key}`,
    path: deps.storeFolder === null ? null : join(deps.storeFolder, key),
  };
}
