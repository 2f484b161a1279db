import { randomUUID } from 'node:crypto';
import { link, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { HalfspaceError } from '../contract/failures.js';
import { commandLine, isAlive } from './temporal/running-process.js';

/** Where the embedded servers keep what they know; all paths absolute. */
export interface Home {
  /** The folder itself, `.halfspace` in the project by default. */
  readonly dir: string;
  readonly temporalDb: string;
  readonly temporalPid: string;
  /** Data folder of the InfluxDB stand-in. */
  readonly influxDir: string;
  /** Artifacts and snapshots. */
  readonly storeDir: string;
  readonly logsDir: string;
  readonly temporalLog: string;
  /** Addresses of the running stack, for other commands; no secrets. */
  readonly stackFile: string;
  readonly lockFile: string;
}

/** The layout of a home; nothing is made on disk. */
export function homeAt(dir: string): Home {
  const root = resolve(dir);
  return {
    dir: root,
    temporalDb: join(root, 'temporal.db'),
    temporalPid: join(root, 'temporal.pid'),
    influxDir: join(root, 'influx'),
    storeDir: join(root, 'store'),
    logsDir: join(root, 'logs'),
    temporalLog: join(root, 'logs', 'temporal.log'),
    stackFile: join(root, 'stack.json'),
    lockFile: join(root, 'lock'),
  };
}

export interface HomeLock {
  /** Gives the home back; may be called more than once. */
  release(): Promise<void>;
}

const holderSchema = z.object({ pid: z.int().positive(), command: z.string(), id: z.string() });
type Holder = z.infer<typeof holderSchema>;
const NOBODY = 0;

/**
 * Makes the home's folder and takes it for this process: one stack a home. The lock of a process that died is taken over.
 * @throws HalfspaceError `BadSettings` naming the process that holds it, or why the folder cannot be used.
 */
export async function lockHome(home: Home): Promise<HomeLock> {
  try {
    await mkdir(home.logsDir, { recursive: true });
    return await takeLock(home);
  } catch (error) {
    throw error instanceof HalfspaceError ? error : unusable(home, error);
  }
}

async function takeLock(home: Home): Promise<HomeLock> {
  const holder: Holder = { pid: process.pid, command: (await commandLine(process.pid)) ?? '', id: randomUUID() };
  const mine = `${home.lockFile}.${holder.id}`;
  await writeFile(mine, `${JSON.stringify(holder)}\n`);
  try {
    // link is atomic and fails when the name exists, so of two that start at once one loses and looks again
    while (!(await linkUnlessThere(mine, home.lockFile))) {
      const other = await readHolder(home.lockFile);
      if (other === null) continue;
      if (await isHeldBy(other)) throw inUse(home, other);
      if (await succeed(home, mine, other)) break;
    }
  } finally {
    await rm(mine, { force: true });
  }
  return {
    release: async () => {
      if ((await readHolder(home.lockFile))?.id === holder.id) await rm(home.lockFile, { force: true });
    },
  };
}

async function linkUnlessThere(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  }
}

/** The process lives and is still the one that wrote the lock: ids are used again, command lines seldom with them. */
async function isHeldBy(holder: Holder): Promise<boolean> {
  if (holder.pid === NOBODY || !(await isAlive(holder.pid))) return false;
  const now = await commandLine(holder.pid);
  return now === null || holder.command === '' || now === holder.command;
}

/**
 * Replaces a dead holder's lock by `mine`; false when another was faster. Only who holds the claim named after the dead one may
 * replace its lock, and looks again once it has the claim, so a lock that has moved on meanwhile is never replaced.
 */
async function succeed(home: Home, mine: string, dead: Holder): Promise<boolean> {
  const claim = `${home.lockFile}.after-${dead.id}`;
  if (!(await linkUnlessThere(mine, claim))) {
    const claimer = await readHolder(claim);
    if (claimer !== null && (await isHeldBy(claimer))) throw inUse(home, claimer);
    await rm(claim, { force: true });
    return false;
  }
  try {
    if ((await readHolder(home.lockFile))?.id !== dead.id) return false;
    await rename(mine, home.lockFile);
    return true;
  } finally {
    await rm(claim, { force: true });
  }
}

/** The folder cannot be made or written: a file in its place, another user's, a disk that is full or read-only. */
function unusable(home: Home, cause: unknown): HalfspaceError {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause);
  const why = ['EEXIST', 'ENOTDIR'].includes(code) ? 'there is a file in its place' : code;
  const remedy = 'Make it a folder that you may write to, or set HALFSPACE_HOME to another one';
  return new HalfspaceError('BadSettings', `The folder ${home.dir} cannot be used: ${why}. ${remedy}.`, { cause });
}

function inUse(home: Home, holder: Holder): HalfspaceError {
  return new HalfspaceError(
    'BadSettings',
    `${home.dir} is in use by process ${holder.pid}. End that one (kill ${holder.pid}), or set HALFSPACE_HOME to another folder.`,
  );
}

/** Null when there is no such file; a file that is not a lock belongs to nobody, process 0. */
async function readHolder(path: string): Promise<Holder | null> {
  const text = await readFile(path, 'utf8').catch(() => null);
  if (text === null) return null;
  try {
    return holderSchema.parse(JSON.parse(text));
  } catch {
    return { pid: NOBODY, command: '', id: 'unreadable' };
  }
}
