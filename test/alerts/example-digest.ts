import type { DigestMessage } from '../../src/alerts/channel.js';
import type { BackfillDigest, DigestMachine } from '../../src/contract/digest.js';

export function exampleMachine(uniqueId: string): DigestMachine {
  return { uniqueId, rows: 57, events: 1, worst: { time: '1795500931000000000', score: 0.97312345678 } };
}

/** A digest as a backfill makes it, with the given parts replaced. */
export function exampleDigest(change: Partial<BackfillDigest> = {}, runUrl: string | null = null): DigestMessage {
  const digest = {
    key: 'machines~backfill~1~2',
    pipeline: 'machines',
    range: { from: '1795478400000000000', to: '1795564800000000000' },
    machines: 1,
    rows: 57,
    events: 1,
    unfinished: 0,
    worst: [exampleMachine('bosch-gmbh-m1')],
    ...change,
  };
  return { digest, runUrl };
}
