import { segmentOf } from './object-key.js';
import type { Storage } from './storage.js';

/** How far the message about one event came: `sending` says that an attempt began and nobody knows how it ended. */
type AlertState = 'sending' | 'delivered' | 'logged';

/** Which event was told to which channel: the reason an event is alerted once, whatever is retried. */
export class AlertRecords {
  readonly #storage: Storage;

  constructor(storage: Storage) {
    this.#storage = storage;
  }

  /** False also when an attempt to tell began and its outcome is unknown. */
  async isDelivered(eventKey: string, channel: string): Promise<boolean> {
    const bytes = await this.#storage.read(keyOf(eventKey, channel));
    if (bytes === null) return false;
    const how = stateOf(bytes);
    return how === 'delivered' || how === 'logged';
  }

  async mark(eventKey: string, channel: string, how: AlertState): Promise<void> {
    const record = JSON.stringify({ event: eventKey, channel, how });
    await this.#storage.write(keyOf(eventKey, channel), new TextEncoder().encode(record));
  }

  /** What was told under this key counts as not told. */
  async forget(eventKey: string): Promise<void> {
    await this.#storage.removeAll(folderOf(eventKey));
  }
}

/** What the record says; a record that cannot be read says nothing, so the event counts as not told. */
function stateOf(bytes: Uint8Array): unknown {
  try {
    const record: unknown = JSON.parse(new TextDecoder().decode(bytes));
    return typeof record === 'object' && record !== null && 'how' in record ? record.how : null;
  } catch {
    return null;
  }
}

function keyOf(eventKey: string, channel: string): string {
  return `${folderOf(eventKey)}/${segmentOf(channel)}.json`;
}

function folderOf(eventKey: string): string {
  return `alerts/${segmentOf(eventKey)}`;
}
