import type { DuckDBConnection } from '@duckdb/node-api';
import { appendBatch } from './append.js';
import { schemaOf, storedTableOf } from './catalog.js';
import { encodeName, quoteName } from './identifiers.js';
import type { DatabaseSchema, TableSchema } from './schema.js';
import type { TableBatch } from './write-batch.js';

const STAGE = quoteName('^_stage');

/**
 * Writes a batch inside the open transaction of `connection`: a row with the tags and time of a stored one replaces it,
 * keeping fields it does not give. Rows later than all that is stored of their series cannot meet any: they are only appended.
 */
export async function upsertBatch(
  connection: DuckDBConnection,
  database: DatabaseSchema,
  table: TableSchema,
  batch: TableBatch,
): Promise<void> {
  const schema = schemaOf(database.id);
  if (isLater(table, batch)) {
    const appender = await connection.createAppender(storedTableOf(table.id), schema);
    try {
      appendBatch(appender, batch);
    } finally {
      appender.closeSync();
    }
    return;
  }
  const stored = `${quoteName(schema)}.${quoteName(storedTableOf(table.id))}`;
  await connection.run(`CREATE OR REPLACE TEMP TABLE ${STAGE} AS SELECT * FROM ${stored} LIMIT 0`);
  const appender = await connection.createAppender('^_stage', 'main', 'temp');
  try {
    appendBatch(appender, batch);
  } finally {
    appender.closeSync();
  }
  const [from, to] = rangeOf(batch.times);
  // The bounds let DuckDB skip row groups by their smallest and largest time.
  const meets = [
    `old."time" BETWEEN make_timestamp_ns(${from}) AND make_timestamp_ns(${to})`,
    'old."time" = new."time"',
    ...columnsOf(batch, 'tag').map((name) => `old.${name} IS NOT DISTINCT FROM new.${name}`),
  ].join(' AND ');
  const kept = columnsOf(batch, 'field').map((name) => `${name} = coalesce(new.${name}, old.${name})`);
  const [met] = (
    await connection.runAndReadAll(`SELECT count(*) FROM ${STAGE} new JOIN ${stored} old ON ${meets}`)
  ).getRows();
  if (met?.[0] !== 0n) {
    if (kept.length > 0)
      await connection.run(`UPDATE ${STAGE} AS new SET ${kept.join(', ')} FROM ${stored} old WHERE ${meets}`);
    await connection.run(`DELETE FROM ${stored} AS old USING ${STAGE} new WHERE ${meets}`);
  }
  await connection.run(`INSERT INTO ${stored} SELECT * FROM ${STAGE}`);
}

function isLater({ latest }: TableSchema, { series }: TableBatch): boolean {
  for (const [key, { byTime }] of series) {
    for (const time of byTime.keys()) if (!latest.isBefore(key, time)) return false;
  }
  return true;
}

/** First and last of the times, which are at least one. */
function rangeOf(times: readonly bigint[]): readonly [bigint, bigint] {
  let from = times[0] ?? 0n;
  let to = from;
  for (const time of times) {
    if (time < from) from = time;
    else if (time > to) to = time;
  }
  return [from, to];
}

function columnsOf(batch: TableBatch, which: 'tag' | 'field'): string[] {
  return batch.columns
    .filter(({ kind }) => (which === 'tag' ? kind === 'tag' : kind !== 'tag' && kind !== 'time'))
    .map(({ name }) => quoteName(encodeName(name)));
}
