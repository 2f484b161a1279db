import type { AnomalyEvent } from '../contract/anomaly-event.js';
import type { Nanos } from '../contract/time.js';
import { readJson, writeJson } from './json-object.js';
import { segmentOf } from './object-key.js';
import { type OwedMessage, OwedMessages } from './owed-messages.js';
import type { Storage } from './storage.js';

/**
 * How far the message about one event came. `sending`: an attempt began and nobody knows how it ended. `revising`: late rows
 * took the event away after it was told, which is still to be said; `revised`: it was said.
 */
export type AlertState = 'sending' | 'delivered' | 'logged' | 'revising' | 'revised';

/** What a message is about: an event, or the whole of a backfill by its digest's key. */
export type AlertSubject = AnomalyEvent | { readonly digest: string };

/** Where the incident that a message told of stands by now, nanoseconds. */
export interface IncidentSpan {
  /** First and last row that its events ever reached since it was told. */
  readonly from: Nanos;
  readonly until: Nanos;
  /** Last row of the earliest of the events that it consists of now, at the least. */
  readonly firstEnd: Nanos;
}

export interface AlertRecord {
  /** As it was told. */
  readonly event: AnomalyEvent;
  readonly channel: string;
  readonly how: AlertState;
  /** Absent while it is the told event's own. */
  readonly span?: IncidentSpan;
  /** When somebody last tried to say what is owed, milliseconds since the epoch; absent where nobody has. */
  readonly triedMs?: number;
}

/** Stretches of time, both ends included. */
type Stretch = Pick<IncidentSpan, 'from' | 'until'>;

/** Which message went to which channel: the reason an event is alerted once, whatever is retried. */
export class AlertRecords {
  readonly #storage: Storage;
  readonly #owed: OwedMessages;

  constructor(storage: Storage) {
    this.#storage = storage;
    this.#owed = new OwedMessages(storage);
  }

  /** False also when an attempt to tell began and its outcome is unknown, and when the event was taken back since. */
  async isDelivered(subject: AlertSubject, channel: string): Promise<boolean> {
    return isTold(await this.stateOf(subject, channel));
  }

