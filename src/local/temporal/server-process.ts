import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, open, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { HalfspaceError } from '../../contract/failures.js';

/** How a child process ended. */
export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface ServerProcess {
  readonly pid: number;
  /** The arguments joined by one space, program first. */
  readonly command: string;
  /** Settles once, when the process is gone. */
  readonly exited: Promise<Exit>;
  hasExited(): boolean;
}

/**
 * Starts a server in a process group of its own, so that Ctrl-C in the terminal reaches only us and the server outlives the drain of
 * what uses it. Its output goes to `logFile`, emptied first. Should this process die without closing it, a guard ends it.
 * @throws HalfspaceError `BadSettings` when the program cannot be started.
 */
export async function spawnServer(program: string, args: readonly string[], logFile: string): Promise<ServerProcess> {
  await mkdir(dirname(logFile), { recursive: true });
  const log = await open(logFile, 'w');
  try {
    const child = spawn(program, [...args], { detached: true, stdio: ['ignore', log.fd, log.fd] });
    const exited = new Promise<Exit>((settle) => {
      child.once('exit', (code, signal) => settle({ code, signal }));
    });
    await once(child, 'spawn').catch((error) => {
      throw new HalfspaceError('BadSettings', `Cannot start ${program}: ${error.message}`, { cause: error });
    });
    if (child.pid === undefined)
      throw new HalfspaceError('BadSettings', `Cannot start ${program}: it has no process id`);
    // an embedded server must not keep a program alive that has nothing else to do
    child.unref();
    guard(child, child.pid, exited);
    return {
      pid: child.pid,
      command: [program, ...args].join(' '),
      exited,
      hasExited: () => child.exitCode !== null || child.signalCode !== null,
    };
  } finally {
    await log.close();
  }
}

/** The last `lines` lines of the log, indented; empty when there is none. */
export async function readLogTail(logFile: string, lines: number): Promise<string> {
  const text = await readFile(logFile, 'utf8').catch(() => '');
  const tail = text.trimEnd().split('\n').slice(-lines);
  return tail
    .filter((line) => line !== '')
    .map((line) => `  ${line}`)
    .join('\n');
}

/**
 * A shell that waits for the end of its input, which comes when this process dies in whatever way, and then ends the server.
 * Windows has no such shell; there the note in the pid file must do.
 */
function guard(child: ChildProcess, pid: number, exited: Promise<Exit>): void {
  if (process.platform === 'win32') return;
  const shell = spawn('/bin/sh', ['-c', 'read _; kill -TERM "$0" 2>/dev/null', String(pid)], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  // without a shell the pid file remains
  shell.on('error', () => undefined);
  shell.stdin.on('error', () => undefined);
  shell.unref();
  if ('unref' in shell.stdin && typeof shell.stdin.unref === 'function') shell.stdin.unref();
  const release = (): void => {
    shell.kill('SIGKILL');
  };
  if (child.exitCode !== null) release();
  void exited.then(release);
}
