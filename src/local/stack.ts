import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { z } from 'zod';
import type { Environment } from '../config/environment.js';
import { HalfspaceError } from '../contract/failures.js';
import { type Home, homeAt, lockHome } from './home.js';
import { type StandIn, startStandIn } from './standin/server.js';
import { removeDatabase } from './temporal/database.js';
import { findTemporalCli } from './temporal/find-cli.js';
import { isPortFree } from './temporal/free-port.js';
import { startTemporalServer, type TemporalServer } from './temporal/server.js';

export interface StackOptions {
  /** Folder of state and logs, `.halfspace` by convention. */
  readonly home: string;
  /** Each port: 0 takes a free one. */
  readonly influxPort: number;
  readonly temporalPort: number;
  readonly uiPort: number;
  /** What the stand-in asks of its clients; null lets everyone in. */
  readonly token: string | null;
  /** Where a Temporal CLI may be. */
  readonly environment: Pick<Environment, 'cacheHome' | 'temporalCliPath' | 'searchPath'>;
  /** Keeps nothing on disk but logs and downloads. */
  readonly inMemory?: boolean;
  /** Removes what an earlier stack kept in the home, once nobody else uses it. */
  readonly fresh?: boolean;
  /** Told what is being done, one short line a call. */
  readonly onProgress?: (text: string) => void;
  readonly signal?: AbortSignal;
}

/** Where the servers of a running stack are. */
export interface StackAddresses {
  readonly influxUrl: string;
  /** `host:port`. */
  readonly temporalAddress: string;
  readonly uiUrl: string;
}

export interface Stack extends StackAddresses {
  /** Absolute folder of everything that stays. */
  readonly home: string;
  /** Absolute folder of artifacts and snapshots. */
  readonly storeDir: string;
  /** Settles when a server died by itself, with what to tell; never once `close` was called. */
  readonly failed: Promise<HalfspaceError>;
  /** Ends the servers and gives the home back, within 10 s. May be called more than once. */
  close(): Promise<void>;
}

const HOST = '127.0.0.1';
const STAND_IN_CLOSE_MS = 5_000; // its longest piece of work is one write; Temporal's server has a limit of its own

/**
 * The embedded InfluxDB stand-in and Temporal's development server, both serving; one stack a home.
 * @throws HalfspaceError `BadSettings` when the home or a port is taken, or what `findTemporalCli` and the servers throw. Nothing is left
 * running then.
 */
export async function startStack(options: StackOptions): Promise<Stack> {
  const {
    influxPort,
    temporalPort,
    uiPort,
    token,
    environment,
    inMemory = false,
    fresh = false,
    onProgress,
    signal,
  } = options;
  const home = homeAt(options.home);
  const lock = await lockHome(home);
  let standIn: StandIn | undefined;
  let temporal: TemporalServer | undefined;
  const close = async (): Promise<void> => {
    const results = await Promise.allSettled([
      temporal?.close(),
      standIn === undefined ? undefined : within(STAND_IN_CLOSE_MS, standIn.close()),
    ]);
    await rm(home.stackFile, { force: true });
    await lock.release();
    for (const result of results) if (result.status === 'rejected') throw result.reason;
  };
  try {
    if (influxPort !== 0 && !(await isPortFree(HOST, influxPort))) {
      throw new HalfspaceError(
        'BadSettings',
        `Port ${influxPort} for InfluxDB is in use. End what listens there, or choose another with --influx-port (0 takes a free one).`,
      );
    }
    if (fresh) await emptyHome(home);
    const cliPath = await findTemporalCli({
      cacheDir: environment.cacheHome,
      cliPath: environment.temporalCliPath,
      pathVariable: environment.searchPath,
      ...(onProgress === undefined ? {} : { onProgress }),
      ...(signal === undefined ? {} : { signal }),
    });
    if (!inMemory) await mkdir(home.influxDir, { recursive: true });
    onProgress?.('starting the InfluxDB stand-in');
    standIn = await startStandIn({ host: HOST, port: influxPort, dataDir: inMemory ? null : home.influxDir, token });
    signal?.throwIfAborted();
    onProgress?.("starting Temporal's development server");
    temporal = await startTemporalServer({
      cliPath,
      host: HOST,
      port: temporalPort,
      uiPort,
      dbFile: inMemory ? null : home.temporalDb,
      logFile: home.temporalLog,
      pidFile: home.temporalPid,
    });
    signal?.throwIfAborted();
    const addresses = { influxUrl: standIn.url, temporalAddress: temporal.address, uiUrl: temporal.uiUrl };
    await writeFile(home.stackFile, `${JSON.stringify({ pid: process.pid, ...addresses }, null, 2)}\n`);

    let closing: Promise<void> | undefined;
    const { pid, exited } = temporal;
    const failed = new Promise<HalfspaceError>((settle) => {
      void exited.then(({ code, signal: by }) => {
        if (closing !== undefined) return;
        const how = by === null ? `exit code ${code}` : `signal ${by}`;
        const message = `Temporal's development server (process ${pid}) ended, ${how}. Its log is ${home.temporalLog}.`;
        settle(new HalfspaceError('ServerFault', message));
      });
    });
    return {
      ...addresses,
      home: home.dir,
      storeDir: home.storeDir,
      failed,
      close: () => {
        closing ??= close();
        return closing;
      },
    };
  } catch (error) {
    // the reason of the start's failure matters more than trouble on the way out
    await close().catch(() => undefined);
    throw error;
  }
}

/** The lock stays, and the note of a Temporal server that an earlier, killed stack may have left running. */
async function emptyHome({ temporalDb, influxDir, storeDir, logsDir }: Home): Promise<void> {
  await removeDatabase(temporalDb);
  for (const path of [influxDir, storeDir, logsDir]) await rm(path, { recursive: true, force: true });
}

const stackFileSchema = z.object({ influxUrl: z.string(), temporalAddress: z.string(), uiUrl: z.string() });

/** The addresses of the stack that runs in a home; null when none does (or it was killed and nobody started one since). */
export async function readStack(homeDir: string): Promise<StackAddresses | null> {
  const text = await readFile(homeAt(homeDir).stackFile, 'utf8').catch(() => null);
  if (text === null) return null;
  try {
    return stackFileSchema.parse(JSON.parse(text));
  } catch {
    return null;
  }
}

async function within(limitMs: number, work: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<void>((_, late) => {
    timer = setTimeout(
      () => late(new HalfspaceError('ServerFault', `The InfluxDB stand-in did not close within ${limitMs / 1000} s.`)),
      limitMs,
    );
  });
  try {
    await Promise.race([work, limit]);
  } finally {
    clearTimeout(timer);
  }
}
