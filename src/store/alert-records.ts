import { segmentOf } from './object-key.js';
import type { Storage } from './storage.js';

/** Which event was told to which channel: the reason an event is alerted once, whatever is retried. */
export class AlertRecords {
  readonly #storage: Storage;

  constructor(storage: Storage) {
    this.#storage = storage;
  }

  async isDelivered(eventKey: string, channel: string): Promise<boolean> {
    return (await this.#storage.read(keyOf(eventKey, channel))) !== null;
  }

  async markDelivered(eventKey: string, channel: string, how: string): Promise<void> {
    const record = JSON.stringify({ event: eventKey, channel, how });
    await this.#storage.write(keyOf(eventKey, channel), new TextEncoder().encode(record));
  }
}

function keyOf(eventKey: string, channel: string): string {
  return `alerts/${segmentOf(eventKey)}/${segmentOf(channel)}.json`;
}
