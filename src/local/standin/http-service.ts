import { timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { precisionFromName } from './precision.js';
import type { Store } from './store.js';

/** Longer than clients keep an idle connection (Node: 5 s), so that none sends into one that is just being closed. */
const KEEP_ALIVE_MS = 60_000;

/** The InfluxDB 3 the answers are modelled on, marked as not being it. */
export const VERSION = '3.6.0-halfspace-standin';

const BODY_LIMIT_BYTES = 10 * 1024 * 1024; // InfluxDB 3's default, also after unpacking
const unzip = promisify(gunzip);

export type Log = (message: string, fields?: object) => void;

/** The HTTP half of the stand-in: writes, ping and health. It does not listen by itself. */
export function createHttpService(store: Store, token: string | null, log: Log): Server {
  return createServer({ keepAliveTimeout: KEEP_ALIVE_MS }, (request, response) => {
    answer(store, token, request, response).catch((error: unknown) => {
      log('stand-in: request failed', { method: request.method, error: messageOf(error) });
      if (response.headersSent) response.destroy();
      else sendJson(response, 500, { error: `the stand-in failed: ${messageOf(error)}` });
    });
  });
}

/** True when no token is set or an `Authorization` value carries it as `Token` or `Bearer`. */
export function isAuthorised(token: string | null, authorization: string | undefined): boolean {
  if (token === null) return true;
  const given = /^(?:Token|Bearer)\s+(.+)$/i.exec(authorization ?? '')?.[1]?.trim() ?? '';
  const [a, b] = [Buffer.from(given), Buffer.from(token)];
  return a.length === b.length && timingSafeEqual(a, b);
}

async function answer(
  store: Store,
  token: string | null,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://standin');
  response.setHeader('x-influxdb-version', VERSION);
  response.setHeader('x-influxdb-build', 'Core');
  const route = `${request.method} ${url.pathname}`;
  if (route === 'GET /ping' || route === 'HEAD /ping' || route === 'POST /ping') {
    return sendJson(response, 200, { version: VERSION, revision: 'standin', process_id: String(process.pid) });
  }
  if (route === 'GET /health' || route === 'HEAD /health') {
    response.writeHead(200, { 'content-type': 'text/plain' }).end('OK');
    return;
  }
  if (route !== 'POST /api/v2/write' && route !== 'POST /api/v3/write_lp') {
    const known = 'POST /api/v2/write, POST /api/v3/write_lp, GET /ping, GET /health, and queries over Flight';
    return sendJson(response, 404, { error: `not found: ${route}; the InfluxDB stand-in serves ${known}` });
  }
  if (!isAuthorised(token, request.headers.authorization)) {
    response.writeHead(401).end();
    return;
  }
  const body = await readBody(request);
  if (body === 'too large' || body === 'not gzip') {
    const error =
      body === 'too large'
        ? `the request body is larger than ${BODY_LIMIT_BYTES} bytes: send smaller batches`
        : 'the request body is not valid gzip';
    return sendJson(response, body === 'too large' ? 413 : 400, { code: 'invalid', message: error, error });
  }
  if (url.pathname === '/api/v2/write') await writeV2(store, url.searchParams, body, response);
  else await writeV3(store, url.searchParams, body, response);
}

async function writeV2(store: Store, query: URLSearchParams, text: string, response: ServerResponse): Promise<void> {
  const database = query.get('bucket') ?? '';
  const precision = precisionFromName(query.get('precision') || 'ns');
  if (database === '') return sendInvalid(response, 'missing query parameter: bucket');
  if (precision === null || precision === 'auto') {
    return sendInvalid(response, `unknown precision '${query.get('precision')}': expected ns, us, ms or s`);
  }
  const bad = await store.write({ database, text, precision, acceptPartial: false });
  if (bad.length > 0) return sendInvalid(response, 'write buffer error: parsing for line protocol failed');
  response.writeHead(204).end();
}

async function writeV3(store: Store, query: URLSearchParams, text: string, response: ServerResponse): Promise<void> {
  const database = query.get('db') ?? '';
  const precision = precisionFromName(query.get('precision') || 'auto');
  const acceptPartial = query.get('accept_partial') !== 'false';
  if (database === '') return sendJson(response, 400, { error: 'missing query parameter: db' });
  if (precision === null) {
    return sendJson(response, 400, {
      error: `unknown precision '${query.get('precision')}': expected auto, nanosecond, microsecond, millisecond or second`,
    });
  }
  const bad = await store.write({ database, text, precision, acceptPartial });
  if (bad.length === 0) {
    response.writeHead(204).end();
    return;
  }
  const data = bad.map(({ message, lineNumber, line }) => ({
    original_line: line,
    line_number: lineNumber,
    error_message: message,
  }));
  if (acceptPartial) return sendJson(response, 400, { error: 'partial write of line protocol occurred', data });
  sendJson(response, 400, { error: 'parsing failed for write_lp endpoint', data: data[0] });
}

async function readBody(request: IncomingMessage): Promise<string | 'too large' | 'not gzip'> {
  const parts: Buffer[] = [];
  let bytes = 0;
  // What is too much is still read to its end, but not kept: a client in the middle of sending would not see the answer.
  for await (const part of request) {
    bytes += part.length;
    if (bytes <= BODY_LIMIT_BYTES) parts.push(part);
    else parts.length = 0;
  }
  if (bytes > BODY_LIMIT_BYTES) return 'too large';
  const raw = Buffer.concat(parts, bytes);
  if (request.headers['content-encoding'] !== 'gzip') return raw.toString('utf8');
  try {
    return (await unzip(raw, { maxOutputLength: BODY_LIMIT_BYTES })).toString('utf8');
  } catch (error) {
    return messageOf(error).includes('larger than') ? 'too large' : 'not gzip';
  }
}

function sendInvalid(response: ServerResponse, message: string): void {
  sendJson(response, 400, { code: 'invalid', message });
}

function sendJson(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
