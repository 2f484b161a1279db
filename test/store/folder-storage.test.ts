import { chmod, mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, it, onTestFinished } from 'vitest';
import { checkStorage } from '../../src/store/check-storage.js';
import { openStorage } from '../../src/store/storage.js';
import { describeStorage } from './storage-contract.js';

async function emptyFolder(): Promise<string> {
  return mkdtemp(join(tmpdir(), 'halfspace-store ü-'));
}

describeStorage('a folder', async () => {
  const folder = await emptyFolder();
  return {
    open: () => openStorage(pathToFileURL(folder).href),
    close: () => rm(folder, { recursive: true, force: true }),
  };
});

async function folderForTest(): Promise<string> {
  const folder = await emptyFolder();
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

it('a folder store says where people find an object', async () => {
  const folder = await folderForTest();
  const storage = openStorage(`${pathToFileURL(folder).href}/`);
  await storage.write('a/b', new Uint8Array([1]));
  expect(storage.locate('a/b')).toBe(join(folder, 'a/b'));
  expect(await readFile(storage.locate('a/b'))).toEqual(Buffer.of(1));
});

it('a folder store leaves no temporary file behind', async () => {
  const folder = await folderForTest();
  await openStorage(pathToFileURL(folder).href).write('a', new Uint8Array(10));
  expect(await readdir(join(folder, '.tmp'))).toEqual([]);
});

it('a folder store removes what killed writers left a day ago, and nothing else', async () => {
  const folder = await folderForTest();
  const storage = openStorage(pathToFileURL(folder).href);
  await storage.removeLeftovers();
  await storage.write('a', new Uint8Array(10));
  const hoursAgo = (hours: number) => Date.now() / 1000 - hours * 3600;
  await mkdir(join(folder, '.tmp/folder'));
  for (const [path, hours] of [
    ['.tmp/old', 25],
    ['.tmp/live', 23],
    ['.tmp/folder', 99],
    ['a', 99],
  ] as const) {
    if (path.startsWith('.tmp/') && path !== '.tmp/folder') await writeFile(join(folder, path), 'x');
    await utimes(join(folder, path), hoursAgo(hours), hoursAgo(hours));
  }
  await storage.removeLeftovers();
  expect(await readdir(join(folder, '.tmp'))).toEqual(['folder', 'live']);
  expect(await storage.read('a')).toHaveLength(10);
});

it('a folder store says what it could not do and where, and does not try again what waiting does not mend', async () => {
  const folder = await folderForTest();
  const storage = openStorage(pathToFileURL(folder).href);
  await writeFile(join(folder, 'file'), '');
  await mkdir(join(folder, 'folder/below'), { recursive: true });
  const isFile = 'a file is where a folder should be: remove it, or set store.url to another folder';
  const isFolder = 'a folder is where a file should be: remove it, or set store.url to another folder';
  for (const [call, what, why] of [
    [() => storage.write('file/below', new Uint8Array()), 'write file/below', isFile],
    [() => storage.read('file/below'), 'read file/below', isFile],
    [() => storage.list('file/below'), 'list file/below', isFile],
    [() => storage.write('folder', new Uint8Array()), 'write folder', isFolder],
    [() => storage.read('folder'), 'read folder', isFolder],
  ] as const) {
    const failure = await call().catch((error: unknown) => error);
    expect(failure).toMatchObject({ kind: 'BadSettings', retry: false });
    expect(failure).toMatchObject({ message: expect.stringContaining(`The store ${folder} cannot ${what}: `) });
    expect(failure).toMatchObject({ message: expect.stringContaining(why) });
  }
  expect(await readdir(join(folder, '.tmp'))).toEqual([]);
});

it('a folder store that cannot be made fails the check in one line', async () => {
  const folder = await folderForTest();
  await writeFile(join(folder, 'file'), '');
  const check = checkStorage(openStorage(pathToFileURL(join(folder, 'file', 'store')).href));
  await expect(check).rejects.toMatchObject({
    kind: 'BadSettings',
    message: expect.stringMatching(/^The store .*file\/store cannot write \.probe\/\S+: ENOTDIR.*set store\.url.*$/),
  });
});

it('a folder the user may not write to is not tried again', async () => {
  const folder = await folderForTest();
  await chmod(folder, 0o555);
  const NOBODY = 65534;
  const user = process.geteuid?.();
  // An administrator may write anywhere.
  if (user === 0) process.seteuid?.(NOBODY);
  try {
    const failure = await checkStorage(openStorage(pathToFileURL(folder).href)).catch((error: unknown) => error);
    expect(failure).toMatchObject({ kind: 'BadSettings', retry: false });
    expect(String(failure)).toMatch(/EACCES.*give the worker's user the right to/);
  } finally {
    if (user === 0) process.seteuid?.(user);
  }
});

it.each(['/a/folder', 'file://relative', 'http://host/', 's3:bucket', ''])('`%s` is no store', (url) => {
  expect(() => openStorage(url)).toThrow(
    `Expected store.url to name a folder (file:///path) or a bucket (s3://bucket/prefix), got \`${url}\``,
  );
});