  /** Null without a record; a record that cannot be read says nothing either, so its subject counts as not told. */
  async stateOf(subject: AlertSubject, channel: string): Promise<AlertState | null> {
    return stateIn(await readJson(this.#storage, keyOf(subject, channel)));
  }

  async mark(subject: AlertSubject, channel: string, how: AlertState): Promise<void> {
    const record = 'digest' in subject ? { ...subject, channel, how } : { event: subject, channel, how };
    await this.#write(subject, record, true);
  }

  /**
   * Says that an attempt to tell begins, or to take back what was told, and when.
   * @param nowMs milliseconds since the epoch.
   */
  async begin(
    { subject, channel, isTakenBack = false }: { subject: AlertSubject; channel: string; isTakenBack?: boolean },
    nowMs: number,
  ): Promise<void> {
    if ('digest' in subject) return this.mark(subject, channel, 'sending');
    // What is known of the incident stays: it may come back.
    const known = isTakenBack ? await this.#read({ ...subject, channel }) : null;
    const record = known ?? { event: subject, channel, how: isTakenBack ? 'revising' : 'sending' };
    await this.#write(subject, { ...record, triedMs: nowMs }, false);
  }

  /** What was told of it counts as not told. */
  async forget(subject: AlertSubject): Promise<void> {
    await this.#storage.removeAll(folderOf(subject));
  }

  /** The records of a machine's events of which one of the channels has still to say something, oldest event first. */
  async owed(pipeline: string, uniqueId: string, channels: readonly string[]): Promise<AlertRecord[]> {
    const records: AlertRecord[] = [];
    for (const message of await this.#owed.of(pipeline, uniqueId, channels)) {
      const record = await this.#read(message);
      // Whoever wrote the name died before the record said so, or after it said otherwise.
      if (record === null || !isOwed(record.how)) await this.#owed.remove(message);
      else records.push(record);
    }
    return records;
  }

  /** What was to be said is not any more, and nobody knows of the event. */
  async drop({ event, channel }: AlertRecord): Promise<void> {
    await this.#storage.remove(keyOf(event, channel));
    await this.#owed.remove({ ...event, channel });
  }

  /**
   * The incidents that a channel knows of and that may share a row with the stretch, oldest first: of those around it the next
   * one on either side is among them.
   */
  async incidents(
    pipeline: string,
    uniqueId: string,
    channel: string,
    { from, until }: Stretch,
  ): Promise<AlertRecord[]> {
    const firsts = await this.#firsts(pipeline, uniqueId);
    const read = async (first: Nanos): Promise<AlertRecord[]> => {
      const record = await this.#read({ pipeline, uniqueId, first, channel });
      return record !== null && isIncident(record) ? [record] : [];
    };
    const found: AlertRecord[] = [];
    for (const first of firsts) {
      if (BigInt(first) >= BigInt(from) && BigInt(first) <= BigInt(until)) found.push(...(await read(first)));
    }
    // Spans share no row, so behind the nearest one none reaches into the stretch. Events nobody knows of may lie in between.
    const earlier = firsts.filter((first) => BigInt(first) < BigInt(from)).reverse();
    const later = firsts.filter((first) => BigInt(first) > BigInt(until));
    return [...(await nearest(earlier, read)), ...found, ...(await nearest(later, read))];
  }

  /** Keeps a record that was read, changed. @param was its state before. */
  async keep(record: AlertRecord, was: AlertState): Promise<void> {
    await this.#write(record.event, record, isOwed(was));
  }

  /** @param mayBeOwed whether something may have been to be said until now. */
  async #write(
    subject: AlertSubject,
    record: Pick<AlertRecord, 'channel' | 'how'> & Partial<AlertRecord>,
    mayBeOwed: boolean,
  ): Promise<void> {
    const { channel, how } = record;
    // A digest's workflow tells it or fails; of a silence, which moves with the progress, the next run knows by itself.
    const event = 'digest' in subject || isSilence(subject) ? null : subject;
    if (event !== null && isOwed(how)) await this.#owed.add(event, channel);
    await writeJson(this.#storage, keyOf(subject, channel), record);
    if (event === null || !mayBeOwed || isOwed(how)) return;
    // A name that stays says nothing: whoever reads it next removes it.
    await this.#owed.remove({ ...event, channel }).catch(() => {});
  }

  async #read({ pipeline, uniqueId, first, channel }: OwedMessage): Promise<AlertRecord | null> {
    const key = `${machineFolder(pipeline, uniqueId)}/${first}/${segmentOf(channel)}.json`;
    const record = await readJson(this.#storage, key);
    return isEventRecord(record) ? record : null;
  }

  /** When a machine's events with records began, in order. */
  async #firsts(pipeline: string, uniqueId: string): Promise<Nanos[]> {
    const names = await this.#storage.list(machineFolder(pipeline, uniqueId));
    return names
      .map((name) => name.replace(/\/$/, ''))
      .filter((name) => /^-?\d+$/.test(name))
      .sort(byTime);
  }
}

/** True when people know of the event. */
export function isTold(how: AlertState | null): boolean {
  return how === 'delivered' || how === 'logged';
}

/** True when something is still to be said of it. */
function isOwed(how: AlertState): boolean {
  return how === 'sending' || how === 'revising';
}

function isSilence({ worst }: AnomalyEvent): boolean {
  return worst.cause === 'silent';
}

/** The span of what a message told of, as far as it is known. */
export function spanOf({ event, span }: Pick<AlertRecord, 'event' | 'span'>): IncidentSpan {
  return span ?? { from: event.first, until: event.last, firstEnd: event.last };
}

/** True while people know of it: also where its end is still to be said. */
function isIncident({ how }: AlertRecord): boolean {
  return isTold(how) || how === 'revising';
}

/** What is read of the first that has anything. */
async function nearest<T>(firsts: readonly Nanos[], read: (first: Nanos) => Promise<T[]>): Promise<T[]> {
  for (const first of firsts) {
    const found = await read(first);
    if (found.length > 0) return found;
  }
  return [];
}

function stateIn(record: unknown): AlertState | null {
  return isGroup(record) && isState(record.how) ? record.how : null;
}

function isEventRecord(record: unknown): record is AlertRecord {
  return stateIn(record) !== null && isGroup(record) && isGroup(record.event) && typeof record.event.first === 'string';
}

function isGroup(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function isState(value: unknown): value is AlertState {
  return STATES.has(value);
}

const STATES: ReadonlySet<unknown> = new Set<AlertState>(['sending', 'delivered', 'logged', 'revising', 'revised']);

function byTime(a: string, b: string): number {
  return BigInt(a) < BigInt(b) ? -1 : 1;
}

function machineFolder(pipeline: string, uniqueId: string): string {
  return `alerts/${segmentOf(pipeline)}/${segmentOf(uniqueId)}`;
}

function folderOf(subject: AlertSubject): string {
  if ('digest' in subject) return `alerts/${segmentOf(subject.digest)}`;
  // A silence has no rows that could come late, and shares no stretch with an event: it is not among them.
  const name = isSilence(subject) ? `silent-${subject.first}` : subject.first;
  return `${machineFolder(subject.pipeline, subject.uniqueId)}/${segmentOf(name)}`;
}

function keyOf(subject: AlertSubject, channel: string): string {
  return `${folderOf(subject)}/${segmentOf(channel)}.json`;
}
