import { createHash } from 'node:crypto';
import { HalfspaceError } from '../contract/failures.js';
import { type BriefAnswer, postBounded } from './bounded-fetch.js';
import type { Channel, Delivery } from './channel.js';
import { parseChannelUrl } from './channel-url.js';
import { type Destination, failureFromAnswer, failureFromError } from './delivery-failure.js';
import { type AlertLog, createLogChannel } from './log-channel.js';

export interface WebhookChannelOptions {
  readonly name: string;
  /** Where to post, a secret; null writes the alert to the log instead. */
  readonly url: string | null;
  /** Headers sent with each alert, secrets too. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly log: AlertLog;
  /** Longest time an alert may take, default 10 s. */
  readonly timeoutMs?: number;
}

const DEFAULT_TIMEOUT_MS = 10_000;
const KEY_LENGTH = 255;

/**
 * A channel that posts `{kind, event, isFoundLate, runUrl, plotUrl}`, and `{digest, runUrl}` after a backfill, as JSON. The
 * header Idempotency-Key is the same for every attempt at one message: its event's key (with ` revised` behind it where the
 * event is taken back), the digest's key, or `sha256-` and the hex digest of a key that no header can hold.
 * @throws HalfspaceError `BadSettings` when the address is not http or https or a header is not valid.
 */
export function createWebhookChannel(options: WebhookChannelOptions): Channel {
  const { name, headers = {}, log, timeoutMs = DEFAULT_TIMEOUT_MS } = options;
  if (options.url === null) return createLogChannel(name, log);
  const url = parseChannelUrl(name, 'url', options.url);
  checkHeaders(name, headers);
  const destination: Destination = {
    name,
    service: 'the webhook',
    secrets: [options.url, url.href, url.pathname, url.search, ...Object.values(headers)],
    remedyFor,
  };
  async function post(key: string, document: object, signal: AbortSignal): Promise<Delivery> {
    signal.throwIfAborted();
    const request = { url: url.href, headers: headersFor(headers, key), body: JSON.stringify(document) };
    let answer: BriefAnswer;
    try {
      answer = await postBounded(request, { signal, timeoutMs });
    } catch (error) {
      signal.throwIfAborted();
      throw failureFromError(destination, error, timeoutMs);
    }
    if (answer.ok) return 'delivered';
    const { status, body } = answer;
    throw failureFromAnswer(destination, { status, body, retryAfter: answer.headers.get('retry-after') });
  }

  return {
    name,
    send: ({ kind, event, isFoundLate, runUrl, plotUrl }, signal) => {
      const key = kind === 'event' ? event.key : `${event.key} ${kind}`;
      return post(key, { kind, event, isFoundLate, runUrl, plotUrl }, signal);
    },
    sendDigest: ({ digest, runUrl }, signal) => post(digest.key, { digest, runUrl }, signal),
  };
}

/** The channel's headers with ours over them, whatever their case. */
function headersFor(headers: Readonly<Record<string, string>>, key: string): Record<string, string> {
  const merged = new Headers(headers);
  merged.set('content-type', 'application/json');
  merged.set('idempotency-key', idempotencyKey(key));
  return Object.fromEntries(merged.entries());
}

/** A header holds printable ASCII without spaces at its ends; ids may hold anything. */
function idempotencyKey(key: string): string {
  if (key.length <= KEY_LENGTH && /^[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?$/.test(key)) return key;
  return `sha256-${createHash('sha256').update(key).digest('hex')}`;
}

function remedyFor(_word: string, status: number): string {
  if (status >= 300 && status < 400) return 'it redirects, and alerts follow no redirects; set the final address';
  if (status === 401 || status === 403) return 'it does not let us in; check the channel’s headers';
  if (status === 404 || status === 410) return 'nothing is there; check the channel’s address';
  return 'it does not take the alert; check what it expects';
}

function checkHeaders(channel: string, headers: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(headers)) {
    try {
      new Headers([[name, value]]);
    } catch {
      // The library's own words hold the value, which may be a token.
      throw new HalfspaceError(
        'BadSettings',
        `Alert channel \`${channel}\`: the header ${JSON.stringify(name)} is not valid; expected a token as name and one line of text as value`,
      );
    }
  }
}
