import { renderPlot } from '../charts/render-png.js';
import { HalfspaceError } from '../contract/failures.js';
import type { Detection, MachineInput, PlotResult } from '../contract/run.js';
import { isoFromNanos, msFromNanos, nanosFromMs } from '../contract/time.js';
import { quoteIdentifier } from '../influx/identifiers.js';
import { decodeTable } from '../shape/slice-codec.js';
import { getArtifact, putArtifact } from '../store/artifacts.js';
import { segmentOf } from '../store/object-key.js';
import { rulesOf } from '../verdict/machine-rules.js';
import type { Attempt } from './attempt.js';
import type { ActivityDeps } from './deps.js';
import { SCORE_COLUMNS, valueColumn } from './detect-anomalies.js';
import type { JsonArtifacts, RunPlanDocument } from './plan-document.js';
import { numbersOf, timesOf } from './table-columns.js';

/** A window of minutes says little by itself: the plot begins this long before it, with the scores written earlier. */
const CONTEXT_MS = 2 * 3_600_000;

/** Rows of one plot, in time order. */
interface PlotRows {
  readonly times: BigInt64Array;
  readonly scores: Float64Array;
  readonly isAnomaly: Float64Array;
  readonly values: Float64Array;
}

/** Draws the machine's scores and its first value column; the picture stays under `plots/`. */
export async function plotAnomalies(
  deps: ActivityDeps,
  documents: JsonArtifacts,
  input: MachineInput & { readonly detection: Detection },
  attempt: Attempt,
): Promise<PlotResult> {
  const { plan, machine, detection } = input;
  const { settings } = await documents.get<RunPlanDocument>(plan.document);
  const table = decodeTable(await getArtifact(deps.storage, detection.scores));
  const column = settings.source.values[0] ?? '';
  const window: PlotRows = {
    times: timesOf(table, SCORE_COLUMNS.time),
    scores: numbersOf(table, SCORE_COLUMNS.score),
    isAnomaly: numbersOf(table, SCORE_COLUMNS.cause).map((cause) => (cause === 0 ? 0 : 1)),
    values: numbersOf(table, valueColumn(column)),
  };
  // Of a machine that is silent there is only what was before.
  const end = machine.silent === undefined ? BigInt(plan.window.to) : BigInt(machine.silent.since) + 1n;
  const first = window.times[0] ?? end;
  const output = plan.mode === 'replay' ? null : settings.output;
  const parts = output === null ? [] : await earlierRows(deps, input, output.table, column, first, attempt);
  const rows = [...parts, window];
  const png = renderPlot({
    uniqueId: machine.uniqueId,
    column,
    timesMs: joined(rows, ({ times }) => Float64Array.from(times, msFromNanos)),
    scores: joined(rows, ({ scores }) => scores),
    values: joined(rows, ({ values }) => values),
    anomalous: Uint8Array.from(joined(rows, ({ isAnomaly }) => isAnomaly)),
    threshold: rulesOf(settings.verdict, machine.uniqueId).threshold,
  });
  const folder = `plots/${segmentOf(plan.pipeline)}/${segmentOf(machine.uniqueId)}`;
  const { key } = await putArtifact(deps.storage, folder, plan.window.to, png, '.png');
  return {
    key,
    url: deps.links.plots === null ? null : `${deps.links.plots.replace(/\/$/, '')}/${key}`,
    path: deps.storage.locate(key),
  };
}

/** Scores of earlier runs as the database holds them; none where there is no such table or column yet. */
async function earlierRows(
  deps: ActivityDeps,
  { plan, machine }: MachineInput,
  output: string,
  column: string,
  before: bigint,
  { signal }: Attempt,
): Promise<PlotRows[]> {
  const sql =
    `SELECT time, score, is_anomaly, ${quoteIdentifier(column)} AS value FROM ${quoteIdentifier(output)} ` +
    'WHERE pipeline = $pipeline AND unique_id = $machine AND time >= $from::timestamp AND time < $to::timestamp ORDER BY time';
  const params = {
    pipeline: plan.pipeline,
    machine: machine.uniqueId,
    from: isoFromNanos(before - nanosFromMs(CONTEXT_MS)),
    to: isoFromNanos(before),
  };
  const parts: PlotRows[] = [];
  try {
    for await (const table of deps.influx.query(sql, params, { signal })) {
      parts.push({
        times: timesOf(table, 'time'),
        scores: numbersOf(table, 'score'),
        isAnomaly: numbersOf(table, 'is_anomaly'),
        values: numbersOf(table, 'value'),
      });
    }
  } catch (error) {
    const isNew = error instanceof HalfspaceError && (error.kind === 'MissingTable' || error.kind === 'BadSchema');
    if (!isNew) throw error;
  }
  return parts;
}

function joined(rows: readonly PlotRows[], pick: (part: PlotRows) => Float64Array): Float64Array {
  const parts = rows.map(pick);
  const whole = new Float64Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
