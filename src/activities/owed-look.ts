import type { PipelineSettings } from '../contract/pipeline.js';
import type { RunPlan } from '../contract/run-plan.js';
import { earlierOf, isoFromNanos, nanosFromMs } from '../contract/time.js';
import { type OwedByOther, OwedMessages } from '../store/owed-messages.js';
import type { Storage } from '../store/storage.js';
import type { OwingMachines } from './choose-machines.js';

/** What a run finds of what earlier ones could not tell. */
export interface OwedAtStart {
  readonly machines: OwingMachines;
  readonly warnings: readonly string[];
}

/**
 * A look at one folder of the store, which is empty while nothing is owed. What a channel owes that the pipeline has no more is
 * said in each run, and given up with `window.catch_up`: one that was taken out by mistake, or renamed, can be put back.
 */
export async function lookForOwed(
  storage: Storage,
  { source, window: { catch_up: catchUp } }: PipelineSettings,
  { pipeline, channels, events, window }: RunPlan,
): Promise<OwedAtStart> {
  // Nobody is told of a backfill's events one by one.
  if (events === 'noted') return { machines: new Map(), warnings: [] };
  const owed = new OwedMessages(storage);
  const { machines, ofOthers } = await owed.look(pipeline, channels);
  const earliest = BigInt(window.to) - nanosFromMs(catchUp);
  const isOver = ({ first }: OwedByOther) => BigInt(first) < earliest;
  const over = ofOthers.filter(isOver);
  await owed.giveUp(pipeline, over);
  // What was told under other id columns is of machines that are none any more.
  const owing = machines.flatMap(({ uniqueId, ids }) => {
    const own = source.id.map((column) => ids[column]).filter((id) => id !== undefined);
    return own.length === source.id.length ? [[uniqueId, own] as const] : [];
  });
  const waiting = ofOthers.filter((message) => !isOver(message));
  return { machines: new Map(owing), warnings: [...warningsOf(waiting, WAITING), ...warningsOf(over, GIVEN_UP)] };
}

const WAITING = 'put it back to have them sent; they are given up when they are older than window.catch_up';
const GIVEN_UP = 'they are older than window.catch_up and given up';

/** One text a channel. */
function warningsOf(messages: readonly OwedByOther[], what: string): string[] {
  const channels = [...new Set(messages.map(({ channel }) => channel))].sort();
  return channels.map((channel) => {
    const firsts = messages.filter((message) => message.channel === channel).map(({ first }) => first);
    const since = isoFromNanos(BigInt(firsts.reduce(earlierOf)));
    return `messages are owed by the channel \`${channel}\`, which this pipeline does not have any more: ${firsts.length}, of events from ${since} on; ${what}`;
  });
}
