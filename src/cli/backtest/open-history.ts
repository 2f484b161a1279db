import type { Span } from '../../backtest/time-grid.js';
import { HalfspaceError } from '../../contract/failures.js';
import type { PipelineSettings } from '../../contract/pipeline.js';
import { isoFromNanos, nanosFromIso, timeProblem } from '../../contract/time.js';
import { createInflux, type Influx } from '../../influx/connect.js';
import type { Decimal } from '../csv/number-text.js';
import { readPipelineRows } from '../csv/pipeline-rows.js';
import { timeUnitOf } from '../csv/time-text.js';
import { influxOptions } from '../influx-options.js';
import type { CliIo } from '../io.js';
import { UsageError } from '../usage-error.js';
import { visible } from '../visible.js';
import { type History, historyOfDatabase, historyOfRows } from './history.js';

export interface HistoryOptions {
  /** CSV with the source's columns; the pipeline's own source when left out. */
  readonly file?: string | undefined;
  /** RFC 3339; both are needed where the pipeline's own source is read. */
  readonly from?: string | undefined;
  readonly to?: string | undefined;
  readonly timeUnit?: string | undefined;
  /** Of the file; a point when left out, unless its numbers look otherwise. */
  readonly decimal?: Decimal | undefined;
  readonly config?: string | undefined;
}

/**
 * The range that is looked at: both ends where the database is read; of a file they cut off what lies outside.
 * @throws UsageError for times that are none, or a missing end.
 */
export function rangeOf({ file, from: fromText, to: toText }: HistoryOptions): Partial<Span> {
  if (file === undefined && (fromText === undefined || toText === undefined)) {
    throw new UsageError('Expected --from and --to, or a CSV file');
  }
  const from = fromText === undefined ? undefined : timeOf('--from', fromText);
  const to = toText === undefined ? undefined : timeOf('--to', toText);
  if (from !== undefined && to !== undefined && from >= to) {
    throw new UsageError(`Expected --to after --from, got ${isoFromNanos(from)} to ${isoFromNanos(to)}`);
  }
  return { ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }) };
}

function timeOf(option: string, text: string): bigint {
  const problem = timeProblem(option, text);
  if (problem !== null) throw new UsageError(visible(problem));
  return nanosFromIso(text) ?? 0n;
}

/** What is to be said where nothing was found. */
export function noRows(source: string, { from, to }: Partial<Span>): HalfspaceError {
  const since = from === undefined ? '' : ` from ${isoFromNanos(from)}`;
  const until = to === undefined ? '' : ` to ${isoFromNanos(to)}`;
  return new HalfspaceError('BadWindow', `There are no rows of ${source}${since}${until}`);
}

/** What is to be said where rows were found, and nothing in them. */
export function noValues(source: string, { source: { values } }: PipelineSettings): HalfspaceError {
  const names = values.map((name) => JSON.stringify(name)).join(', ');
  return new HalfspaceError('BadSchema', visible(`No row of ${source} that was looked at has a value in ${names}`));
}

/** A connection where something is read from the database. */
export async function withInflux<T>(
  options: HistoryOptions & { readonly labelsTable?: string | undefined },
  work: (influx: Influx | null) => Promise<T>,
): Promise<T> {
  if (options.file !== undefined && options.labelsTable === undefined) return work(null);
  const influx = createInflux(influxOptions(options.config));
  try {
    return await work(influx);
  } finally {
    await influx.close();
  }
}

/** The rows that are looked at: of the file, or of the pipeline's own source. */
export async function openHistory(
  { file, timeUnit, decimal }: HistoryOptions,
  settings: PipelineSettings,
  range: Partial<Span>,
  influx: Influx | null,
  signal: AbortSignal,
  io: CliIo,
): Promise<History> {
  if (file !== undefined) {
    const unit = timeUnitOf(timeUnit);
    const { shaped } = await readPipelineRows({ file, timeUnit: unit, decimal: decimal ?? null, settings }, io);
    return historyOfRows(file, shaped, range);
  }
  const { from, to } = range;
  if (influx === null || from === undefined || to === undefined) throw new Error('Expected a database and a range');
  return historyOfDatabase(influx, settings, { from, to }, signal);
}
