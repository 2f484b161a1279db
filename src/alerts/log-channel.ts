import type { Channel } from './channel.js';
import { digestSummary } from './digest-message.js';
import { alertSummary } from './message.js';

/** Where a channel without an address writes its alerts. */
export type AlertLog = (message: string, fields: Readonly<Record<string, unknown>>) => void;

/** A channel that writes one line an alert to the log, with the event's key and the links as fields. */
export function createLogChannel(name: string, log: AlertLog): Channel {
  return {
    name,
    send: async (alert, signal) => {
      signal.throwIfAborted();
      const { kind, event, runUrl, plotUrl } = alert;
      log(alertSummary(alert), { kind, channel: name, event: event.key, runUrl, plotUrl });
      return 'logged';
    },
    sendDigest: async ({ digest, runUrl }, signal) => {
      signal.throwIfAborted();
      log(digestSummary(digest), { channel: name, digest: digest.key, machines: digest.worst, runUrl });
      return 'logged';
    },
  };
}
