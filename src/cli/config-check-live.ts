import type { TemporalClient } from '../client.js';
import type { Settings } from '../config/load.js';
import { HalfspaceError } from '../contract/failures.js';
import type { SourceSettings } from '../contract/pipeline.js';
import type { Influx } from '../influx/connect.js';
import type { Checks } from './checks.js';

/** How far back a custom query is tried; a few rows are enough to see its columns. */
const QUERY_SPAN_MS = 24 * 3_600_000;

/** Looks at the database that `influx` leads to, and at each pipeline's source in it. Only reads. */
export async function checkDatabase(influx: Influx, { pipelines }: Settings, checks: Checks): Promise<void> {
  const { listTables } = await import('../influx/schema.js');
  const { host, database } = influx;
  const tables = await checks.attempt('database', async () => {
    const names = await listTables(influx);
    checks.good('database', `${database} at ${host}, ${names.length} ${names.length === 1 ? 'table' : 'tables'}`);
    return names;
  });
  if (tables === null) return;
  for (const [name, { source, output, aggregate }] of Object.entries(pipelines)) {
    const check = `source of ${name}`;
    await checks.attempt(check, async () => checks.good(check, await checkSource(source, tables, influx)));
    const written = { output: [output, 'scores'], aggregate: [aggregate, 'rows'] } as const;
    for (const [setting, [into, what]] of Object.entries(written)) {
      if (into === null) continue;
      const { table } = into;
      const exists = tables.includes(table);
      const message = exists ? `table ${table} exists` : `table ${table} is made by the first run with ${what}`;
      checks.good(`${setting} of ${name}`, message);
    }
  }
  checks.good('right to write', 'not checked, because a check would write');
}

/** What is there; throws when the source cannot be read as the settings say. */
async function checkSource(source: SourceSettings, tables: readonly string[], influx: Influx): Promise<string> {
  if (source.query !== null) return tryQuery(source, source.query, influx);
  const table = source.table ?? '';
  if (!tables.includes(table)) {
    const known = tables.length === 0 ? 'the database has no tables yet' : `tables: ${tables.join(', ')}`;
    throw new HalfspaceError('MissingTable', `no table ${table}; ${known}`);
  }
  const { describeTable } = await import('../influx/schema.js');
  const columns = new Map((await describeTable(influx, table)).map((column) => [column.name, column.kind]));
  const wrong: string[] = [];
  const expectKind = (column: string, kinds: readonly string[], role: string) => {
    const kind = columns.get(column);
    if (kind === undefined) wrong.push(`no column ${column}`);
    else if (!kinds.includes(kind)) wrong.push(`${role} ${column} is of kind ${kind}, expected ${kinds.join(' or ')}`);
  };
  for (const column of source.id) expectKind(column, ['tag', 'string'], 'id column');
  for (const column of source.values) expectKind(column, ['number', 'boolean'], 'value column');
  expectKind(source.time, ['time'], 'time column');
  if (wrong.length > 0) {
    const known = [...columns].map(([column, kind]) => `${column} (${kind})`).join(', ');
    throw new HalfspaceError('BadSchema', `table ${table}: ${wrong.join('; ')}; its columns: ${known}`);
  }
  return `table ${table} has ${[...source.id, ...source.values].join(', ')}`;
}

/** Runs the query on the last day and looks at the columns of the first rows. */
async function tryQuery(source: SourceSettings, query: string, influx: Influx): Promise<string> {
  const { checkColumns } = await import('../influx/source-failures.js');
  const now = Date.now();
  const bounds = { from: new Date(now - QUERY_SPAN_MS).toISOString(), to: new Date(now).toISOString() };
  // Only those that the text names may be bound.
  const params = Object.fromEntries(Object.entries(bounds).filter(([key]) => new RegExp(`\\$${key}\\b`).test(query)));
  const text = query.trim().replace(/;$/, '');
  const { language } = source;
  // InfluxQL looks for bounds of time in the inner query alone; the call ends with its first rows either way.
  const probe = language === 'influxql' ? text : `SELECT * FROM (${text}) AS source LIMIT 1`;
  for await (const table of influx.query(probe, params, { language })) {
    checkColumns(source, table);
    return `the query has ${[...source.id, ...source.values].join(', ')}`;
  }
  return 'the query runs and has no rows yet, so its columns were not checked';
}

/** Looks into the store as the next run would; only reads. */
export async function checkStore({ storeUrl, s3 }: Settings, checks: Checks): Promise<void> {
  await checks.attempt('store', async () => {
    const { openStorage } = await import('../store/storage.js');
    const storage = openStorage(storeUrl ?? '', s3);
    await storage.list('progress');
    checks.good(
      'store',
      `${storage.locate('').replace(/\/$/, '')} can be read; a worker tries to write when it starts`,
    );
  });
}

/** Asks the Temporal server for its namespace. */
export async function checkTemporal(connect: () => Promise<TemporalClient>, checks: Checks): Promise<void> {
  await checks.attempt('temporal', async () => {
    const temporal = await connect();
    const { client, operatorService, namespace, address } = temporal;
    const { findSearchAttributes, unusedText } = await import('../search-attributes.js');
    try {
      await client.workflowService.describeNamespace({ namespace });
      checks.good('temporal', `${address}, namespace ${namespace}`);
      const services = { workflowService: client.workflowService, operatorService };
      // A server that does not tell has them unused.
      const found = await findSearchAttributes(services, namespace).catch(() => null);
      const unused = found?.kind === 'mistyped' ? unusedText(found, namespace) : null;
      if (unused !== null) checks.remark('temporal', unused);
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      throw new HalfspaceError('BadSettings', `namespace ${namespace} at ${address}: ${message}`, { cause: error });
    } finally {
      await temporal.close();
    }
  });
}
