import { randomUUID } from 'node:crypto';
import { access, readdir, readFile } from 'node:fs/promises';
import { createServer as createHttpServer, type RequestListener } from 'node:http';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { HalfspaceError } from '../../src/contract/failures.js';
import type { S3Access } from '../../src/contract/store-address.js';
import { checkStorage } from '../../src/store/check-storage.js';
import { openS3Storage } from '../../src/store/s3-storage.js';
import { openStorage, type Storage } from '../../src/store/storage.js';
import { describeWithRclone, type S3Server, startS3Server } from './rclone.js';
import { describeStorage, filled } from './storage-contract.js';

await describeWithRclone(describeRealServer);

interface Failure {
  readonly kind: string;
  readonly message: string;
}

/** The failure's kind and message, which is one line. */
async function failureOf(call: Promise<unknown>): Promise<Failure> {
  const failure = await call.then(
    () => new Error('it succeeded'),
    (error: unknown) => error,
  );
  if (!(failure instanceof HalfspaceError)) throw failure;
  expect(failure.message).not.toMatch(/\n/);
  return { kind: failure.kind, message: failure.message };
}

/** How each of the five calls fails, so that none is forgotten. */
function failuresOf(storage: Storage): Promise<Failure[]> {
  const calls = [
    storage.read('a'),
    storage.write('a', filled(1, 1)),
    storage.list('a'),
    storage.remove('a'),
    storage.removeAll('a'),
  ];
  return Promise.all(calls.map(failureOf));
}

function describeRealServer(path: string): void {
  let server: S3Server;
  beforeAll(async () => {
    server = await startS3Server(path);
  });
  afterAll(() => server.close());

  describeStorage('S3', async () => {
    const url = `s3://${server.bucket}/some/where/${randomUUID()}`;
    // rclone writes an object in its place: https://github.com/rclone/rclone/issues/9718. S3 itself does not.
    return { open: () => openStorage(url, server.access), missesReplaced: true, close: async () => {} };
  });

  describe('a real S3 server', () => {
    it('keeps the objects below the prefix, and of two prefixes apart', async () => {
      await openStorage(`s3://${server.bucket}/plant-1/`, server.access).write('a/b', filled(3, 1));
      expect(await readFile(join(server.bucketFolder, 'plant-1/a/b'))).toEqual(Buffer.from(filled(3, 1)));
      const place = openStorage(`s3://${server.bucket}/plant-1/`, server.access).locate('a/b');
      expect(place).toBe(`s3://${server.bucket}/plant-1/a/b`);
      expect(await openStorage(`s3://${server.bucket}/plant-2`, server.access).read('a/b')).toBeNull();
      expect(await openStorage(`s3://${server.bucket}/plant`, server.access).list('a')).toEqual([]);
    });

    it('serves a store that is the whole bucket', async () => {
      const storage = openStorage(`s3://${server.bucket}`, server.access);
      await storage.write('whole/a', filled(3, 1));
      expect(await readdir(join(server.bucketFolder, 'whole'))).toEqual(['a']);
      expect(await storage.list('whole')).toEqual(['a']);
      await storage.removeAll('whole');
      await expect(access(join(server.bucketFolder, 'whole/a'))).rejects.toThrow('ENOENT');
    });

    it.each([
      ['secret key', { secretAccessKey: 'not-the-secret' }],
      ['access key', { accessKeyId: 'nobody', secretAccessKey: 'not-the-secret' }],
    ])('refuses a wrong %s at once, and no secret is shown', async (_, wrong) => {
      const storage = openStorage(`s3://${server.bucket}/p`, { ...server.access, ...wrong });
      for (const { kind, message } of [...(await failuresOf(storage)), await failureOf(checkStorage(storage))]) {
        expect(kind).toBe('BadCredentials');
        expect(message).toMatch(new RegExp(`^The store s3://${server.bucket}/p at 127\\.0\\.0\\.1:\\d+ cannot `));
        expect(message).not.toContain('not-the-secret');
      }
    });

    it('names a bucket that is not there and says what to do', async () => {
      const storage = openStorage('s3://no-such-bucket/p', server.access);
      const found = await failuresOf(storage);
      // S3 takes the removal of what is not there for done; some services say so of a bucket too.
      for (const { kind, message } of [...found.slice(0, 3), await failureOf(checkStorage(storage))]) {
        expect(kind).toBe('BadSettings');
        expect(message).toContain('s3://no-such-bucket/p');
        expect(message).toContain('there is no such bucket; make it, or correct store.url');
      }
    });

    it('killed in the middle fails what is under way, loses nothing it took, and is used again when it is back', async () => {
      const own = await startS3Server(path);
      onTestFinished(() => own.close());
      const storage = openStorage(`s3://${own.bucket}/p`, own.access);
      const written: number[] = [];
      const writing = (async () => {
        for (let i = 0; ; i++) {
          await storage.write(`object-${i}`, filled(100_000, i % 256));
          written.push(i);
          if (i === 3) void own.kill();
        }
      })();
      const { kind, message } = await failureOf(writing);
      expect(kind).toBe('StoreFault');
      expect(message).toMatch(/cannot write object-\d+: .*(ECONNREFUSED|ECONNRESET|EPIPE|socket hang up)/);
      for (const { kind } of await failuresOf(storage)) expect(kind).toBe('StoreFault');

      await own.restart();
      expect(written.length).toBeGreaterThanOrEqual(4);
      for (const i of written) {
        expect(Buffer.from((await storage.read(`object-${i}`)) ?? [])).toEqual(Buffer.from(filled(100_000, i % 256)));
      }
      // What was under way is there whole, or not there.
      const last = await storage.read(`object-${written.length}`);
      expect([undefined, 100_000]).toContain(last?.length);
      await storage.write('after', filled(1, 1));
    });
  });
}

