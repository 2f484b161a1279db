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
import { plottedColumns } from './plotted-columns.js';
import { reasonAt, type ScoredRows, scoredRows, worstRows } from './scored-rows.js';
import { numbersOf, timesOf } from './table-columns.js';
import { NO_EVENTS, type WindowEvents } from './window-events.js';

/** A window of minutes says little by itself: the plot begins this long before it, with the scores written earlier. */
const CONTEXT_MS = 2 * 3_600_000;

/** Rows of one plot, in time order; the other lists hold as many each. */
interface PlotRows {
  readonly times: BigInt64Array;
  readonly scores: Float64Array;
  readonly isAnomaly: Float64Array;
  readonly columnAt: (feature: number) => PlotValues;
}

interface PlotValues {
  readonly values: Float64Array;
  readonly expected: Float64Array;
  readonly lower: Float64Array;
  readonly upper: Float64Array;
}

/** Draws the machine's scores and the value columns that its events are about; the picture stays under `plots/`. */
export async function plotAnomalies(
  deps: ActivityDeps,
  documents: JsonArtifacts,
  input: MachineInput & { readonly detection: Detection },
  attempt: Attempt,
): Promise<PlotResult> {
  const { plan, machine, detection } = input;
  const { settings } = await documents.get<RunPlanDocument>(plan.document);
  const rules = rulesOf(settings.verdict, machine.uniqueId);
  const { values: names } = settings.source;
  const scored = scoredRows(decodeTable(await getArtifact(deps.storage, detection.scores)), settings);
  const events = detection.events === null ? NO_EVENTS : await documents.get<WindowEvents>(detection.events);
  const window = windowRows(scored);
  // Of a machine that is silent there is only what was before.
  const end = machine.silent === undefined ? BigInt(plan.window.to) : BigInt(machine.silent.since) + 1n;
  const first = window.times[0] ?? end;
  const output = plan.mode === 'replay' ? null : settings.output;
  const earlier = output === null ? [] : await earlierScores(deps, input, output.table, first, attempt);
  const rows = [...earlier.map((table) => earlierRows(table, names)), window];
  const reasoned = reasonedRows(scored, events);
  const png = renderPlot({
    uniqueId: machine.uniqueId,
    timesMs: joined(rows, ({ times }) => Float64Array.from(times, msFromNanos)),
    scores: joined(rows, ({ scores }) => scores),
    anomalous: Uint8Array.from(joined(rows, ({ isAnomaly }) => isAnomaly)),
    threshold: rules.threshold,
    columns: plottedColumns(scored, events, reasoned, earlier).map((feature) => {
      const parts = rows.map(({ columnAt }) => columnAt(feature));
      return {
        name: names[feature] ?? '',
        values: joined(parts, ({ values }) => values),
        bounds: {
          expected: joined(parts, ({ expected }) => expected),
          lower: joined(parts, ({ lower }) => lower),
          upper: joined(parts, ({ upper }) => upper),
        },
      };
    }),
    reasons: [
      ...reasoned.map((row) => ({
        timeMs: msFromNanos(scored.times[row] ?? 0n),
        text: reasonAt(scored, row, rules),
      })),
      ...(machine.silent === undefined
        ? []
        : [{ timeMs: null, text: `no rows since ${isoFromNanos(BigInt(machine.silent.since))}` }]),
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

/** The worst row of each cause and that of the newest event, which is what people are told of; ascending. */
function reasonedRows(scored: ScoredRows, { closed, open }: WindowEvents): readonly number[] {
  const newest = open ?? closed.at(-1);
  const told = newest === undefined ? -1 : scored.times.indexOf(BigInt(newest.worst.time));
  const rows = new Set([...worstRows(scored), ...(told < 0 ? [] : [told])]);
  return [...rows].sort((a, b) => a - b);
}

/** Scores of earlier runs as the database holds them; none where there is no such table or column yet. */
async function earlierScores(
  deps: ActivityDeps,
  { plan, machine }: MachineInput,
  output: string,
  before: bigint,
  { signal }: Attempt,
): Promise<Table[]> {
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
  const tables: Table[] = [];
  try {
    for await (const table of deps.influx.query(sql, params, { signal })) tables.push(table);
  } catch (error) {
    const isNew = error instanceof HalfspaceError && (error.kind === 'MissingTable' || error.kind === 'BadSchema');
    if (!isNew) throw error;
  }
  return tables;
}

function earlierRows(table: Table, names: readonly string[]): PlotRows {
  return {
    times: timesOf(table, 'time'),
    scores: numbersOf(table, 'score'),
    isAnomaly: numbersOf(table, 'is_anomaly'),
    columnAt: (feature) => {
      const column = names[feature] ?? '';
      return { values: numbersOrNone(table, column), ...boundsOf(table, names.length > 1 ? column : null) };
    },
  };
}

/** What was expected of a row is of one column: in the panel of another it has no place. */
function windowRows({ times, scores, causes, features, expected, lower, upper, values }: ScoredRows): PlotRows {
  return {
    times,
    scores,
    isAnomaly: causes.map((cause) => (cause === 0 ? 0 : 1)),
    columnAt: (feature) => {
      const own = (numbers: Float64Array) => numbers.map((n, row) => (features[row] === feature ? n : Number.NaN));
      return {
        values: values[feature] ?? new Float64Array(times.length),
        expected: own(expected),
        lower: own(lower),
        upper: own(upper),
      };
    },
  };
}

/** @param column rows of other columns say nothing; null: there are no others. */
function boundsOf(table: Table, column: string | null): Omit<PlotValues, 'values'> {
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

function joined<Part>(rows: readonly Part[], pick: (part: Part) => Float64Array): Float64Array {
  const parts = rows.map(pick);
  const whole = new Float64Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
