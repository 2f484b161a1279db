import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { access, chmod, constants, mkdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';

/** How a program is told from another file of its name. */
export interface Program {
  /** Arguments that make it say what it is and end. */
  readonly versionArgs: readonly string[];
  /** What it prints then. */
  readonly versionText: RegExp;
}

const VERSION_TIMEOUT_MS = 20_000; // the first run of a 150 MB binary from a cold disk takes seconds

/** Null when the binary runs and is the program; else what is wrong, in a few words. */
export async function whyUnusable(path: string, { versionArgs, versionText }: Program): Promise<string | null> {
  if (!(await isFile(path))) return 'no such file';
  try {
    if (process.platform !== 'win32') await access(path, constants.X_OK);
  } catch {
    return 'not executable (chmod 755 makes it so)';
  }
  const asked = versionArgs.join(' ');
  const TRIES = 5; // another process forking at this moment may hold a new file open for writing: ETXTBSY
  for (let attempt = 1; ; attempt++) {
    try {
      const { stdout } = await promisify(execFile)(path, versionArgs, { timeout: VERSION_TIMEOUT_MS });
      return versionText.test(stdout) ? null : `\`${asked}\` printed \`${firstLine(stdout)}\``;
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      if (!message.includes('ETXTBSY') || attempt === TRIES) return `\`${asked}\` failed: ${firstLine(message)}`;
      await sleep(50 * attempt);
    }
  }
}

/** The path when the program is there and runs, null when nothing is there. @throws Error when what is there does not run. */
export async function usable(path: string, program: Program): Promise<string | null> {
  if (!(await isFile(path))) return null;
  const problem = await whyUnusable(path, program);
  if (problem !== null) throw new Error(problem);
  return path;
}

/**
 * Puts a program at `path`, under a temporary name until it is known to run: two at once do not disturb each other.
 * @throws Error when the bytes do not run.
 */
export async function install(binary: Uint8Array, path: string, program: Program): Promise<string> {
  await mkdir(dirname(path), { recursive: true });
  const staged = `${path}.${randomUUID()}.tmp${process.platform === 'win32' ? '.exe' : ''}`;
  try {
    await writeFile(staged, binary);
    await chmod(staged, 0o755);
    const problem = await whyUnusable(staged, program);
    if (problem !== null) throw new Error(`what came does not run: ${problem}`);
    await rename(staged, path);
  } finally {
    await rm(staged, { force: true });
  }
  return path;
}

export async function isFile(path: string): Promise<boolean> {
  return (await stat(path).catch(() => null))?.isFile() === true;
}

function firstLine(text: string): string {
  return text.trim().split('\n', 1)[0]?.slice(0, 200) ?? '';
}