const ACCESS = {
  region: null,
  profile: null,
  accessKeyId: 'test-access-key',
  secretAccessKey: 'test-secret-key',
  sessionToken: null,
};

/** Listens until the test is over; gives the way to a store on it. */
async function listen(server: Server): Promise<S3Access> {
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
  });
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { ...ACCESS, endpoint: `http://127.0.0.1:${port}` };
}

const PATIENCE = { connectTimeoutMs: 300, silenceTimeoutMs: 300, answerTimeoutMs: 1000, attempts: 2 };

async function storageOn(server: Server): Promise<Storage> {
  return openS3Storage('s3://bucket/p', { access: await listen(server), patience: PATIENCE });
}

function answering(listener: RequestListener): Promise<Storage> {
  return storageOn(createHttpServer(listener));
}

function errorDocument(code: string, message: string): string {
  return `<?xml version="1.0" encoding="UTF-8"?><Error><Code>${code}</Code><Message>${message}</Message></Error>`;
}

/** A service that answers everything with one of S3's errors. */
function refusing(status: number, code: string): Promise<Storage> {
  return answering((request, response) => {
    request.resume();
    request.on('end', () => {
      response.writeHead(status, { 'content-type': 'application/xml' }).end(errorDocument(code, 'as asked'));
    });
  });
}

