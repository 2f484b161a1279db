import { setTimeout as delay } from 'node:timers/promises';
import { HalfspaceError } from '../contract/failures.js';
import type { Channel, Delivery } from './channel.js';

export interface BreakerOptions {
  /** A channel whose tries have all failed for longer than this is away, default one minute: half of what a message is tried for. */
  readonly awayAfterMs?: number;
  readonly nowMs?: () => number;
}

const AWAY_AFTER_MS = 60_000;
/** Failures further apart than a message is tried for say nothing of the time between them. */
const FORGOTTEN_AFTER_MS = 120_000;
/** A channel that is back says so within this: then those that came meanwhile go out, too. */
const PROBE_PATIENCE_MS = 1000;

/**
 * The channel, kept from holding up everybody while it is away. Then one alert at a time goes out, to see whether it is
 * back; every other one fails at once. Whatever it answers ends that, also a refusal.
 *
 * Digests go through as they are: nobody waits for them, and nobody would tell them later.
 * @throws HalfspaceError from `send`: `ChannelAway` in place of a failure that is worth a retry while the channel is away.
 */
export function withBreaker(channel: Channel, options: BreakerOptions = {}): Channel {
  const breaker = new Breaker(channel.name, options);
  return {
    name: channel.name,
    send: (alert, signal) => breaker.send(() => channel.send(alert, signal)),
    sendDigest: (message, signal) => channel.sendDigest(message, signal),
  };
}

/** Tries that failed with no answer in between. */
interface Failing {
  readonly sinceMs: number;
  readonly lastMs: number;
  readonly reason: string;
}

class Breaker {
  readonly #name: string;
  readonly #awayAfterMs: number;
  readonly #nowMs: () => number;
  #failing: Failing | null = null;
  #isAway = false;
  #answeredMs = Number.NEGATIVE_INFINITY;
  /** Settles, never rejects, when the one alert that is under way to a channel that is away has come to its end. */
  #probe: Promise<void> | null = null;

  constructor(name: string, { awayAfterMs = AWAY_AFTER_MS, nowMs = Date.now }: BreakerOptions) {
    this.#name = name;
    this.#awayAfterMs = awayAfterMs;
    this.#nowMs = nowMs;
  }

  async send(post: () => Promise<Delivery>): Promise<Delivery> {
    if (this.#isAway && this.#probe !== null) {
      await Promise.race([this.#probe, delay(PROBE_PATIENCE_MS, undefined, { ref: false })]);
      if (this.#isAway) throw this.#refusal();
    }
    if (!this.#isAway) return this.#try(post);
    const delivery = this.#try(post);
    const end = (): void => {
      this.#probe = null;
    };
    this.#probe = delivery.then(end, end);
    return delivery;
  }

  async #try(post: () => Promise<Delivery>): Promise<Delivery> {
    const startedMs = this.#nowMs();
    try {
      const delivery = await post();
      this.#close();
      return delivery;
    } catch (error) {
      // Anything else is the caller, who wants to stop.
      if (!(error instanceof HalfspaceError)) throw error;
      if (!error.retry) this.#close();
      else if (this.#fails(startedMs, error.message)) {
        const message = `${error.message}; ${this.#howLong()}, the next run tries again`;
        throw new HalfspaceError('ChannelAway', message, { cause: error });
      }
      throw error;
    }
  }

  #close(): void {
    this.#failing = null;
    this.#isAway = false;
    this.#answeredMs = this.#nowMs();
  }

  /** Whether the channel is away by now. */
  #fails(startedMs: number, reason: string): boolean {
    const lastMs = this.#nowMs();
    const before = this.#failing;
    const goesOn = before !== null && (this.#isAway || startedMs - before.lastMs <= FORGOTTEN_AFTER_MS);
    // One that was under way when another got through says nothing of the time before that.
    const sinceMs = goesOn ? before.sinceMs : Math.max(startedMs, this.#answeredMs);
    this.#failing = { sinceMs, lastMs, reason };
    this.#isAway ||= lastMs - sinceMs > this.#awayAfterMs;
    return this.#isAway;
  }

  #refusal(): HalfspaceError {
    const message = `Alert channel \`${this.#name}\`: not tried, ${this.#howLong()}; the next run tries again`;
    const last = this.#failing === null ? '' : ` (last failure: ${this.#failing.reason})`;
    return new HalfspaceError('ChannelAway', `${message}${last}`);
  }

  #howLong(): string {
    const ms = this.#nowMs() - (this.#failing?.sinceMs ?? this.#nowMs());
    return `nothing has got through for ${Math.round(ms / 1000)} s`;
  }
}
