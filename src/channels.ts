import { withBreaker } from './alerts/breaker.js';
import type { Channel } from './alerts/channel.js';
import type { AlertLog } from './alerts/log-channel.js';
import { createSlackChannel } from './alerts/slack.js';
import { createWebhookChannel } from './alerts/webhook.js';
import type { ChannelSettings } from './config/schema.js';

/**
 * The channels of halfspace.yaml by name; nothing is sent before the first alert.
 * @throws HalfspaceError `BadSettings` for an address or a header that cannot be used.
 */
export function createChannels(
  settings: Readonly<Record<string, ChannelSettings>>,
  log: AlertLog,
): Map<string, Channel> {
  return new Map(
    Object.entries(settings).map(([name, channel]) => [name, withBreaker(createChannel(name, channel, log))]),
  );
}

function createChannel(name: string, channel: ChannelSettings, log: AlertLog): Channel {
  switch (channel.kind) {
    case 'slack':
      return createSlackChannel({ name, webhook: channel.webhook, log });
    case 'webhook':
      return createWebhookChannel({ name, url: channel.url, headers: channel.headers, log });
  }
}
