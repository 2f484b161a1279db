import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Connection } from '@temporalio/client';
import { HalfspaceError } from '../../contract/failures.js';
import { SEARCH_ATTRIBUTES } from '../../contract/search-attributes.js';
import { keepDatabase, prepareDatabase } from './database.js';
import { findFreePort, isPortFree } from './free-port.js';
import { endStaleServer, removePidFile, writePidFile } from './pid-file.js';
import { endProcess } from './running-process.js';
import { type Exit, readLogTail, type ServerProcess, spawnServer } from './server-process.js';

export interface TemporalServerOptions {
  /** A Temporal CLI of 1.0 or later; see `findTemporalCli`. */
  readonly cliPath: string;
  readonly host?: string;
  /** gRPC port; 0 takes a free one. */
  readonly port: number;
  /** Port of the web UI; 0 takes a free one. */
  readonly uiPort: number;
  /** State that outlives the server, made when missing and anew when it has never served; null keeps it in memory. */
  readonly dbFile: string | null;
  readonly namespace?: string;
  /** Emptied at each start; null (the default) keeps the log in a temporary file until the server is closed. */
  readonly logFile?: string | null;
  /** Notes the running server; one that an earlier, killed process left behind is ended first. The caller holds a lock over it. */
  readonly pidFile?: string | null;
  /** Longest wait until it serves. */
  readonly startTimeoutMs?: number;
}

export interface TemporalServer {
  /** `host:port` of the gRPC service. */
  readonly address: string;
  readonly uiUrl: string;
  readonly pid: number;
  /** Settles when the server is gone, closed or not. */
  readonly exited: Promise<Exit>;
  /** Ends it: SIGTERM, after 5 s SIGKILL. May be called more than once. */
  close(): Promise<void>;
}

const CLOSE_GRACE_MS = 5_000; // it stops in 1.1 s when idle (Temporal CLI 1.9.1)
const LOG_TAIL_LINES = 8;
const PORT_TRIES = 3; // a free port may be taken between finding and using it
const POLL_MS = 50;

/**
 * Temporal's development server with its UI, serving: the namespace exists and halfspace's search attributes can be used.
 * @throws HalfspaceError `BadSettings` when a port is in use or the program cannot be started, `ServerFault` with the log's end when it
 * exits, `TimedOut` when it does not serve in time. Nothing is left running then.
 */
export async function startTemporalServer(options: TemporalServerOptions): Promise<TemporalServer> {
  const { host = '127.0.0.1', dbFile, pidFile = null } = options;
  if (pidFile !== null) await endStaleServer(pidFile, CLOSE_GRACE_MS);
  if (dbFile !== null) await mkdir(dirname(dbFile), { recursive: true });
  const scratch = options.logFile == null ? await mkdtemp(join(tmpdir(), 'halfspace-temporal-')) : null;
  const logFile = options.logFile ?? join(scratch ?? tmpdir(), 'temporal.log');
  const cleanUp = async (): Promise<void> => {
    if (pidFile !== null) await removePidFile(pidFile);
    if (scratch !== null) await rm(scratch, { recursive: true, force: true });
  };
  try {
    for (let attempt = 1; ; attempt++) {
      const port = await choosePort(host, options.port, 'frontend');
      const uiPort = await choosePort(host, options.uiPort, 'UI');
      if (dbFile !== null) await prepareDatabase(dbFile);
      const server = await spawnServer(options.cliPath, serverArguments(options, host, port, uiPort), logFile);
      try {
        if (pidFile !== null) await writePidFile(pidFile, server.pid, server.command);
        await waitUntilServing(server, `${host}:${port}`, options, logFile);
        if (dbFile !== null) await keepDatabase(dbFile);
      } catch (error) {
        await endProcess(server.pid, CLOSE_GRACE_MS);
        if (attempt < PORT_TRIES && (await isOtherPortTaken(logFile, options))) continue;
        throw error;
      }
      let closing: Promise<void> | undefined;
      return {
        address: `${host}:${port}`,
        uiUrl: `http://${host}:${uiPort}`,
        pid: server.pid,
        exited: server.exited,
        close: () => {
          closing ??= endProcess(server.pid, CLOSE_GRACE_MS).then(cleanUp);
          return closing;
        },
      };
    }
  } catch (error) {
    await cleanUp();
    throw error;
  }
}

