import type { SourceSettings } from '../contract/pipeline.js';
import type { LoadedData, RunPlan } from '../contract/run-plan.js';
import type { Table } from '../contract/table.js';
import { nanosFromMs } from '../contract/time.js';
import { isFileLimit } from '../influx/errors.js';
import { queryWindow } from '../influx/query-window.js';
import { findTimeRange } from '../influx/schema.js';
import { createTableFacts } from '../shape/expectation-facts.js';
import { putArtifact } from '../store/artifacts.js';
import type { Attempt } from './attempt.js';
import type { ActivityDeps } from './deps.js';
import { expectationWarnings } from './expectation-report.js';
import { coveredFrom, isBehind } from './late-search.js';
import { type LoadedParts, PartWriter } from './parts.js';
import type { JsonArtifacts, RunPlanDocument } from './plan-document.js';

/** Up to this a range is read as it is: a few dozen chunks. */
const LONG_RANGE_MS = 3 * 24 * 3_600_000;

/**
 * InfluxDB → columns artifact: the window's rows; machine by machine what the laggards still need from before it; and, apart
 * from these, what is looked at once more for late rows.
 */
export async function loadInfluxData(
  deps: ActivityDeps,
  documents: JsonArtifacts,
  input: { readonly plan: RunPlan },
  attempt: Attempt,
): Promise<LoadedData> {
  const { plan } = input;
  const document = await documents.get<RunPlanDocument>(plan.document);
  const { settings } = document;
  const facts = createTableFacts(settings.source);
  const own = new PartWriter(deps.storage, plan.folder);
  const earlier = new PartWriter(deps.storage, plan.folder);
  let rows = 0;
  let earlierRows = 0;

  for await (const { table, isEarlier } of readTables(deps, document, plan, attempt)) {
    if (isEarlier) {
      // Earlier runs have held these rows against what is expected of them.
      earlierRows += table.rows;
      await earlier.add(table);
    } else {
      facts.add(table);
      rows += table.rows;
      await own.add(table);
    }
    attempt.report(earlierRows === 0 ? `${rows} rows` : `${rows} rows, ${earlierRows} from before the window`);
    await attempt.breathe();
  }
  const parts: LoadedParts = { own: await own.finish(), earlier: await earlier.finish() };

  const { after_load: expected } = settings.expectations;
  const warnings = expectationWarnings('after_load', expected, facts.facts(), plan);
  const manifest = new TextEncoder().encode(JSON.stringify(parts));
  return { manifest: await putArtifact(deps.storage, plan.folder, 'parts', manifest, '.json'), rows, warnings };
}

/** A table of what is read, and whether it is from before what its machines are to learn. */
interface ReadTable {
  readonly table: Table;
  readonly isEarlier: boolean;
}

async function* readTables(
  deps: ActivityDeps,
  document: RunPlanDocument,
  plan: RunPlan,
  { signal }: Attempt,
): AsyncGenerator<ReadTable> {
  const { settings, laggards } = document;
  const { source } = settings;
  const from = BigInt(plan.window.from);
  const to = BigInt(plan.window.to);
  const earlierFrom = coveredFrom(document, from);

  async function* read(begin: bigint, end: bigint, isEarlier: boolean, ids?: readonly string[]) {
    if (isEarlier && begin >= end) return;
    const options = ids === undefined ? { signal } : { signal, ids };
    for await (const table of queryWindow(deps.influx, source, begin, end, options)) yield { table, isEarlier };
  }

  for (const laggard of laggards) {
    const since = BigInt(laggard.from);
    if (!isBehind(laggard) || since >= from) continue;
    // Rows that several queries bring twice are the same rows: shaping keeps one of them.
    yield* read(coveredFrom(document, since), since, true, laggard.ids);
    yield* read(since, from, false, laggard.ids);
  }
  yield* read(earlierFrom, from, true);
  const range = await clipToData(deps, source, { from, to }, signal);
  if (range !== null) yield* read(range.from, range.to, false);
}

/** Rows with from <= time < to, nanoseconds since the epoch. */
export interface Range {
  readonly from: bigint;
  readonly to: bigint;
}

/**
 * A long range, cut down to where the table has rows at all; null when it has none there. A window is read in chunks of
 * hours, and years of nothing are many chunks.
 */
export async function clipToData(
  { influx }: Pick<ActivityDeps, 'influx'>,
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
