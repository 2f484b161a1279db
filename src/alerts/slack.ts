import { IncomingWebhook, IncomingWebhookHTTPError } from '@slack/webhook';
import { postBounded } from './bounded-fetch.js';
import type { Channel } from './channel.js';
import { parseChannelUrl } from './channel-url.js';
import { type Destination, failureFromAnswer, failureFromError } from './delivery-failure.js';
import { digestMessage } from './digest-message.js';
import { type AlertLog, createLogChannel } from './log-channel.js';
import { type AlertMessage, alertMessage } from './message.js';

export interface SlackChannelOptions {
  readonly name: string;
  /** Address of an incoming webhook, a secret; null writes the message to the log instead. */
  readonly webhook: string | null;
  readonly log: AlertLog;
  /** Longest time a message may take, default 10 s. */
  readonly timeoutMs?: number;
}

const DEFAULT_TIMEOUT_MS = 10_000;

/** What to do about Slack's words, https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks#handling_errors */
const REMEDIES: Readonly<Record<string, string>> = {
  invalid_token: 'the webhook was revoked; make a new one and set it for this channel',
  no_service: 'the webhook was removed or disabled; make a new one and set it for this channel',
  no_service_id: 'the webhook address is incomplete; copy it again from Slack',
  no_active_hooks: 'the webhook was disabled; make a new one and set it for this channel',
  no_team: 'the workspace in the webhook address is unknown; copy it again from Slack',
  team_disabled: 'the Slack workspace is disabled; use a webhook of another one',
  user_not_found: 'the user the webhook posts to is gone; make a new webhook',
  channel_not_found: 'the Slack channel the webhook posts to is gone; make a new webhook',
  channel_is_archived: 'the Slack channel is archived; bring it back or make a new webhook',
  action_prohibited: 'an administrator of the workspace forbids this; ask one to allow the webhook',
  posting_to_general_channel_denied: 'the webhook may not post to #general; make one for another channel',
  invalid_payload: 'Slack did not understand the message; please report it with the event shown in the log',
  invalid_blocks: 'Slack did not take the message; check that it can fetch the plot from the public address',
};
const OTHER_REMEDY = 'check the webhook address and that its app is still installed in the workspace';

/**
 * A channel that posts to Slack through an incoming webhook.
 * @throws HalfspaceError `BadSettings` when the webhook is not an http or https address.
 */
export function createSlackChannel(options: SlackChannelOptions): Channel {
  const { name, webhook, log, timeoutMs = DEFAULT_TIMEOUT_MS } = options;
  if (webhook === null) return createLogChannel(name, log);
  const url = parseChannelUrl(name, 'webhook', webhook).href;
  const destination: Destination = {
    name,
    service: 'Slack',
    secrets: [webhook, url, new URL(url).pathname],
    remedyFor: (word) => REMEDIES[word.split(/[\s:]/, 1)[0] ?? ''] ?? OTHER_REMEDY,
  };
  return {
    name,
    send: async (alert, signal) => {
      signal.throwIfAborted();
      await post(url, alertMessage(alert), destination, signal, timeoutMs);
      return 'delivered';
    },
    sendDigest: async (message, signal) => {
      signal.throwIfAborted();
      await post(url, digestMessage(message), destination, signal, timeoutMs);
      return 'delivered';
    },
  };
}

async function post(
  url: string,
  message: AlertMessage,
  destination: Destination,
  signal: AbortSignal,
  timeoutMs: number,
): Promise<void> {
  // The library's error leaves the headers out, so Retry-After is caught on its way; the signal gets in the same way.
  let retryAfter: string | null = null;
  const webhook = new IncomingWebhook(url, {
    fetch: async (address, init) => {
      const request = { url: String(address), headers: init?.headers ?? {}, body: String(init?.body ?? '') };
      const answer = await postBounded(request, { signal, timeoutMs });
      retryAfter = answer.headers.get('retry-after');
      const { ok, status, statusText, headers, body } = answer;
      const text = async (): Promise<string> => body;
      const json = async (): Promise<unknown> => JSON.parse(body);
      const arrayBuffer = async (): Promise<ArrayBuffer> => new TextEncoder().encode(body).buffer;
      return { ok, status, statusText, url: '', headers, text, json, arrayBuffer };
    },
  });
  try {
    await webhook.send({ text: message.text, blocks: [...message.blocks], unfurl_links: false, unfurl_media: false });
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof IncomingWebhookHTTPError) {
      throw failureFromAnswer(destination, { status: error.statusCode, retryAfter, body: error.body });
    }
    throw failureFromError(destination, error, timeoutMs);
  }
}
