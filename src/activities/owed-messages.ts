import type { AnomalyEvent } from '../contract/anomaly-event.js';
import type { MachineInput, ToldEvent } from '../contract/machine-run.js';
import type { Nanos } from '../contract/time.js';
import { type AlertRecord, type AlertRecords, spanOf } from '../store/alert-records.js';
import { isKnown, type ScoredStretch, shares } from './incidents.js';

/** What a machine's events are now. */
export interface EventsNow {
  /** Those that the run touched, oldest first. */
  readonly events: readonly AnomalyEvent[];
  /** The one among them that is told anyhow, if any. */
  readonly latest: AnomalyEvent | null;
  /** Incidents that stand. */
  readonly incidents: readonly AlertRecord[];
  readonly scored: ScoredStretch;
  /** Nobody wants to hear of an event that ended before this and that nobody was told of. */
  readonly earliest: bigint;
}

/** A message that is still to be said by one channel. */
export interface Owing {
  readonly event: AnomalyEvent;
  readonly channel: string;
  /** When somebody last tried, milliseconds since the epoch; 0: nobody has. */
  readonly triedMs: number;
}

export interface OwedNow {
  /** Events that people know of and that are none, oldest first. */
  readonly revised: readonly Owing[];
  /** Events that somebody tried to tell in vain, without `latest`, oldest first. */
  readonly untold: readonly Owing[];
  /** What the message that was begun about `latest` says of the events before it. */
  readonly earlier: AnomalyEvent['earlier'];
}

export const NOTHING_OWED: OwedNow = { revised: [], untold: [], earlier: undefined };

/** A channel is told so many in one run, so that its payloads stay small; the next runs tell the rest. */
const MOST_OWED = 10;

/**
 * What earlier runs, and this one, have still to say of a machine. A message that was begun is of the event that now shares a
 * row with the one it was to tell; where there is none any more, or people know of it, nothing is left to be said.
 */
export async function owedMessages(
  records: AlertRecords,
  { plan, machine }: MachineInput,
  now: EventsNow,
): Promise<OwedNow> {
  const { latest } = now;
  const revised: Owing[] = [];
  const untold: Owing[] = [];
  let earlier: AnomalyEvent['earlier'];
  for (const record of await records.owed(plan.pipeline, machine.uniqueId, plan.channels)) {
    const { event, channel, how, triedMs = 0 } = record;
    if (how === 'revising') {
      revised.push({ event, channel, triedMs });
      continue;
    }
    const stands = asItStands(record, now);
    if (stands === null) {
      await records.drop(record);
      continue;
    }
    if (stands.first !== event.first) {
      await records.keep({ ...record, event: stands }, how);
      await records.drop(record);
    }
    if (stands.first === latest?.first) earlier = event.earlier;
    else
      untold.push({
        event: event.earlier === undefined ? stands : { ...stands, earlier: event.earlier },
        channel,
        triedMs,
      });
  }
  return { revised, untold, earlier };
}

/**
 * What a run tells of what is owed: by each channel first what it was last asked to tell longest ago, and the oldest first
 * where that is the same. So what a channel refuses every time never keeps from it what it would take.
 * @param owing oldest event first.
 */
export function turnOf(owing: readonly Owing[]): ToldEvent[] {
  const turn = new Told();
  const taken = new Map<string, number>();
  for (const { event, channel } of owing.toSorted((a, b) => a.triedMs - b.triedMs)) {
    const before = taken.get(channel) ?? 0;
    if (before === MOST_OWED) continue;
    taken.set(channel, before + 1);
    turn.add(event, channel);
  }
  return turn.all;
}

/** The event that a message was begun about; null when there is nothing to tell of it. */
function asItStands(record: AlertRecord, now: EventsNow): AnomalyEvent | null {
  const { event, channel } = record;
  const { latest, incidents, scored } = now;
  const own = now.events.filter((other) => shares(spanOf(record), other));
  const stands = own.find(({ first }) => first === latest?.first) ?? own.at(-1);
  if (stands !== undefined) return isKnown(incidents, stands, channel) ? null : stands;
  const last = BigInt(event.last);
  const isGone = scored.isAgain && last >= BigInt(scored.from);
  // One that still went on would be among the events.
  return isGone || last < now.earliest ? null : { ...event, open: false };
}

/** Events by their first row, each with its channels. */
class Told {
  readonly #byFirst = new Map<Nanos, { readonly event: AnomalyEvent; readonly channels: string[] }>();

  add(event: AnomalyEvent, channel: string): void {
    const known = this.#byFirst.get(event.first) ?? { event, channels: [] };
    if (!known.channels.includes(channel)) known.channels.push(channel);
    this.#byFirst.set(event.first, known);
  }

  get all(): ToldEvent[] {
    return [...this.#byFirst.values()];
  }
}
