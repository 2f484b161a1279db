import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';

const POLL_MS = 25;

/** True while a process with this id exists, somebody else's included; a process that ended but was not waited for counts as gone. */
export async function isAlive(pid: number): Promise<boolean> {
  try {
    process.kill(pid, 0);
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
  if (process.platform !== 'linux') return true;
  const status = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => null);
  // "pid (name) state …": the name may hold brackets, so look behind the last one
  return status !== null && !/^\) [ZX]/.test(status.slice(status.lastIndexOf(')')));
}

/** The running process's arguments joined by one space, program first; null when there is no such process or it cannot be read. */
export async function commandLine(pid: number): Promise<string | null> {
  try {
    if (process.platform === 'linux') {
      const text = await readFile(`/proc/${pid}/cmdline`, 'utf8');
      return text === '' ? null : text.replace(/\0$/, '').replaceAll('\0', ' ');
    }
    const { stdout } = await promisify(execFile)('ps', ['-ww', '-o', 'command=', '-p', String(pid)]);
    return stdout.trim() === '' ? null : stdout.trim();
  } catch {
    return null;
  }
}

/** Ends a process: SIGTERM, then SIGKILL when it is still there after `graceMs`. Returns when it is gone. */
export async function endProcess(pid: number, graceMs: number): Promise<void> {
  const KILL_WAIT_MS = 2_000; // the kernel needs a moment, even for SIGKILL
  signalProcess(pid, 'SIGTERM');
  if (await isGoneWithin(pid, graceMs)) return;
  signalProcess(pid, 'SIGKILL');
  await isGoneWithin(pid, KILL_WAIT_MS);
}

async function isGoneWithin(pid: number, waitMs: number): Promise<boolean> {
  const untilMs = Date.now() + waitMs;
  while (await isAlive(pid)) {
    if (Date.now() >= untilMs) return false;
    await sleep(POLL_MS);
  }
  return true;
}

function signalProcess(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    const isGone = error instanceof Error && 'code' in error && error.code === 'ESRCH';
    if (!isGone) throw error;
  }
}
