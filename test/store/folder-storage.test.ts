import { chmod, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
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

it('a folder store says what it could not do and where', async () => {
  const folder = await folderForTest();
  const storage = openStorage(pathToFileURL(folder).href);
  await writeFile(join(folder, 'file'), '');
  await expect(storage.write('file/below', new Uint8Array())).rejects.toMatchObject({
    kind: 'StoreFault',
    message: expect.stringContaining(`The store ${folder} cannot write file/below: `),
  });
});

it('a folder store that cannot be made fails the check in one line', async () => {
  const folder = await folderForTest();
  await writeFile(join(folder, 'file'), '');
  const check = checkStorage(openStorage(pathToFileURL(join(folder, 'file', 'store')).href));
  await expect(check).rejects.toMatchObject({
    kind: 'StoreFault',
    message: expect.stringMatching(/^The store .*file\/store cannot write \.probe\/\S+: ENOTDIR.*$/),
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