describe('a service that does not do its work', () => {
  it('is given up when it takes connections and never says a word', async () => {
    const storage = await storageOn(createServer());
    const beganMs = Date.now();
    for (const failure of await failuresOf(storage)) {
      expect(failure).toEqual({ kind: 'StoreFault', message: expect.stringContaining('was silent for too long') });
    }
    expect(Date.now() - beganMs).toBeLessThan(10_000);
  });

  it('is given up when it falls silent in the middle of an object', async () => {
    const storage = await answering((_, response) => response.writeHead(200, { 'content-length': 1000 }).write('half'));
    expect(await failureOf(storage.read('a'))).toEqual({
      kind: 'StoreFault',
      message: expect.stringContaining('was silent for too long'),
    });
  });

  it('is given up when its answer never comes to an end of its head', async () => {
    const drop = createServer((socket) => {
      socket.write('HTTP/1.1 200 OK\r\nx-drops: ');
      const drops = setInterval(() => socket.write('.'), PATIENCE.silenceTimeoutMs / 10);
      socket.on('close', () => clearInterval(drops));
    });
    expect(await failureOf((await storageOn(drop)).read('a'))).toEqual({
      kind: 'StoreFault',
      message: expect.stringContaining('was silent for too long'),
    });
  });

  it('gives no half object when it breaks off', async () => {
    const storage = await answering((_, response) => {
      response.writeHead(200, { 'content-length': 1000 });
      response.write('half', () => response.destroy());
    });
    expect(await failureOf(storage.read('a'))).toMatchObject({ kind: 'StoreFault' });
  });

  it('is asked again within a call when it answers 503 once', async () => {
    let requests = 0;
    const storage = await answering((request, response) => {
      request.resume();
      requests++;
      if (requests === 1) response.writeHead(503).end(errorDocument('SlowDown', 'Reduce your request rate.'));
      else response.writeHead(200).end('whole');
    });
    expect(await storage.read('a')).toEqual(new TextEncoder().encode('whole'));
    expect(requests).toBe(2);
  });

  it.each([
    [503, 'SlowDown'],
    [500, 'InternalError'],
    [507, 'InsufficientStorage'],
  ])('is tried later when it goes on answering %i %s', async (status, code) => {
    for (const { kind, message } of await failuresOf(await refusing(status, code))) {
      expect(kind).toBe('StoreFault');
      expect(message).toContain(`answered ${status} ${code}: as asked`);
    }
  });

  it.each([
    [403, 'AccessDenied', 'BadCredentials', 'they need s3:GetObject, s3:PutObject'],
    [403, 'InvalidAccessKeyId', 'BadCredentials', 'check AWS_ACCESS_KEY_ID'],
    [400, 'ExpiredToken', 'BadCredentials', 'the session token has expired'],
    [301, 'PermanentRedirect', 'BadSettings', 'set AWS_REGION'],
    [400, 'AuthorizationHeaderMalformed', 'BadSettings', 'set AWS_REGION'],
    [404, 'NoSuchBucket', 'BadSettings', 'there is no such bucket'],
    [405, 'MethodNotAllowed', 'BadSettings', "is AWS_ENDPOINT_URL_S3 an S3 service's?"],
  ])('is not asked again after %i %s', async (status, code, kind, advice) => {
    for (const failure of await failuresOf(await refusing(status, code))) {
      expect(failure).toEqual({ kind, message: expect.stringContaining(advice) });
    }
  });

  it('is not taken for an empty store when it is a web server without such a page', async () => {
    const storage = await answering((_, response) =>
      response.writeHead(404, { 'content-type': 'text/html' }).end('<html><body>Not found</body></html>'),
    );
    expect(await failureOf(storage.read('a'))).toEqual({
      kind: 'BadSettings',
      message: expect.stringContaining("is AWS_ENDPOINT_URL_S3 an S3 service's?"),
    });
  });

  it('is not believed when it removes many objects but for one', async () => {
    const storage = await answering((request, response) => {
      request.resume();
      request.on('end', () => {
        response.writeHead(200, { 'content-type': 'application/xml' });
        const kept = '<Error><Key>p/a/1</Key><Code>AccessDenied</Code><Message>Kept</Message></Error>';
        const listed = '<Contents><Key>p/a/1</Key><Size>1</Size></Contents>';
        if (request.method === 'POST') response.end(`<DeleteResult>${kept}</DeleteResult>`);
        else response.end(`<ListBucketResult><IsTruncated>false</IsTruncated>${listed}</ListBucketResult>`);
      });
    });
    expect(await failureOf(storage.removeAll('a'))).toEqual({
      kind: 'BadCredentials',
      message: expect.stringContaining('cannot remove a: the keys may not do that'),
    });
  });

  it('fails the check when it forgets what was written', async () => {
    const storage = await answering((request, response) => {
      request.resume();
      request.on('end', () => {
        if (request.method !== 'GET') response.writeHead(204).end();
        else response.writeHead(200).end('<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>');
      });
    });
    expect(await failureOf(checkStorage(storage))).toEqual({
      kind: 'StoreFault',
      message: expect.stringContaining('does not give back what was just written'),
    });
  });

  it('is tried later when nothing listens there', async () => {
    const storage = openS3Storage('s3://bucket/p', {
      access: { ...ACCESS, endpoint: 'http://127.0.0.1:1' },
      patience: PATIENCE,
    });
    expect(await failureOf(storage.list('a'))).toEqual({
      kind: 'StoreFault',
      message: 'The store s3://bucket/p at 127.0.0.1:1 cannot list a: connect ECONNREFUSED 127.0.0.1:1',
    });
  });
});

describe('a way to S3 that cannot be meant', () => {
  it('is refused before anything is asked', () => {
    const full = { ...ACCESS, endpoint: null };
    expect(() => openStorage('s3://bucket/p', { ...full, secretAccessKey: null })).toThrow(
      'needs AWS_SECRET_ACCESS_KEY',
    );
    expect(() => openStorage('s3://bucket/p', { ...full, accessKeyId: null })).toThrow('needs AWS_ACCESS_KEY_ID too');
    for (const endpoint of ['localhost:9000', 'user:password@host', 'ftp://user:password@host']) {
      expect(() => openStorage('s3://bucket/p', { ...full, endpoint })).toThrow(
        /^Expected AWS_ENDPOINT_URL_S3 \(or AWS_ENDPOINT_URL\) to begin with http:\/\/$/,
      );
    }
  });

  it('does not show a password in the address of the service', async () => {
    const endpoint = 'http://user:password@127.0.0.1:1';
    const storage = openS3Storage('s3://bucket/p', { access: { ...ACCESS, endpoint }, patience: PATIENCE });
    expect((await failureOf(storage.list('a'))).message).not.toContain('password');
  });

  it.each([
    's3://',
    's3://b',
    's3://Bucket/p',
    's3://key:secret@bucket/p',
    's3://bucket//',
    's3://bucket/a/../b',
    's3://bucket/a?b',
  ])('such as %s', (url) => {
    expect(() => openStorage(url)).toThrow('Expected store.url to be s3://bucket/prefix without keys, query or ..');
  });
});
