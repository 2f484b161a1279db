import { type BigIntStats, fstatSync } from 'node:fs';
import { open, readlink, realpath, rename, rm, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { HalfspaceError } from '../../contract/failures.js';
import type { CliIo } from '../io.js';
import { untilStopped } from '../until-stopped.js';
import { UsageError } from '../usage-error.js';

/** Characters gathered before they are written. */
const WRITE_CHARACTERS = 1 << 20;

/** Failures that another path mends; after any other the same path may work later. */
const WRONG_PATH: readonly string[] = [
  'ENOENT',
  'ENOTDIR',
  'EISDIR',
  'EACCES',
  'EPERM',
  'EROFS',
  'ELOOP',
  'ENAMETOOLONG',
];

/** What a path that texts shall go to stands for. */
export type Output =
  /** A file that is replaced as a whole; `mode` of the one that is there, null when there is none. */
  | { readonly kind: 'file'; readonly path: string; readonly mode: number | null }
  /** A pipe or device: takes texts as they come. */
  | { readonly kind: 'stream'; readonly path: string }
  /** Where the command prints its result, too. */
  | { readonly kind: 'stdout' };

/**
 * What is at `path`, behind any symbolic link.
 * @throws HalfspaceError `BadSettings` when nothing can be written there.
 */
export async function outputAt(path: string): Promise<Output> {
  try {
    const found = await statOrNull(path);
    if (found?.isDirectory()) throw unwritable(path, 'EISDIR', undefined);
    if (found !== null && isSame(found, fstatSync(1, { bigint: true }))) return { kind: 'stdout' };
    if (found !== null && !found.isFile()) return { kind: 'stream', path };
    const target = await behindLinks(path);
    await stat(dirname(target));
    return { kind: 'file', path: target, mode: found === null ? null : Number(found.mode) & 0o777 };
  } catch (error) {
    throw writeFailure(error, path);
  }
}

/**
 * Where a command is to write.
 * @param what is written, in the plural. @param inputs what must not be overwritten: path by what it is.
 * @throws UsageError for a path that is an input, or stdout where the document of `--json` goes there.
 */
export async function chooseOutput(
  what: string,
  out: string,
  inputs: Readonly<Record<string, string>>,
  io: CliIo,
): Promise<Output> {
  if (out.trim() === '') throw new UsageError('Expected --out to name a file, got nothing');
  for (const [input, path] of Object.entries(inputs)) {
    if (await isSameFile(path, out)) throw new UsageError(`${out} is the ${input} itself; give --out another path`);
  }
  const output = await outputAt(out);
  if (io.json && output.kind === 'stdout') {
    throw new UsageError(`${what} and the document of --json cannot both go to stdout; give --out another path`);
  }
  return output;
}

/** Whether two paths lead to one regular file, by a symbolic or hard link too; false when one of them leads nowhere. */
async function isSameFile(one: string, other: string): Promise<boolean> {
  const [a, b] = await Promise.all([one, other].map((path) => stat(path, { bigint: true }).catch(() => null)));
  return a != null && b != null && a.isFile() && isSame(a, b);
}

/**
 * Writes the texts. A file appears whole or not at all, also when the process is asked to end: texts go to
 * `<path>.<pid>.part`, which takes the file's place at the end.
 * @throws HalfspaceError when it cannot be written or was stopped; what `texts` throws; no part is left behind.
 */
export async function writeOutput(output: Output, texts: AsyncIterable<string>, io: CliIo): Promise<void> {
  if (output.kind === 'stdout') {
    for await (const text of texts) io.stdout(text);
    return;
  }
  const { path } = output;
  try {
    // A pipe's reader may keep a write waiting for ever, which only the signal's own effect can end.
    if (output.kind === 'stream') await writeTo(path, null, texts, null);
    else await untilStopped((signal) => replaceFile(path, output.mode, texts, signal));
  } catch (error) {
    throw writeFailure(error, path);
  }
}

async function replaceFile(
  path: string,
  mode: number | null,
  texts: AsyncIterable<string>,
  signal: AbortSignal,
): Promise<void> {
  const part = `${path}.${process.pid}.part`;
  try {
    await writeTo(part, mode, texts, signal);
    await rename(part, path);
  } catch (error) {
    await rm(part, { force: true });
    throw error;
  }
}

async function writeTo(
  path: string,
  mode: number | null,
  texts: AsyncIterable<string>,
  signal: AbortSignal | null,
): Promise<void> {
  const handle = await open(path, 'w');
  try {
    if (mode !== null) await handle.chmod(mode);
    let pending = '';
    for await (const text of texts) {
      signal?.throwIfAborted();
      pending += text;
      if (pending.length < WRITE_CHARACTERS) continue;
      await handle.writeFile(pending);
      pending = '';
    }
    await handle.writeFile(pending);
    signal?.throwIfAborted();
  } finally {
    await handle.close();
  }
}

function statOrNull(path: string): Promise<BigIntStats | null> {
  return stat(path, { bigint: true }).catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') return null;
    throw error;
  });
}

function isSame(one: BigIntStats, other: BigIntStats): boolean {
  return one.dev === other.dev && one.ino === other.ino;
}

/** The file that a path leads to, whether it is there already or not: a link stays a link. */
async function behindLinks(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error;
  }
  const target = await readlink(path).catch(() => null);
  if (target === null) return path;
  return behindLinks(resolve(await realpath(dirname(path)), target));
}

function writeFailure(error: unknown, path: string): unknown {
  const code = codeOf(error);
  return error instanceof HalfspaceError || code === null ? error : unwritable(path, code, error);
}

function unwritable(path: string, code: string, cause: unknown): HalfspaceError {
  const what = `${path} cannot be written (${code})`;
  if (!WRONG_PATH.includes(code)) return new HalfspaceError('StoreFault', what, { cause });
  return new HalfspaceError('BadSettings', `${what}. Give another path with --out.`, { cause });
}

function codeOf(error: unknown): string | null {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : null;
}
