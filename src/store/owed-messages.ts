import type { AnomalyEvent } from '../contract/anomaly-event.js';
import type { Nanos } from '../contract/time.js';
import { readJson, writeJson } from './json-object.js';
import { segmentOf } from './object-key.js';
import type { Storage } from './storage.js';

/** A machine about which something is to be said. */
export interface OwingMachine {
  readonly uniqueId: string;
  /** The id columns' names and exact values. */
  readonly ids: Readonly<Record<string, string>>;
}

/** Of which event, by which channel. */
export interface OwedMessage extends Pick<AnomalyEvent, 'pipeline' | 'uniqueId' | 'first'> {
  readonly channel: string;
}

/** A message of a channel that the pipeline does not have. */
export interface OwedByOther {
  readonly file: string;
  /** The event's first row. */
  readonly first: Nanos;
  readonly channel: string;
}

export interface OwedLook {
  /** Of which one of the channels owes something. */
  readonly machines: readonly OwingMachine[];
  readonly ofOthers: readonly OwedByOther[];
}

/** Reads at a time: where a channel is down, a whole fleet may owe. */
const READ_AT_ONCE = 32;

/**
 * Names of the records that say something is still to be said, so that a run finds them with one look, whatever became of the
 * run that made them. A name is written before its record says so and removed after it says otherwise: it may be there in
 * vain, it is never missing.
 */
export class OwedMessages {
  readonly #storage: Storage;

  constructor(storage: Storage) {
    this.#storage = storage;
  }

  async add(event: AnomalyEvent, channel: string): Promise<void> {
    const { uniqueId, ids } = event;
    const machine: OwingMachine = { uniqueId, ids };
    await writeJson(this.#storage, keyOf({ ...event, channel }), machine);
  }

  async remove(message: OwedMessage): Promise<void> {
    await this.#storage.remove(keyOf(message));
  }

  /** What is owed, in one look. @param channels those that the pipeline has. */
  async look(pipeline: string, channels: readonly string[]): Promise<OwedLook> {
    const names = await this.#names(pipeline);
    const own = new Set(channels.map(segmentOf));
    return {
      machines: await this.#machinesOf(
        pipeline,
        names.filter(({ segment }) => own.has(segment)),
      ),
      ofOthers: names
        .filter(({ segment }) => !own.has(segment))
        .map(({ file, first, segment }) => ({ file, first, channel: segment })),
    };
  }

  /** Nothing is said any more of these. */
  async giveUp(pipeline: string, messages: readonly OwedByOther[]): Promise<void> {
    for (const { file } of messages) await this.#storage.remove(`${folderOf(pipeline)}/${file}`);
  }

  async #machinesOf(pipeline: string, names: readonly Name[]): Promise<OwingMachine[]> {
    // One name a machine is enough: all say the same of it.
    const files = [...new Map(names.map(({ machine, file }) => [machine, file])).values()];
    const found: OwingMachine[] = [];
    for (let next = 0; next < files.length; next += READ_AT_ONCE) {
      const page = files.slice(next, next + READ_AT_ONCE);
      const read = await Promise.all(page.map((file) => readJson(this.#storage, `${folderOf(pipeline)}/${file}`)));
      found.push(...read.map(machineIn).filter((machine) => machine !== null));
    }
    return found;
  }

  /** Whether one of the channels owes anything. */
  async isAny(pipeline: string, channels: readonly string[]): Promise<boolean> {
    const own = new Set(channels.map(segmentOf));
    return (await this.#names(pipeline)).some(({ segment }) => own.has(segment));
  }

  /** What these channels owe of a machine, oldest event first. */
  async of(pipeline: string, uniqueId: string, channels: readonly string[]): Promise<OwedMessage[]> {
    const bySegment = new Map(channels.map((channel) => [segmentOf(channel), channel]));
    const names = (await this.#names(pipeline)).filter(({ machine }) => machine === segmentOf(uniqueId));
    return names
      .flatMap(({ first, segment }) => {
        const channel = bySegment.get(segment);
        return channel === undefined ? [] : [{ pipeline, uniqueId, first, channel }];
      })
      .sort((a, b) => (BigInt(a.first) < BigInt(b.first) ? -1 : 1));
  }

  async #names(pipeline: string): Promise<Name[]> {
    return (await this.#storage.list(folderOf(pipeline))).flatMap((file) => {
      const [, machine, first, segment] = NAME.exec(file) ?? [];
      if (machine === undefined || first === undefined || segment === undefined) return [];
      return [{ file, machine, first, segment }];
    });
  }
}

interface Name {
  readonly file: string;
  /** The machine's segment. */
  readonly machine: string;
  readonly first: Nanos;
  /** The channel's. */
  readonly segment: string;
}

/** Machine, first row, channel; a machine's segment may hold dots, the others hold none. */
const NAME = /^(.+)\.(-?\d+)\.([^.]+)\.json$/;

/** Null for what is gone, or was not written by us. */
function machineIn(value: unknown): OwingMachine | null {
  if (typeof value !== 'object' || value === null || !('uniqueId' in value) || !('ids' in value)) return null;
  const isOurs = typeof value.uniqueId === 'string' && typeof value.ids === 'object' && value.ids !== null;
  return isOurs ? (value as OwingMachine) : null;
}

function folderOf(pipeline: string): string {
  return `owed/${segmentOf(pipeline)}`;
}

function keyOf({ pipeline, uniqueId, first, channel }: OwedMessage): string {
  return `${folderOf(pipeline)}/${segmentOf(uniqueId)}.${first}.${segmentOf(channel)}.json`;
}
