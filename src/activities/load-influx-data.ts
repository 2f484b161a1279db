import type { ArtifactRef } from '../contract/artifact.js';
import type { SourceSettings } from '../contract/pipeline.js';
import type { LoadedData, RunPlan } from '../contract/run.js';
import type { Table } from '../contract/table.js';
import { isoFromNanos, nanosFromMs } from '../contract/time.js';
import { isFileLimit } from '../influx/errors.js';
import { queryWindow } from '../influx/query-window.js';
import { findTimeRange } from '../influx/schema.js';
import { createTableFacts } from '../shape/expectation-facts.js';
import { encodeTable } from '../shape/slice-codec.js';
import { putArtifact } from '../store/artifacts.js';
import type { Attempt } from './attempt.js';
import type { ActivityDeps } from './deps.js';
import { expectationWarnings } from './expectation-report.js';
import { packTables } from './parts.js';
import type { JsonArtifacts, RunPlanDocument } from './plan-document.js';

/** A part is written when this much has come in; the worker never holds more of the window than one part. */
const PART_BYTES = 16 * 1024 * 1024;

/** Up to this a range is read as it is: a few dozen chunks. */
const LONG_RANGE_MS = 3 * 24 * 3_600_000;

/** InfluxDB → columns artifact: the window's rows and, machine by machine, what the laggards still need from before it. */
export async function loadInfluxData(
  deps: ActivityDeps,
  documents: JsonArtifacts,
  input: { readonly plan: RunPlan },
  attempt: Attempt,
): Promise<LoadedData> {
  const { plan } = input;
  const { settings } = await documents.get<RunPlanDocument>(plan.document);
  const facts = createTableFacts(settings.source);
  const parts: ArtifactRef[] = [];
  let pending: Uint8Array[] = [];
  let pendingBytes = 0;
  let rows = 0;

  async function flush(): Promise<void> {
    if (pending.length === 0) return;
    parts.push(await putArtifact(deps.storage, plan.folder, 'part', packTables(pending)));
    pending = [];
    pendingBytes = 0;
  }

  for await (const table of readTables(deps, documents, plan, attempt)) {
    facts.add(table);
    const bytes = encodeTable(table);
    pending.push(bytes);
    pendingBytes += bytes.length;
    rows += table.rows;
    attempt.report(`${rows} rows`);
    if (pendingBytes >= PART_BYTES) await flush();
    await attempt.breathe();
  }
  await flush();

  const { after_load: expected } = settings.expectations;
  const warnings = expectationWarnings('after_load', expected, facts.facts(), plan);
  if (rows === 0) warnings.unshift(`no rows of ${settings.source.table ?? 'the query'} in ${windowText(plan)}`);
  const manifest = new TextEncoder().encode(JSON.stringify(parts));
  return { manifest: await putArtifact(deps.storage, plan.folder, 'parts', manifest, '.json'), rows, warnings };
}

function windowText({ mode, window }: RunPlan): string {
  if (mode === 'replay') return 'the whole source';
  return `the window from ${isoFromNanos(BigInt(window.from))} to ${isoFromNanos(BigInt(window.to))}`;
}

async function* readTables(
  deps: ActivityDeps,
  documents: JsonArtifacts,
  plan: RunPlan,
  { signal }: Attempt,
): AsyncGenerator<Table> {
  const { settings, laggards } = await documents.get<RunPlanDocument>(plan.document);
  const { source } = settings;
  const from = BigInt(plan.window.from);
  const to = BigInt(plan.window.to);
  for (const laggard of laggards) {
    // Rows that several queries bring twice are the same rows: shaping keeps one of them.
    if (laggard.why === 'undelivered' || BigInt(laggard.from) >= from) continue;
    yield* queryWindow(deps.influx, source, BigInt(laggard.from), from, { signal, ids: laggard.ids });
  }
  const range = await clipToData(deps, source, { from, to }, signal);
  if (range !== null) yield* queryWindow(deps.influx, source, range.from, range.to, { signal });
}

interface Range {
  readonly from: bigint;
  readonly to: bigint;
}

/**
 * A long range, cut down to where the table has rows at all; null when it has none there. A window is read in chunks of
 * hours, and years of nothing are many chunks.
 */
async function clipToData(
  { influx }: ActivityDeps,
  { table, time }: SourceSettings,
  { from, to }: Range,
  signal: AbortSignal,
): Promise<Range | null> {
  if (table === null || to - from <= nanosFromMs(LONG_RANGE_MS)) return { from, to };
  let found: { first: bigint; last: bigint } | null;
  try {
    found = await findTimeRange(influx, table, time, { signal });
  } catch (error) {
    // InfluxDB Core refuses to look at more than 432 files at once; the chunks stay below that.
    if (isFileLimit(error) && from > 0n) return { from, to };
    throw error;
  }
  if (found === null || found.last < from || found.first >= to) return null;
  return { from: found.first > from ? found.first : from, to: found.last < to ? found.last + 1n : to };
}
