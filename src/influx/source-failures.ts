import { HalfspaceError } from '../contract/failures.js';
import type { SourceSettings } from '../contract/pipeline.js';
import type { Table } from '../contract/table.js';
import type { Influx } from './connect.js';
import { isFileLimit } from './errors.js';
import { describeTable, listTables } from './schema.js';

/** @throws HalfspaceError `BadSchema` when the table lacks a column that the source names, or its time is no timestamp. */
export function checkColumns(source: SourceSettings, { columns }: Table): void {
  const missing = missingFrom(source, new Set(columns.keys()));
  const origin = source.query === null ? `Table "${source.table}"` : 'The result of source.query';
  if (missing.length > 0) throw badSchema(origin, missing, [...columns.keys()]);
  if (columns.get(source.time)?.kind !== 'time') {
    throw new HalfspaceError(
      'BadSchema',
      `${origin} has a column "${source.time}" that holds no timestamps. Name another one in source.time, or CAST it in the query.`,
    );
  }
}

/** The same failure, or a better one when the table or a column turns out not to exist. */
export async function explainFailure(
  influx: Influx,
  source: SourceSettings,
  error: unknown,
  signal: AbortSignal | undefined,
): Promise<unknown> {
  if (!(error instanceof HalfspaceError) || isFileLimit(error)) return error;
  if (!['BadQuery', 'BadSchema', 'MissingTable'].includes(error.kind)) return error;
  try {
    if (source.table !== null) {
      const columns = (await describeTable(influx, source.table, { signal })).map(({ name }) => name);
      if (columns.length === 0) {
        return missingTable(`"${source.table}"`, influx, await listTables(influx, { signal }), error);
      }
      const missing = missingFrom(source, new Set(columns));
      return missing.length === 0 ? error : badSchema(`Table "${source.table}"`, missing, columns, error);
    }
    if (error.kind === 'MissingTable') {
      return missingTable('that source.query names', influx, await listTables(influx, { signal }), error);
    }
  } catch {
    // The look-up only improves the message; the first failure is the one to report.
  }
  return error;
}

function missingFrom(source: SourceSettings, existing: ReadonlySet<string>): string[] {
  return [...new Set([...source.id, ...source.values, source.time])].filter((name) => !existing.has(name));
}

function badSchema(
  origin: string,
  missing: readonly string[],
  existing: readonly string[],
  cause?: unknown,
): HalfspaceError {
  const columns = missing.length === 1 ? 'column' : 'columns';
  return new HalfspaceError(
    'BadSchema',
    `${origin} has no ${columns} ${quotedList(missing)}; it has ${quotedList(existing)}. ` +
      'Correct source.id, source.values or source.time.',
    { cause },
  );
}

function missingTable(name: string, influx: Influx, existing: readonly string[], cause: unknown): HalfspaceError {
  const there = existing.length === 0 ? 'The database has no tables yet' : `It has ${quotedList(existing)}`;
  return new HalfspaceError(
    'MissingTable',
    `Database "${influx.database}" at ${influx.host} has no table ${name}. ${there}. ` +
      'Correct source.table or source.query, or write rows to it first.',
    { cause },
  );
}

function quotedList(names: readonly string[]): string {
  return names.map((name) => `"${name}"`).join(', ');
}
