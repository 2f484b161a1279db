import type { IncomingMessage } from 'node:http';
import { RUN_KEY } from '../contract/names.js';
import { type Nanos, nanosFromIso, timeProblem } from '../contract/time.js';
import { Refusal } from './refusal.js';

/** What a caller asks for when a run is to be started. */
export interface RunOrder {
  readonly key: string | undefined;
  readonly until: Nanos | undefined;
}

/** A key and a time are a few hundred bytes. */
const LARGEST_BODY = 16 * 1024;

/** So much of a body that is too large is read and thrown away, so that the caller hears the answer. */
const MOST_THROWN_AWAY = 1024 * 1024;

const KNOWN = ['key', 'until'] as const;

/**
 * The order in a request's body, which may be empty, and its `Idempotency-Key` header.
 * @throws Refusal 400 saying what was expected, 413 for a body that no order needs.
 */
export async function readOrder(request: IncomingMessage): Promise<RunOrder> {
  const { key: inBody, until } = parsedBody(await readBody(request));
  const header = request.headers['idempotency-key'];
  const inHeader = header === undefined ? undefined : unquoted(String(header));
  if (inBody !== undefined && inHeader !== undefined && inBody !== inHeader) {
    throw new Refusal(
      400,
      'WrongRequest',
      'The key in the body and the one in Idempotency-Key differ; send one of them',
    );
  }
  const key = inBody ?? inHeader;
  return {
    key: key === undefined ? undefined : checkedKey(key),
    until: until === undefined ? undefined : checkedTime(until),
  };
}

/** @throws Refusal 400 when the text is no key. */
export function checkedKey(key: string): string {
  if (RUN_KEY.test(key)) return key;
  throw new Refusal(
    400,
    'WrongRequest',
    `Expected the key to be 1 to 128 letters, digits and . _ : @ + = ~ -, the first a letter or digit, got \`${shortened(key)}\``,
  );
}

function checkedTime(text: string): Nanos {
  const problem = timeProblem('until', shortened(text));
  if (problem !== null) throw new Refusal(400, 'WrongRequest', problem);
  return String(nanosFromIso(text));
}

async function readBody(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  let bytes = 0;
  // The caller may be sending still: the connection must live on until it has heard the answer.
  for await (const part of request.iterator({ destroyOnReturn: false })) {
    bytes += part.length;
    if (bytes <= LARGEST_BODY) parts.push(part);
    if (bytes > MOST_THROWN_AWAY) break;
  }
  if (bytes > LARGEST_BODY) {
    const message = `The body is larger than ${LARGEST_BODY} bytes; it needs a key and a time at most`;
    throw new Refusal(413, 'TooLarge', message, { connection: 'close' });
  }
  return Buffer.concat(parts).toString('utf8');
}

function parsedBody(text: string): { readonly [K in (typeof KNOWN)[number]]?: string } {
  if (text.trim() === '') return {};
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new Refusal(400, 'WrongRequest', `The body is not JSON: ${why}`);
  }
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw new Refusal(400, 'WrongRequest', 'Expected the body to be an object such as {"key": "shift-42"}');
  }
  for (const [name, value] of Object.entries(body)) {
    if (!KNOWN.some((known) => known === name)) {
      const message = `Expected ${KNOWN.join(' and ')} at most in the body, got \`${shortened(name)}\``;
      throw new Refusal(400, 'WrongRequest', message);
    }
    if (typeof value !== 'string') {
      throw new Refusal(400, 'WrongRequest', `Expected \`${name}\` to be a text, got ${JSON.stringify(value)}`);
    }
  }
  return body;
}

/** The header is a string in quotes by the book (a structured field); most callers leave them out. */
function unquoted(text: string): string {
  return /^"(.*)"$/.exec(text)?.[1] ?? text;
}

function shortened(text: string): string {
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}
