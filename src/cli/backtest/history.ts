import { chunkLength } from '../../activities/chunk-length.js';
import { clipToData } from '../../activities/load-influx-data.js';
import { nextChunk } from '../../activities/next-chunk.js';
import type { Span } from '../../backtest/time-grid.js';
import { LONGEST_UNIQUE_ID } from '../../contract/names.js';
import type { PipelineSettings } from '../../contract/pipeline.js';
import type { ShapeCounts, Slice } from '../../contract/slice.js';
import { msFromNanos } from '../../contract/time.js';
import type { Influx } from '../../influx/connect.js';
import { queryWindow } from '../../influx/query-window.js';
import { createShaper, type Shaped } from '../../shape/group.js';
import { rowAt } from '../../shape/row-buckets.js';

/** Rows of the past, each machine's in the order of time. */
export interface History {
  /** Where they are, for people. */
  readonly source: string;
  /** From the first to just after the last time that is looked at. */
  readonly span: Span;
  readonly chunks: AsyncIterable<HistoryChunk> | Iterable<HistoryChunk>;
}

export interface HistoryChunk {
  readonly slices: readonly Slice[];
  readonly counts: Pick<ShapeCounts, 'duplicates' | 'missing' | 'unidentified'>;
  /** Machines that were left out, and why. */
  readonly refused: readonly { readonly uniqueId: string; readonly reason: string }[];
  /** How much of the history this and the chunks before it are, 0..1. */
  readonly done: number;
}

/** Rows of a file that were shaped already, cut down to a range. */
export function historyOfRows(source: string, { slices, counts }: Shaped, { from, to }: Partial<Span>): History {
  const kept = slices.map((slice) => rowsBetween(slice, from, to)).filter(({ rows }) => rows > 0);
  let [first, last] = [kept[0]?.times[0] ?? 0n, 0n];
  for (const { times, rows } of kept) {
    const [begin, end] = [times[0] ?? 0n, times[rows - 1] ?? 0n];
    if (begin < first) first = begin;
    if (end > last) last = end;
  }
  const chunk = { ...leaveLongNames(kept, []), counts, done: 1 };
  return { source, span: { from: from ?? first, to: to ?? last + 1n }, chunks: [chunk] };
}

function rowsBetween(slice: Slice, from: bigint | undefined, to: bigint | undefined): Slice {
  const first = from === undefined ? 0 : rowAt(slice.times, from);
  const end = to === undefined ? slice.rows : rowAt(slice.times, to);
  if (first === 0 && end === slice.rows) return slice;
  const features = slice.values.length / slice.rows;
  return {
    ...slice,
    rows: Math.max(end - first, 0),
    times: slice.times.subarray(first, Math.max(end, first)),
    values: slice.values.subarray(first * features, Math.max(end, first) * features),
  };
}

/**
 * The rows of a range as live runs read them: as many at a time as one of their passes covers.
 * @throws HalfspaceError as the database's reads do.
 */
export async function historyOfDatabase(
  influx: Influx,
  settings: PipelineSettings,
  range: Span,
  signal: AbortSignal,
): Promise<History> {
  const { source, mode } = settings;
  const span = (await clipToData({ influx }, source, range, signal)) ?? { from: range.from, to: range.from };
  const longest = mode === 'replay' ? span.to : await chunkLength({ influx }, settings, span, signal);
  const chunks = readChunks(influx, settings, span, longest, signal);
  return { source: source.table ?? 'the query', span, chunks };
}

async function* readChunks(
  influx: Influx,
  { source, mode }: PipelineSettings,
  span: Span,
  longest: bigint,
  signal: AbortSignal,
): AsyncGenerator<HistoryChunk, void, void> {
  for (let { from } = span; from < span.to; ) {
    const { window } = nextChunk({ from, to: span.to }, longest, 0);
    const shaper = createShaper(source, mode);
    for await (const table of queryWindow(influx, source, window.from, window.to, { signal })) shaper.add(table);
    const { slices, refused, counts } = shaper.finish();
    const done = msFromNanos(window.to - span.from) / Math.max(msFromNanos(span.to - span.from), 1);
    yield { ...leaveLongNames(slices, refused), counts, done };
    from = window.to;
  }
}

/** Live runs refuse them, so there is nothing to try. */
function leaveLongNames(
  slices: readonly Slice[],
  refused: HistoryChunk['refused'],
): Pick<HistoryChunk, 'slices' | 'refused'> {
  const long = slices.filter(({ uniqueId }) => uniqueId.length > LONGEST_UNIQUE_ID);
  const reason = `a unique_id has at most ${LONGEST_UNIQUE_ID} characters`;
  return {
    slices: long.length === 0 ? slices : slices.filter((slice) => !long.includes(slice)),
    refused: [...refused, ...long.map(({ uniqueId }) => ({ uniqueId: `${uniqueId.slice(0, 80)}…`, reason }))],
  };
}
