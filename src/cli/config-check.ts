import type { TemporalClient } from '../client.js';
import { loadSettings, type Settings } from '../config/load.js';
import type { InfluxSettings } from '../config/schema.js';
import { SettingsError } from '../config/settings-error.js';
import { HalfspaceError } from '../contract/failures.js';
import type { PipelineSettings, SourceSettings } from '../contract/pipeline.js';
import type { CliIo } from './io.js';

export interface ConfigCheckOptions {
  readonly config?: string | undefined;
  /** Also ask the database and Temporal. */
  readonly live?: boolean | undefined;
  /** Instead of the working directory and the environment. */
  readonly cwd?: string | undefined;
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  /** Instead of Temporal's address in the environment. */
  readonly connect?: (() => Promise<TemporalClient>) | undefined;
}

interface Check {
  readonly name: string;
  readonly ok: boolean;
  /** What was found; for a failure also what to do. */
  readonly message: string;
}

/** How far back a custom query is tried; one row is enough to see its columns. */
const QUERY_SPAN_MS = 24 * 3_600_000;

/**
 * Prints one line a check and gives true when all are well. `live` reads from the database and asks Temporal; nothing
 * is ever written.
 */
export async function configCheck(options: ConfigCheckOptions, io: CliIo): Promise<boolean> {
  const checks: Check[] = [];
  const say = (check: Check) => {
    checks.push(check);
    if (!io.json) io.stdout(`${check.ok ? 'ok     ' : 'problem'} ${check.name}: ${check.message}\n`);
  };

  const settings = checkFile(options, say);
  if (settings !== null && options.live === true) {
    await checkInflux(settings, say);
    await checkTemporal(options, say);
  }
  const ok = checks.every((check) => check.ok);
  if (io.json) io.stdout(`${JSON.stringify({ ok, file: settings?.file ?? null, checks }, null, 2)}\n`);
  return ok;
}

type Say = (check: Check) => void;

function checkFile({ config, cwd, env }: ConfigCheckOptions, say: Say): Settings | null {
  try {
    const settings = loadSettings({ file: config, ...(cwd && { cwd }), ...(env && { env }) });
    const origin = settings.shipped ? ' (the one that comes with halfspace)' : '';
    say({ name: 'settings', ok: true, message: `${settings.file}${origin}` });
    for (const [name, pipeline] of Object.entries(settings.pipelines)) {
      const role = name === settings.defaultPipeline ? ', the default' : '';
      say({ name: `pipeline ${name}`, ok: true, message: `${summaryOf(pipeline)}${role}` });
    }
    for (const [name, channel] of Object.entries(settings.channels)) {
      const isLogged = channel.kind === 'slack' && channel.webhook === null;
      say({
        name: `channel ${name}`,
        ok: true,
        message: `${channel.kind}${isLogged ? ', no webhook: messages go to the log' : ''}`,
      });
    }
    return settings;
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error;
    for (const line of error.message.split('\n')) say({ name: 'settings', ok: false, message: line });
    return null;
  }
}

function summaryOf({ mode, source, detector, schedule, output }: PipelineSettings): string {
  const from = source.table === null ? 'a query' : `table ${source.table}`;
  const to = output === null ? 'scores not written' : `scores to ${output.table}`;
  return `${mode}, ${from}, ${detector.kind}, ${to}, ${schedule === null ? 'no schedule' : `schedule ${schedule}`}`;
}

async function checkInflux(settings: Settings, say: Say): Promise<void> {
  const { createInflux } = await import('../influx/connect.js');
  const { listTables } = await import('../influx/schema.js');
  const influx = createInflux(influxOptions(settings.influx));
  const { host, database } = settings.influx;
  try {
    const tables = await found('database', say, async () => {
      const names = await listTables(influx);
      say({ name: 'database', ok: true, message: `${database} at ${host}, ${names.length} tables` });
      return names;
    });
    if (tables === null) return;
    for (const [name, { source, output }] of Object.entries(settings.pipelines)) {
      await found(`source of ${name}`, say, () => checkSource(name, source, tables, influx, say));
      if (output === null) continue;
      const exists = tables.includes(output.table);
      say({
        name: `output of ${name}`,
        ok: true,
        message: exists ? `table ${output.table} exists` : `table ${output.table} is made by the first run with scores`,
      });
    }
    say({ name: 'right to write', ok: true, message: 'not checked, because a check would write' });
  } finally {
    await influx.close();
  }
}

type Influx = import('../influx/connect.js').Influx;

async function checkSource(
  name: string,
  source: SourceSettings,
  tables: readonly string[],
  influx: Influx,
  say: Say,
): Promise<void> {
  const check = `source of ${name}`;
  if (source.query !== null) {
    say({ name: check, ok: true, message: await tryQuery(source, source.query, influx) });
    return;
  }
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
  for (const column of source.values) expectKind(column, ['number'], 'value column');
  expectKind(source.time, ['time'], 'time column');
  if (wrong.length > 0) {
    const known = [...columns].map(([column, kind]) => `${column} (${kind})`).join(', ');
    throw new HalfspaceError('BadSchema', `table ${table}: ${wrong.join('; ')}; its columns: ${known}`);
  }
  say({ name: check, ok: true, message: `table ${table} has ${[...source.id, ...source.values].join(', ')}` });
}

/** Runs the query for one row of the last day and looks at its columns. */
async function tryQuery(source: SourceSettings, query: string, influx: Influx): Promise<string> {
  const { checkColumns } = await import('../influx/source-failures.js');
  const now = Date.now();
  const bounds = { from: new Date(now - QUERY_SPAN_MS).toISOString(), to: new Date(now).toISOString() };
  // Only those that the text names may be bound.
  const params = Object.fromEntries(Object.entries(bounds).filter(([key]) => new RegExp(`\\$${key}\\b`).test(query)));
  const text = query.trim().replace(/;$/, '');
  for await (const table of influx.query(`SELECT * FROM (${text}) AS source LIMIT 1`, params)) {
    checkColumns(source, table);
    return `the query has ${[...source.id, ...source.values].join(', ')}`;
  }
  return 'the query runs and has no rows yet, so its columns were not checked';
}

async function checkTemporal({ connect }: ConfigCheckOptions, say: Say): Promise<void> {
  const { connectTemporal } = await import('../client.js');
  await found('temporal', say, async () => {
    const temporal = await (connect ?? connectTemporal)();
    const { client, namespace, address } = temporal;
    try {
      await client.workflowService.describeNamespace({ namespace });
      say({ name: 'temporal', ok: true, message: `${address}, namespace ${namespace}` });
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      throw new HalfspaceError('BadSettings', `namespace ${namespace} at ${address}: ${message}`, { cause: error });
    } finally {
      await temporal.close();
    }
  });
}

/** What `look` finds; a failure of a known kind becomes a line, and null. */
async function found<T>(name: string, say: Say, look: () => Promise<T>): Promise<T | null> {
  try {
    return await look();
  } catch (error) {
    if (!(error instanceof HalfspaceError)) throw error;
    say({ name, ok: false, message: error.message });
    return null;
  }
}

function influxOptions({ host, token, database, query_timeout, write_timeout }: InfluxSettings) {
  return { host, token, database, queryTimeoutMs: query_timeout, writeTimeoutMs: write_timeout };
}
