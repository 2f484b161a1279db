import type { SourceSettings } from '../contract/pipeline.js';
import { isoFromNanos } from '../contract/time.js';
import type { Influx, QueryOptions } from './connect.js';
import { isCutByTime } from './custom-query.js';
import { isFileLimit } from './errors.js';
import { quoteIdentifier } from './identifiers.js';

/** InfluxDB Core keeps ten minutes in a file; below that there is nothing to halve. */
const SMALLEST_RANGE = 600_000_000_000n;

/**
 * How many rows the source has with from <= time < to (nanoseconds since the epoch), counted up to `most` and no further.
 * A range over more files than InfluxDB Core looks at is halved, the newer half first.
 * @throws HalfspaceError as `Influx.query` does, `MissingTable` and `MissingDatabase` before the first write among them.
 */
export async function countNewRows(
  influx: Pick<Influx, 'query'>,
  source: SourceSettings,
  { from, to }: { readonly from: bigint; readonly to: bigint },
  most: number,
  options: Pick<QueryOptions, 'signal'> = {},
): Promise<number> {
  if (from >= to || most <= 0) return 0;
  const params = { from: isoFromNanos(from), to: isoFromNanos(to) };
  try {
    for await (const table of influx.query(countSql(source, most), params, options)) {
      const column = table.columns.get('rows');
      if (column?.kind === 'number') return column.values[0] ?? 0;
    }
    return 0;
  } catch (error) {
    const canBeCut = source.query === null || isCutByTime(source.query, source.time, source.language);
    if (!isFileLimit(error) || !canBeCut || to - from <= SMALLEST_RANGE) throw error;
  }
  const middle = (from + to) / 2n;
  const newer = await countNewRows(influx, source, { from: middle, to }, most, options);
  return newer + (await countNewRows(influx, source, { from, to: middle }, most - newer, options));
}

function countSql({ table, query, time }: SourceSettings, most: number): string {
  const name = quoteIdentifier(time);
  // A comment at the query's end must not swallow what follows it.
  const rows = query === null ? quoteIdentifier(table ?? '') : `(${query.replace(/[\s;]+$/, '')}\n) AS source`;
  const found = `SELECT ${name} FROM ${rows} WHERE ${name} >= $from::timestamp AND ${name} < $to::timestamp LIMIT ${most}`;
  return `SELECT count(*) AS "rows" FROM (${found}) AS found`;
}
