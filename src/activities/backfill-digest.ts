import type { Delivery } from '../alerts/channel.js';
import type { BackfillDigest, DigestMachine } from '../contract/digest.js';
import type { RunIdentity, Window } from '../contract/run-plan.js';
import { EventNotes } from '../store/event-notes.js';
import type { Attempt } from './attempt.js';
import type { ActivityDeps } from './deps.js';
import { settingsOf } from './plan-run.js';
import { runUrl, tellOnce } from './tell-once.js';

/** A message names this many machines. */
const WORST_SHOWN = 20;

export interface MakeDigestInput {
  readonly pipeline: string;
  readonly scope: string;
  readonly range: Window;
  /** Machines that could not be finished. */
  readonly unfinished: number;
}

/** What a backfill found in all its chunks, and the channels to tell. */
export async function makeDigest(
  deps: ActivityDeps,
  { pipeline, scope, range, unfinished }: MakeDigestInput,
  attempt: Attempt,
): Promise<{ digest: BackfillDigest; channels: readonly string[] }> {
  const { alerts: channels } = settingsOf(deps, pipeline);
  const machines = new Map<string, DigestMachine>();
  for await (const note of new EventNotes(deps.storage, scope).read()) {
    const before = machines.get(note.uniqueId);
    machines.set(note.uniqueId, before === undefined ? note : joined(before, note));
    await attempt.breathe();
  }
  const found = [...machines.values()].filter(({ rows }) => rows > 0);
  const worst = found.toSorted((a, b) => b.worst.score - a.worst.score || (a.uniqueId < b.uniqueId ? -1 : 1));
  const digest: BackfillDigest = {
    key: scope,
    pipeline,
    range,
    machines: found.length,
    rows: found.reduce((sum, { rows }) => sum + rows, 0),
    events: found.reduce((sum, { events }) => sum + events, 0),
    unfinished,
    worst: worst.slice(0, WORST_SHOWN),
  };
  return { digest, channels };
}

/** A machine's worst row is the first of those with the highest score, whatever order notes are read in. */
function joined(a: DigestMachine, b: DigestMachine): DigestMachine {
  const isSecondWorse =
    b.worst.score > a.worst.score || (b.worst.score === a.worst.score && BigInt(b.worst.time) < BigInt(a.worst.time));
  return { ...a, rows: a.rows + b.rows, events: a.events + b.events, worst: isSecondWorse ? b.worst : a.worst };
}

export interface SendDigestInput {
  readonly digest: BackfillDigest;
  readonly channel: string;
  readonly run: RunIdentity;
}

/** Tells one channel of a backfill, once. */
export async function sendDigest(
  deps: ActivityDeps,
  { digest, channel, run }: SendDigestInput,
  attempt: Attempt,
): Promise<Delivery> {
  const address = runUrl(deps.links, run);
  return tellOnce(deps, { subject: { digest: digest.key }, channel }, attempt, (to) =>
    to.sendDigest({ digest, runUrl: address }, attempt.signal),
  );
}
