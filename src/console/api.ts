import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { Refusal } from './refusal.js';
import { checkedKey, readOrder } from './run-order.js';
import type { Runs, RunView } from './runs.js';

/** What the server's addresses are made of. */
export interface Api {
  /** What callers must send as `Authorization: Bearer <token>`. */
  readonly token: string;
  /** Names of the pipelines that can be run. */
  readonly pipelines: readonly string[];
  readonly runs: Runs;
}

export interface Answer {
  readonly status: number;
  readonly body: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

const RUNS = /^\/api\/pipelines\/([^/]+)\/runs(?:\/([^/]+))?$/;

/**
 * The answer to a request. `/healthz` is open to all and asks nobody else; for the others the token comes first.
 * @throws Refusal for what the caller can mend; HalfspaceError when Temporal does not answer.
 */
export async function answerTo(request: IncomingMessage, { token, pipelines, runs }: Api): Promise<Answer> {
  const [path = ''] = (request.url ?? '').split('?');
  if (path === '/healthz') {
    requireMethod(request, 'GET');
    return { status: 200, body: { status: 'ok' } };
  }
  requireToken(request, token);
  const [, name, key] = RUNS.exec(path) ?? [];
  if (name === undefined) {
    throw new Refusal(
      404,
      'UnknownAddress',
      'Nothing is here; there are /api/pipelines/<name>/runs, /api/pipelines/<name>/runs/<key> and /healthz',
    );
  }
  requireMethod(request, key === undefined ? 'POST' : 'GET');
  const pipeline = decoded(name);
  if (!pipelines.includes(pipeline)) {
    throw new Refusal(
      404,
      'UnknownPipeline',
      `No pipeline is called \`${pipeline}\`; there are: ${pipelines.join(', ')}`,
    );
  }
  return key === undefined ? postRun(request, pipeline, runs) : getRun(pipeline, checkedKey(decoded(key)), runs);
}

async function postRun(request: IncomingMessage, pipeline: string, runs: Runs): Promise<Answer> {
  const order = await readOrder(request);
  const { isNew, run } = await runs.start(pipeline, order);
  const { key } = order;
  const location = key === undefined ? {} : { location: `/api/pipelines/${pipeline}/runs/${key}` };
  return { status: isNew ? 202 : 200, body: { ...run, is_new: isNew }, headers: location };
}

async function getRun(pipeline: string, key: string, runs: Runs): Promise<Answer> {
  const run: RunView | null = await runs.find(pipeline, key);
  if (run !== null) return { status: 200, body: run };
  const message = `No run of \`${pipeline}\` has the key \`${key}\`; the server may have forgotten it (retention)`;
  throw new Refusal(404, 'UnknownRun', message);
}

function requireMethod({ method = '' }: IncomingMessage, expected: 'GET' | 'POST'): void {
  // What answers to GET answers to HEAD; Node leaves the body out.
  if (method === expected || (method === 'HEAD' && expected === 'GET')) return;
  const allow = expected === 'GET' ? 'GET, HEAD' : expected;
  throw new Refusal(405, 'WrongMethod', `Expected ${expected}, got ${method}`, { allow });
}

function requireToken({ headers }: IncomingMessage, token: string): void {
  const [, given = ''] = /^Bearer +(\S+) *$/i.exec(headers.authorization ?? '') ?? [];
  if (timingSafeEqual(digest(given), digest(token))) return;
  const message = 'Expected `Authorization: Bearer <token>` with the value of HALFSPACE_API_TOKEN';
  throw new Refusal(401, 'WrongToken', message, { 'www-authenticate': 'Bearer' });
}

/** Of one length whatever the text, so that comparing two takes the same time. */
function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    throw new Refusal(400, 'WrongRequest', `The address holds a broken escape: \`${segment}\``);
  }
}
