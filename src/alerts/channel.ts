import type { AnomalyEvent } from '../contract/anomaly-event.js';
import type { BackfillDigest } from '../contract/digest.js';

/** One message to people about one event. */
export interface Alert {
  /** `revised`: the event was told and is none since late rows came. */
  readonly kind: 'event' | 'revised';
  readonly event: AnomalyEvent;
  /** True when the event came to light with rows that came late. */
  readonly isFoundLate: boolean;
  /** Address of the run in the Temporal UI; null when no UI address is set. */
  readonly runUrl: string | null;
  /** Public address of the plot; null when no public address is set. */
  readonly plotUrl: string | null;
}

/** One message to people about a whole backfill. */
export interface DigestMessage {
  readonly digest: BackfillDigest;
  /** Address of the backfill in the Temporal UI; null when no UI address is set. */
  readonly runUrl: string | null;
}

/** `logged`: no address is configured, so the message went to the log instead. */
export type Delivery = 'delivered' | 'logged';

export interface Channel {
  readonly name: string;
  /**
   * Sends one alert, one attempt; the caller retries.
   * @throws HalfspaceError `RateLimited` (with `retryAfterMs` when told), `Unreachable`, `TimedOut`, `ServerFault`, or
   * `RejectedAlert` when trying again cannot help, `ChannelAway` when it cannot help in this run.
   */
  send(alert: Alert, signal: AbortSignal): Promise<Delivery>;
  /** Sends one digest, as {@link send} does an alert. */
  sendDigest(message: DigestMessage, signal: AbortSignal): Promise<Delivery>;
}
