import { setMaxListeners } from 'node:events';
import { mkdirSync, realpathSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { HalfspaceError } from '../../contract/failures.js';
import { addColumnsSql, createDatabaseSql, loadCatalog } from './catalog.js';
import { quoteText } from './identifiers.js';
import type { BadLine } from './line-protocol.js';
import type { Precision } from './precision.js';
import { DatabaseSchema, TableSchema } from './schema.js';
import { upsertBatch } from './upsert.js';
import { batchFromLines, type TableBatch } from './write-batch.js';

const FILE_NAME = 'standin.duckdb';
const NANOS_PER_MS = 1_000_000n;

/** Files this process holds: DuckDB's own lock only keeps other processes out. */
const held = new Set<string>();

export interface WriteRequest {
  readonly database: string;
  readonly text: string;
  readonly precision: Precision;
  /** Keep the good lines of a request that has bad ones too. */
  readonly acceptPartial: boolean;
}

/** Every database of the stand-in in one DuckDB, on disk or in memory. Writes go one after the other; reads go beside them. */
export class Store {
  readonly databases: Map<string, DatabaseSchema>;
  private readonly instance: DuckDBInstance;
  private readonly path: string | null;
  private readonly writer: DuckDBConnection;
  /** Queries under way, each with the promise of its end. */
  private readonly queries = new Map<symbol, Promise<void>>();
  private readonly stop = new AbortController();
  private queue: Promise<unknown> = Promise.resolve();
  private nextId: number;

  private constructor({ instance, path }: Opened, writer: DuckDBConnection, databases: Map<string, DatabaseSchema>) {
    this.instance = instance;
    this.path = path;
    this.writer = writer;
    this.databases = databases;
    setMaxListeners(0, this.stop.signal); // one a query under way
    const ids = [...databases.values()].flatMap((each) => [each.id, ...[...each.tables.values()].map(({ id }) => id)]);
    this.nextId = ids.reduce((highest, id) => Math.max(highest, id), 0) + 1;
  }

  /** @throws HalfspaceError `BadSettings` when the folder cannot be used or another process holds it. */
  static async open(dataDir: string | null): Promise<Store> {
    const opened = await openInstance(dataDir);
    try {
      const writer = await opened.instance.connect();
      const store = new Store(opened, writer, await loadCatalog(writer));
      await writer.run('SET lock_configuration = true');
      return store;
    } catch (error) {
      opened.instance.closeSync();
      if (opened.path !== null) held.delete(opened.path);
      throw error;
    }
  }

  /** Queries under way. */
  get running(): number {
    return this.queries.size;
  }

  /** Aborted once the store closes: queries are to end then. */
  get closing(): AbortSignal {
    return this.stop.signal;
  }

  /** A connection of its own for one query, which ends it by calling `end`. @throws Error once the store closes. */
  async connect(): Promise<{ readonly connection: DuckDBConnection; readonly end: () => void }> {
    this.stop.signal.throwIfAborted();
    const key = Symbol('query');
    let ended = () => {};
    // Before the first wait: closing under a connection that is just being made would leave it to nobody.
    this.queries.set(
      key,
      new Promise<void>((resolve) => {
        ended = resolve;
      }),
    );
    const forget = () => {
      this.queries.delete(key);
      ended();
    };
    try {
      const connection = await this.instance.connect();
      const end = () => {
        connection.closeSync();
        forget();
      };
      return { connection, end };
    } catch (error) {
      forget();
      throw error;
    }
  }

  /**
   * Writes a request's lines and returns the bad ones; nothing is written when there are some and `acceptPartial` is off.
   * @throws Error when the store closes before its turn comes.
   */
  write(request: WriteRequest): Promise<readonly BadLine[]> {
    const turn = this.queue.then(() => {
      this.stop.signal.throwIfAborted();
      return this.writeNow(request);
    });
    this.queue = turn.catch(() => undefined);
    return turn;
  }

  /**
   * Stops the queries, waits for the write under way, then closes; writes that wait for their turn fail. A connection must not be
   * closed while a statement of it runs: DuckDB would wait for itself, for ever, in a thread that keeps the process.
   */
  async close(): Promise<void> {
    this.stop.abort(new Error('the stand-in is ending'));
    await Promise.all([this.queue, ...this.queries.values()]);
    await this.writer.run('CHECKPOINT').catch(() => undefined); // the write-ahead log keeps what this could not
    this.writer.closeSync();
    this.instance.closeSync();
    if (this.path !== null) held.delete(this.path);
  }

  private async writeNow({
    database: name,
    text,
    precision,
    acceptPartial,
  }: WriteRequest): Promise<readonly BadLine[]> {
    const known = this.databases.get(name) ?? null;
    const now = BigInt(Date.now()) * NANOS_PER_MS;
    const { tables, bad } = batchFromLines(text, precision, now, known);
    if (tables.length === 0 || (bad.length > 0 && !acceptPartial)) return bad;
    const database = known ?? (await this.createDatabase(name));
    // A schema change is a transaction of its own: DuckDB does not append to a table the same transaction has altered.
    const targets: (readonly [TableSchema, TableBatch])[] = [];
    for (const batch of tables) targets.push([await this.prepareTable(database, batch), batch]);
    await this.transact(async () => {
      for (const [table, batch] of targets) await upsertBatch(this.writer, database, table, batch);
    });
    for (const [table, batch] of targets) noteHints(table, batch);
    return bad;
  }

  private async createDatabase(name: string): Promise<DatabaseSchema> {
    const database = new DatabaseSchema(this.nextId++, name);
    await this.transact(() => this.writer.run(createDatabaseSql(database)));
    this.databases.set(name, database);
    return database;
  }

  private async prepareTable(database: DatabaseSchema, batch: TableBatch): Promise<TableSchema> {
    const { table: known, name, columns, added } = batch;
    if (known !== null && added.length === 0) return known;
    const table = known ?? new TableSchema(this.nextId++, Buffer.from(name).toString());
    const sql = addColumnsSql(database, { id: table.id, name, isNew: known === null }, columns, added);
    await this.transact(() => this.writer.run(sql));
    for (const column of added) table.add(column);
    database.tables.set(table.name, table);
    return table;
  }

  private async transact(work: () => Promise<unknown>): Promise<void> {
    await this.writer.run('BEGIN');
    try {
      await work();
      await this.writer.run('COMMIT');
    } catch (error) {
      await this.writer.run('ROLLBACK').catch(() => undefined); // the first error says what was wrong
      throw error;
    }
  }
}

function noteHints(table: TableSchema, batch: TableBatch): void {
  for (const [series, { byTime }] of batch.series) for (const time of byTime.keys()) table.latest.note(series, time);
  for (const [index, { name }] of batch.columns.entries()) {
    const dictionary = table.dictionaries.get(name);
    if (dictionary === undefined) continue;
    let last: unknown;
    for (const value of batch.values[index] ?? []) {
      if (typeof value === 'string' && value !== last) dictionary.add(value);
      last = value;
    }
  }
}

interface Opened {
  readonly instance: DuckDBInstance;
  /** null: in memory. */
  readonly path: string | null;
}

async function openInstance(dataDir: string | null): Promise<Opened> {
  if (dataDir === null) return { instance: await openInMemory(), path: null };
  try {
    mkdirSync(dataDir, { recursive: true });
    const path = join(realpathSync(dataDir), FILE_NAME);
    if (held.has(path)) throw new Error('this process holds its lock already');
    const instance = await DuckDBInstance.create(path, SETTINGS);
    held.add(path);
    return { instance, path };
  } catch (error) {
    const text = (error instanceof Error ? error.message : String(error)).replace(/\s+/g, ' ').slice(0, 300);
    const remedy = /lock/i.test(text)
      ? `another stand-in uses it (${text}). Stop that one, or choose another folder`
      : `it could not be opened (${text}). Choose another folder, or move this one away`;
    throw new HalfspaceError('BadSettings', `InfluxDB stand-in: data folder ${dataDir}: ${remedy}.`, { cause: error });
  }
}

/** DuckDB would spill into `.tmp` of the current folder, and the place can only be set while files are open to it. */
async function openInMemory(): Promise<DuckDBInstance> {
  const { enable_external_access: access, ...others } = SETTINGS;
  const instance = await DuckDBInstance.create(':memory:', others);
  const connection = await instance.connect();
  const spill = join(tmpdir(), `halfspace-standin-${process.pid}`);
  await connection.run(`SET temp_directory = ${quoteText(spill)}; SET enable_external_access = ${access}`);
  connection.closeSync();
  return instance;
}

const SETTINGS = {
  enable_external_access: 'false', // SQL reaches no file, no network and no extension
  autoload_known_extensions: 'false',
  autoinstall_known_extensions: 'false',
  // As DataFusion has it.
  integer_division: 'true',
  default_null_order: 'nulls_last_on_asc_first_on_desc',
};
