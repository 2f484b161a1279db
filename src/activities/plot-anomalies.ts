import { renderPlot } from '../charts/render-png.js';
import { HalfspaceError } from '../contract/failures.js';
import type { Detection, MachineInput, PlotResult } from '../contract/machine-run.js';
import type { Table } from '../contract/table.js';
import { isoFromNanos, msFromNanos, nanosFromMs } from '../contract/time.js';
import { quoteIdentifier } from '../influx/identifiers.js';
import { decodeTable } from '../shape/slice-codec.js';
import { getArtifact, putArtifact } from '../store/artifacts.js';
import { segmentOf } from '../store/object-key.js';
import { rulesOf } from '../verdict/machine-rules.js';
import type { Attempt } from './attempt.js';
import type { ActivityDeps } from './deps.js';
import type { JsonArtifacts, RunPlanDocument } from './plan-document.js';
import { type ScoredRows, scoredRows, worstReasons } from './scored-rows.js';
import { numbersOf, timesOf } from './table-columns.js';

/** A window of minutes says little by itself: the plot begins this long before it, with the scores written earlier. */
const CONTEXT_MS = 2 * 3_600_000;

/** Rows of one plot, in time order. */
interface PlotRows {
  readonly times: BigInt64Array;
  readonly scores: Float64Array;
  readonly isAnomaly: Float64Array;
  readonly values: Float64Array;
  readonly expected: Float64Array;
  readonly lower: Float64Array;
  readonly upper: Float64Array;
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
  const rules = rulesOf(settings.verdict, machine.uniqueId);
  const column = settings.source.values[0] ?? '';
  const scored = scoredRows(decodeTable(await getArtifact(deps.storage, detection.scores)), settings);
  const window = windowRows(scored);
  // Of a machine that is silent there is only what was before.
  const end = machine.silent === undefined ? BigInt(plan.window.to) : BigInt(machine.silent.since) + 1n;
  const first = window.times[0] ?? end;
  const output = plan.mode === 'replay' ? null : settings.output;
  const parts =
    output === null ? [] : await earlierRows(deps, input, output.table, settings.source.values, first, attempt);
  const rows = [...parts, window];
  const png = renderPlot({
    uniqueId: machine.uniqueId,
    column,
    timesMs: joined(rows, ({ times }) => Float64Array.from(times, msFromNanos)),
    scores: joined(rows, ({ scores }) => scores),
    values: joined(rows, ({ values }) => values),
    anomalous: Uint8Array.from(joined(rows, ({ isAnomaly }) => isAnomaly)),
    threshold: rules.threshold,
    bounds: {
      expected: joined(rows, ({ expected }) => expected),
      lower: joined(rows, ({ lower }) => lower),
      upper: joined(rows, ({ upper }) => upper),
    },
    reasons: [
      ...worstReasons(scored, rules),
      ...(machine.silent === undefined ? [] : [`no rows since ${isoFromNanos(BigInt(machine.silent.since))}`]),
    ],
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
  [column = '', ...others]: readonly string[],
  before: bigint,
  { signal }: Attempt,
): Promise<PlotRows[]> {
  // Tables that were begun before there were bounds have no columns for them.
  const sql =
    `SELECT * FROM ${quoteIdentifier(output)} ` +
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
        values: numbersOrNone(table, column),
        ...boundsOf(table, others.length === 0 ? null : column),
      });
    }
  } catch (error) {
    const isNew = error instanceof HalfspaceError && (error.kind === 'MissingTable' || error.kind === 'BadSchema');
    if (!isNew) throw error;
  }
  return parts;
}

/** The plot is of the first column: what was expected of others has no place in it. */
function windowRows({ times, scores, causes, features, expected, lower, upper, values }: ScoredRows): PlotRows {
  const own = (numbers: Float64Array) => numbers.map((number, row) => (features[row] === 0 ? number : Number.NaN));
  return {
    times,
    scores,
    isAnomaly: causes.map((cause) => (cause === 0 ? 0 : 1)),
    values: values[0] ?? new Float64Array(times.length),
    expected: own(expected),
    lower: own(lower),
    upper: own(upper),
  };
}

/** @param column rows of other columns say nothing; null: there are no others. */
function boundsOf(table: Table, column: string | null): Pick<PlotRows, 'expected' | 'lower' | 'upper'> {
  const named = table.columns.get('column');
  const isOwn = (row: number) =>
    column === null || (named?.kind === 'string' && named.dictionary[named.codes[row] ?? -1] === column);
  const own = (name: string) => numbersOrNone(table, name).map((number, row) => (isOwn(row) ? number : Number.NaN));
  return { expected: own('expected'), lower: own('lower'), upper: own('upper') };
}

/** NaN where the table has no such column. */
function numbersOrNone({ columns, rows }: Table, name: string): Float64Array {
  const column = columns.get(name);
  return column?.kind === 'number' ? column.values : new Float64Array(rows).fill(Number.NaN);
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