function serverArguments(options: TemporalServerOptions, host: string, port: number, uiPort: number): string[] {
  const { dbFile, namespace = 'default' } = options;
  const args = ['server', 'start-dev', '--ip', host, '--port', String(port), '--ui-port', String(uiPort)];
  args.push('--log-level', 'warn', '--namespace', namespace);
  if (dbFile !== null) {
    // a third of the time for each write to a file; a power cut may cost the last moments
    args.push('--db-filename', resolve(dbFile), '--sqlite-pragma', 'journal_mode=WAL');
    args.push('--sqlite-pragma', 'synchronous=NORMAL');
  }
  for (const [name, type] of Object.entries(SEARCH_ATTRIBUTES)) args.push('--search-attribute', `${name}=${type}`);
  return args;
}

async function waitUntilServing(
  server: ServerProcess,
  address: string,
  options: TemporalServerOptions,
  logFile: string,
): Promise<void> {
  const { startTimeoutMs = 30_000 } = options;
  const untilMs = Date.now() + startTimeoutMs;
  let lastError: unknown;
  while (Date.now() < untilMs) {
    if (server.hasExited()) throw await exitError(await server.exited, options, logFile);
    try {
      if (await isServing(address, options)) return;
    } catch (error) {
      lastError = error;
    }
    await Promise.race([sleep(POLL_MS), server.exited]);
  }
  throw new HalfspaceError(
    'TimedOut',
    `Temporal's development server did not serve ${address} within ${startTimeoutMs / 1000} s.\n${await readLogTail(logFile, LOG_TAIL_LINES)}`,
    { cause: lastError },
  );
}

async function isServing(address: string, options: TemporalServerOptions): Promise<boolean> {
  const { namespace = 'default' } = options;
  const connection = await Connection.connect({ address, connectTimeout: '1s' });
  try {
    await connection.workflowService.describeNamespace({ namespace });
    const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace });
    return Object.keys(SEARCH_ATTRIBUTES).every((name) => name in (customAttributes ?? {}));
  } finally {
    await connection.close();
  }
}

/** Asked before the start, because a server that already listens there would answer the question "does it serve yet?". */
async function choosePort(host: string, wanted: number, which: string): Promise<number> {
  if (wanted === 0) return findFreePort(host);
  if (await isPortFree(host, wanted)) return wanted;
  throw portInUse(which, wanted);
}

function portInUse(which: string, port: number): HalfspaceError {
  const [what, setting] = which === 'UI' ? ["Temporal's web UI", '--ui-port'] : ['Temporal', '--temporal-port'];
  return new HalfspaceError(
    'BadSettings',
    `Port ${port} for ${what} is in use. End what listens there, or choose another with ${setting} (0 takes a free one).`,
  );
}

/** What the CLI 1.9 prints when it cannot bind. */
const PORT_TAKEN = /can't set (frontend|UI) port (\d+)/;

/** What it prints of a database whose tables were never all made; these hold what each start needs. */
const HALF_MADE = /no such table: (namespaces|cluster_metadata_info)/;

async function exitError(exit: Exit, options: TemporalServerOptions, logFile: string): Promise<HalfspaceError> {
  const tail = await readLogTail(logFile, LOG_TAIL_LINES);
  const taken = PORT_TAKEN.exec(tail);
  if (taken !== null) return portInUse(taken[1] ?? '', Number(taken[2]));
  if (options.dbFile !== null && HALF_MADE.test(tail)) {
    const file = resolve(options.dbFile);
    const what = `${file} is half made: the start that was to make it came to no end, and no server has used it`;
    return new HalfspaceError('ServerFault', `${what}. Remove it and start again (rm ${file}*).`);
  }
  const how = exit.signal === null ? `exit code ${exit.code}` : `signal ${exit.signal}`;
  return new HalfspaceError(
    'ServerFault',
    `Temporal's development server (${options.cliPath}) ended at once, ${how}.\n${tail}`,
  );
}

/** True when the start failed on a port that nobody asked for: one of ours to choose, or one the server picks for itself. */
async function isOtherPortTaken(logFile: string, options: TemporalServerOptions): Promise<boolean> {
  const tail = await readLogTail(logFile, LOG_TAIL_LINES);
  if (!tail.includes('address already in use')) return false;
  const taken = PORT_TAKEN.exec(tail);
  return taken === null || Number(taken[2]) !== (taken[1] === 'UI' ? options.uiPort : options.port);
}
