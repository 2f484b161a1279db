import { HalfspaceError } from '../contract/failures.js';

const DAY_MS = 24 * 60 * 60 * 1000;
const WORD_LENGTH = 200;
/** A whole address is always taken out of a server's words; parts of it shorter than this say nothing secret. */
const SECRET_PART_LENGTH = 6;

/** What a server answered instead of 2xx. */
export interface BadAnswer {
  readonly status: number;
  /** The header as sent; null when there is none. */
  readonly retryAfter: string | null;
  /** The body, possibly cut. */
  readonly body: string;
}

/** Where an alert was going, as far as an error may say so. */
export interface Destination {
  /** Channel name in halfspace.yaml. */
  readonly name: string;
  readonly service: string;
  /** Never to be shown: taken out of whatever the server says. */
  readonly secrets: readonly string[];
  /** What to do about an answer that will not change by itself. */
  readonly remedyFor: (word: string, status: number) => string;
}

/**
 * The failure that a status stands for: 429 `RateLimited`, 408 `TimedOut`, 5xx `ServerFault` (the three with `retryAfterMs`
 * when the server names a time), anything else `RejectedAlert` with the server's words and the remedy.
 */
export function failureFromAnswer(destination: Destination, answer: BadAnswer): HalfspaceError {
  const { status } = answer;
  const retryAfterMs = retryAfterMsFrom(answer.retryAfter, Date.now());
  const options = retryAfterMs === null ? {} : { retryAfterMs };
  const word = serverWord(answer.body, destination.secrets);
  const said = `Alert channel \`${destination.name}\`: ${destination.service} answered ${status}${word === '' ? '' : ` (${word})`}`;
  if (status === 429) {
    const wait = retryAfterMs === null ? '' : ` for ${Math.ceil(retryAfterMs / 1000)} s`;
    return new HalfspaceError('RateLimited', `${said}: too many messages, wait${wait} and try again`, options);
  }
  if (status === 408) return new HalfspaceError('TimedOut', `${said}: try again`, options);
  if (status >= 500) return new HalfspaceError('ServerFault', `${said}: a fault on its side, try again later`, options);
  return new HalfspaceError('RejectedAlert', `${said}: ${destination.remedyFor(word, status)}`);
}

/**
 * The failure behind a request without an answer. Of the error itself only its code is told: its text and its properties
 * may hold the address or headers.
 */
export function failureFromError(destination: Destination, error: unknown, timeoutMs: number): HalfspaceError {
  const { code, timedOut } = causeOf(error);
  const where = `Alert channel \`${destination.name}\`: ${destination.service}`;
  if (timedOut) {
    return new HalfspaceError('TimedOut', `${where} did not answer within ${timeoutMs} ms; the alert may have arrived`);
  }
  const why = code === null ? '' : ` (${code})`;
  return new HalfspaceError(
    'Unreachable',
    `${where} could not be reached${why}: check its address, the network and DNS`,
  );
}

/**
 * Milliseconds to wait by a Retry-After header, seconds or an HTTP date (RFC 9110, 10.2.3), at most a day; null when it
 * is absent or neither.
 */
export function retryAfterMsFrom(header: string | null, nowMs: number): number | null {
  const text = header?.trim() ?? '';
  if (text === '') return null;
  const waitMs = /^\d+(\.\d+)?$/.test(text) ? Math.ceil(Number(text) * 1000) : httpDateMs(text) - nowMs;
  return Number.isNaN(waitMs) ? null : Math.min(DAY_MS, Math.max(0, waitMs));
}

/** Date.parse takes almost anything; an HTTP date starts with the name of a day. */
function httpDateMs(text: string): number {
  return /^(Mon|Tue|Wed|Thu|Fri|Sat|Sun)/.test(text) ? Date.parse(text) : Number.NaN;
}

function serverWord(body: string, secrets: readonly string[]): string {
  const word = withoutSecrets(body, secrets)
    .replace(/[\p{Cc}\p{Cf}\s]+/gu, ' ')
    .trim();
  return word.length <= WORD_LENGTH ? word : `${word.slice(0, WORD_LENGTH - 1)}…`;
}

function withoutSecrets(text: string, secrets: readonly string[]): string {
  const parts = secrets.flatMap((secret) => [secret, ...secret.split(/[\s/?&=:]+/)]);
  return parts
    .filter((part) => part.length >= SECRET_PART_LENGTH)
    .sort((a, b) => b.length - a.length)
    .reduce((cleaned, part) => cleaned.replaceAll(part, '[secret]'), text);
}

/** Looks down the chain of causes for the first code of the system's kind (ECONNREFUSED) and for a time-out. */
function causeOf(error: unknown): { readonly code: string | null; readonly timedOut: boolean } {
  let code: string | null = null;
  let current = error;
  for (let depth = 0; current instanceof Error && depth < 8; depth++) {
    if (current.name === 'TimeoutError') return { code, timedOut: true };
    const own: unknown = 'code' in current ? current.code : null;
    if (typeof own === 'string' && /^[A-Z][A-Z0-9_]+$/.test(own)) {
      if (/TIMEOUT|ETIMEDOUT/.test(own)) return { code: own, timedOut: true };
      code ??= own;
    }
    current = current.cause;
  }
  return { code, timedOut: false };
}
