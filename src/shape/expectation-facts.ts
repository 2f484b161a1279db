import type { SourceSettings } from '../contract/pipeline.js';
import type { Slice } from '../contract/slice.js';
import { type Column, MISSING_TIME, type Table } from '../contract/table.js';
import type { ExpectationFacts } from './expectations.js';

/** Gathers facts from tables as they arrive. */
export interface TableFacts {
  add(table: Table): void;
  /** So far; may be asked more than once. */
  facts(): ExpectationFacts;
}

/** Facts of tables: every column counts, and a text in a value column is missing. */
export function createTableFacts(source: Pick<SourceSettings, 'time' | 'values'>): TableFacts {
  const missing = new Map<string, number>();
  let rows = 0;
  let newest: bigint | null = null;

  function add(table: Table): void {
    // Of a column that only some tables have, the rows of the others are missing.
    for (const name of table.columns.keys()) if (!missing.has(name)) missing.set(name, rows);
    for (const name of missing.keys()) {
      const column = table.columns.get(name);
      const wantsNumbers = source.values.includes(name);
      missing.set(name, (missing.get(name) ?? 0) + missingCells(column, table.rows, wantsNumbers));
    }
    rows += table.rows;
    const time = table.columns.get(source.time);
    if (time?.kind === 'time') newest = newestOf(time.values, newest);
  }

  function facts(): ExpectationFacts {
    const shares = Array.from(missing, ([name, count]): [string, number] => [name, rows === 0 ? 0 : count / rows]);
    return {
      rows,
      newest,
      columns: [...missing.keys()],
      missing: Object.fromEntries(shares),
      values: source.values,
    };
  }

  return { add, facts };
}

/** Facts of slices: the rows that machines keep, over the source's time, id and value columns. */
export function factsOfSlices(
  slices: readonly Slice[],
  source: Pick<SourceSettings, 'time' | 'id' | 'values'>,
): ExpectationFacts {
  const features = source.values.length;
  const missing = new Float64Array(features);
  let rows = 0;
  let newest: bigint | null = null;
  for (const slice of slices) {
    rows += slice.rows;
    newest = newestOf(slice.times.subarray(-1), newest); // times ascend
    for (let i = 0; i < slice.values.length; i++) {
      if (!Number.isFinite(slice.values[i])) missing[i % features] = (missing[i % features] ?? 0) + 1;
    }
  }
  const shares = source.values.map((name, f): [string, number] => [name, rows === 0 ? 0 : (missing[f] ?? 0) / rows]);
  const whole = [...source.id, source.time].map((name): [string, number] => [name, 0]);
  return {
    rows,
    newest,
    columns: [source.time, ...source.id, ...source.values],
    missing: Object.fromEntries([...whole, ...shares]),
    values: source.values,
  };
}

function missingCells(column: Column | undefined, rows: number, wantsNumbers: boolean): number {
  if (column === undefined) return rows;
  let missing = 0;
  switch (column.kind) {
    case 'time':
      for (const time of column.values) if (time === MISSING_TIME) missing++;
      return missing;
    case 'number':
      for (const value of column.values) if (!Number.isFinite(value)) missing++;
      return missing;
    case 'string':
      if (wantsNumbers) return rows;
      for (const code of column.codes) if (code === -1) missing++;
      return missing;
  }
}

function newestOf(times: BigInt64Array, newest: bigint | null): bigint | null {
  let last = newest;
  for (const time of times) if (time !== MISSING_TIME && (last === null || time > last)) last = time;
  return last;
}
