import type { AnomalyEvent } from '../contract/anomaly-event.js';
import type { Nanos } from '../contract/time.js';
import { segmentOf } from './object-key.js';
import type { Storage } from './storage.js';

/**
 * How far the message about one event came. `sending`: an attempt began and nobody knows how it ended. `revising`: late rows
 * took the event away after it was told, which is still to be said; `revised`: it was said.
 */
export type AlertState = 'sending' | 'delivered' | 'logged' | 'revising' | 'revised';

/** What a message is about: an event, or the whole of a backfill by its digest's key. */
export type AlertSubject = AnomalyEvent | { readonly digest: string };

export interface AlertRecord {
  readonly event: AnomalyEvent;
  readonly channel: string;
  readonly how: AlertState;
}

/** Which message went to which channel: the reason an event is alerted once, whatever is retried. */
export class AlertRecords {
  readonly #storage: Storage;

  constructor(storage: Storage) {
    this.#storage = storage;
  }

  /** False also when an attempt to tell began and its outcome is unknown, and when the event was taken back since. */
  async isDelivered(subject: AlertSubject, channel: string): Promise<boolean> {
    return isTold(await this.stateOf(subject, channel));
  }

  /** Null without a record; a record that cannot be read says nothing either, so its subject counts as not told. */
  async stateOf(subject: AlertSubject, channel: string): Promise<AlertState | null> {
    return stateIn(parsed(await this.#storage.read(keyOf(subject, channel))));
  }

  async mark(subject: AlertSubject, channel: string, how: AlertState): Promise<void> {
    const record = 'digest' in subject ? { ...subject, channel, how } : { event: subject, channel, how };
    await this.#storage.write(keyOf(subject, channel), new TextEncoder().encode(JSON.stringify(record)));
  }

  /** What was told of it counts as not told. */
  async forget(subject: AlertSubject): Promise<void> {
    await this.#storage.removeAll(folderOf(subject));
  }

  /** The records of a machine's events that began at or after `from`, oldest event first. */
  async list(pipeline: string, uniqueId: string, from: Nanos): Promise<AlertRecord[]> {
    const firsts = await this.#firsts(pipeline, uniqueId);
    return this.#recordsOf(
      pipeline,
      uniqueId,
      firsts.filter((first) => BigInt(first) >= BigInt(from)),
    );
  }

  /** The records of events that share a stretch of time with this one, other than its own. */
  async overlapping(event: AnomalyEvent): Promise<AlertRecord[]> {
    const { pipeline, uniqueId, first, last } = event;
    const others = (await this.#firsts(pipeline, uniqueId)).filter((other) => other !== first);
    const within = others.filter((other) => BigInt(other) > BigInt(first) && BigInt(other) <= BigInt(last));
    // Events follow each other, so of those that began before only the last one may reach into this one.
    const before = others.filter((other) => BigInt(other) < BigInt(first)).slice(-1);
    const records = await this.#recordsOf(pipeline, uniqueId, [...before, ...within]);
    return records.filter((record) => BigInt(record.event.last) >= BigInt(first));
  }

  /** When a machine's events with records began, in order. */
  async #firsts(pipeline: string, uniqueId: string): Promise<Nanos[]> {
    const names = await this.#storage.list(machineFolder(pipeline, uniqueId));
    return names
      .map((name) => name.replace(/\/$/, ''))
      .filter((name) => /^-?\d+$/.test(name))
      .sort(byTime);
  }

  async #recordsOf(pipeline: string, uniqueId: string, firsts: readonly Nanos[]): Promise<AlertRecord[]> {
    const folder = machineFolder(pipeline, uniqueId);
    const records: AlertRecord[] = [];
    for (const first of firsts) {
      for (const channel of await this.#storage.list(`${folder}/${first}`)) {
        const record = parsed(await this.#storage.read(`${folder}/${first}/${channel}`));
        if (isEventRecord(record)) records.push(record);
      }
    }
    return records;
  }
}

/** True when people know of the event. */
export function isTold(how: AlertState | null): boolean {
  return how === 'delivered' || how === 'logged';
}

function parsed(bytes: Uint8Array | null): unknown {
  if (bytes === null) return null;
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return null;
  }
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
  const name = subject.worst.cause === 'silent' ? `silent-${subject.first}` : subject.first;
  return `${machineFolder(subject.pipeline, subject.uniqueId)}/${segmentOf(name)}`;
}

function keyOf(subject: AlertSubject, channel: string): string {
  return `${folderOf(subject)}/${segmentOf(channel)}.json`;
}
