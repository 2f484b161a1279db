import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const PROGRAM = fileURLToPath(new URL('../../bin/halfspace.js', import.meta.url));

export interface CommandResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CommandOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
}

export interface RunningCommand {
  readonly process: ChildProcess;
  /** Both streams so far, in the order of arrival. */
  output(): string;
  readonly done: Promise<CommandResult>;
}

/** Starts `halfspace` as a user would, in a folder and an environment of its own. */
export async function startCommand(args: readonly string[], options: CommandOptions = {}): Promise<RunningCommand> {
  const cwd = options.cwd ?? (await mkdtemp(join(tmpdir(), 'halfspace-cli-')));
  const child = spawn(process.execPath, [PROGRAM, ...args], {
    cwd,
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
    output += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
    output += text;
  });
  const done = new Promise<CommandResult>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, stdout, stderr }));
  });
  return { process: child, output: () => output, done };
}

export async function runCommand(args: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
  return (await startCommand(args, options)).done;
}
