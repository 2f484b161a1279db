import { HalfspaceError } from '../contract/failures.js';
import { LONGEST_UNIQUE_ID } from '../contract/names.js';
import type { AggregateSettings, PipelineSettings, SourceSettings } from '../contract/pipeline.js';
import type { RunPlan } from '../contract/run-plan.js';
import type { AggregateOutcome } from '../contract/run-result.js';
import { nanosFromMs } from '../contract/time.js';
import { namesWindow } from '../influx/custom-query.js';
import { type FieldValue, lineFormatter } from '../influx/line-protocol.js';
import { queryWindow } from '../influx/query-window.js';
import { writeAll } from '../influx/write-all.js';
import { type BucketTotal, BucketTotals } from '../shape/bucket-totals.js';
import { floorTo } from '../shape/row-buckets.js';
import { uniqueIdOrNull } from '../shape/unique-id.js';
import type { Attempt } from './attempt.js';
import type { ActivityDeps } from './deps.js';
import { clipToData, type Range } from './load-influx-data.js';
import type { JsonArtifacts, RunPlanDocument } from './plan-document.js';

/** A query's rows may come in any order, so all buckets of a span stay in memory until its end. */
const LONGEST_SPAN_MS = 6 * 3_600_000;
const MOST_BUCKETS = 600;

/**
 * Mean, min, max and count a bucket and machine → InfluxDB, from the source itself: all rows of each bucket that the run's
 * window and the time of late rows before it touch, so that writing again gives the same. What the last bucket has not got
 * yet the next run adds.
 */
export async function writeAggregates(
  deps: ActivityDeps,
  documents: JsonArtifacts,
  { plan }: { readonly plan: RunPlan },
  attempt: Attempt,
): Promise<AggregateOutcome> {
  const { settings, aggregateFrom } = await documents.get<RunPlanDocument>(plan.document);
  const { aggregate, source, late } = settings;
  if (aggregate === null || aggregateFrom === null) return { written: 0, isOwed: false, warnings: [] };
  const every = nanosFromMs(aggregate.every);
  // Rows that have come since their window was read are in the buckets of `late.within`.
  const range = {
    from: floorTo(BigInt(aggregateFrom) - nanosFromMs(late?.within ?? 0), every),
    to: floorTo(BigInt(plan.window.to) - 1n, every) + every,
  };
  const points = new PointLines(plan.pipeline, aggregate, source);
  const written = await writeAll(deps.influx, pointLines(deps, settings, range, every, points, attempt), {
    signal: attempt.signal,
    onRows: (rows) => attempt.report(`${rows} aggregates`),
  });
  return { written, isOwed: false, warnings: points.warnings() };
}

async function* pointLines(
  deps: ActivityDeps,
  { source }: PipelineSettings,
  range: Range,
  every: bigint,
  points: PointLines,
  attempt: Attempt,
): AsyncGenerator<string, void, void> {
  const { signal } = attempt;
  const totals = new BucketTotals(source, every);
  for (const span of spansOf(source, range, every)) {
    const clipped = await clipToData(deps, source, span, signal);
    if (clipped === null) continue;
    for await (const table of queryWindow(deps.influx, source, clipped.from, clipped.to, { signal })) {
      totals.add(table, span.from, span.to);
      points.know(totals.tuples);
      // A table's rows come in the order of time: the buckets before the newest are whole.
      if (source.table !== null) yield* points.of(totals.takeBefore(totals.newest));
      await attempt.breathe();
    }
    yield* points.of(totals.takeBefore(span.to));
  }
}

/** The range in one, or where all buckets have to wait for the end, in spans of whole buckets. */
function* spansOf(source: SourceSettings, { from, to }: Range, every: bigint): Generator<Range, void, void> {
  // A query that is not limited to the window is run once.
  const isWhole = source.query === null || !namesWindow(source.query, source.language);
  const buckets = nanosFromMs(LONGEST_SPAN_MS) / every;
  const few = buckets < 1n ? 1n : buckets > MOST_BUCKETS ? BigInt(MOST_BUCKETS) : buckets;
  const length = isWhole ? to - from : few * every;
  for (let start = from; start < to; start += length) {
    yield { from: start, to: start + length < to ? start + length : to };
  }
}

type Format = ReturnType<typeof lineFormatter>;

/**
 * Line protocol of aggregates. A machine whose ids it cannot hold is left out and said. One that has no unique_id of its own is
 * left out, too: runs refuse it, and say so.
 */
class PointLines {
  readonly #pipeline: string;
  readonly #settings: AggregateSettings;
  readonly #source: SourceSettings;
  /** By machine; null: it cannot be written. */
  readonly #formats = new Map<number, Format | null>();
  readonly #owners = new Map<string, number>();
  #known = 0;
  #unwritable = 0;
  #firstReason = '';

  constructor(pipeline: string, settings: AggregateSettings, source: SourceSettings) {
    this.#pipeline = pipeline;
    this.#settings = settings;
    this.#source = source;
  }

  /** To be told of all machines that may have rows in a bucket before it is written. */
  know(tuples: readonly (readonly string[])[]): void {
    for (; this.#known < tuples.length; this.#known++) {
      const uniqueId = uniqueIdOrNull(tuples[this.#known] ?? [], this.#source.unique_id);
      const owner = uniqueId === null ? undefined : this.#owners.get(uniqueId);
      if (owner !== undefined) this.#formats.set(owner, null);
      if (owner !== undefined || uniqueId === null || uniqueId.length > LONGEST_UNIQUE_ID) {
        this.#formats.set(this.#known, null);
      } else {
        this.#owners.set(uniqueId, this.#known);
      }
    }
  }

  *of(totals: Iterable<BucketTotal>): Generator<string, void, void> {
    for (const total of totals) {
      const line = this.#formatOf(total)?.(this.#fieldsOf(total), total.start) ?? null;
      if (line !== null) yield line;
    }
  }

  warnings(): string[] {
    if (this.#unwritable === 0) return [];
    return [`machines whose aggregates cannot be written: ${this.#unwritable}, e.g. ${this.#firstReason}`];
  }

  #formatOf({ machine, ids }: BucketTotal): Format | null {
    const known = this.#formats.get(machine);
    if (known !== undefined) return known;
    const format = this.#newFormat(ids);
    this.#formats.set(machine, format);
    return format;
  }

  #newFormat(ids: readonly string[]): Format | null {
    const { id, unique_id: mode } = this.#source;
    const tags: Record<string, string> = { pipeline: this.#pipeline, unique_id: uniqueIdOrNull(ids, mode) ?? '' };
    for (const [index, name] of id.entries()) tags[name] = ids[index] ?? '';
    try {
      return lineFormatter(this.#settings.table, tags);
    } catch (error) {
      if (!(error instanceof HalfspaceError)) throw error;
      this.#unwritable++;
      this.#firstReason ||= error.message;
      return null;
    }
  }

  #fieldsOf({ rows, values }: BucketTotal): Record<string, FieldValue> {
    const fields: Record<string, FieldValue> = { rows: { int: rows } };
    for (const [index, name] of this.#source.values.entries()) {
      const total = values[index];
      if (total === undefined) continue;
      for (const kind of this.#settings.functions) {
        fields[`${name}_${kind}`] = kind === 'count' ? { int: total.count } : total[kind];
      }
    }
    return fields;
  }
}
