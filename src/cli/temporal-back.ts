import { setTimeout as delay } from 'node:timers/promises';
import { status } from '@grpc/grpc-js';
import { oneCall, type TemporalClient } from '../client.js';
import { grpcCause } from '../temporal-failures.js';

/** Beside the twenty seconds in which the SDK has tried a call again: a server that starts again needs ten. */
export const COMES_BACK_WITHIN_MS = 40_000;

const ASK_EVERY_MS = 1000;
const ANSWERS_WITHIN_MS = 5000;

/** What a call ends with that the SDK has tried for twenty seconds, or that had a deadline. */
const AWAY: readonly number[] = [
  status.UNAVAILABLE,
  status.DEADLINE_EXCEEDED,
  status.RESOURCE_EXHAUSTED,
  status.ABORTED,
  status.UNKNOWN,
];

/** Whether a call failed in a way that a server that comes back would mend. */
export function isAway(error: unknown): boolean {
  const { code } = grpcCause(error);
  return code !== null && AWAY.includes(code);
}

/** True once the server answers again, whatever it says; false when it does not in time or nobody waits any more. */
export async function comesBack({ client, namespace }: TemporalClient, signal: AbortSignal): Promise<boolean> {
  const untilMs = Date.now() + COMES_BACK_WITHIN_MS;
  const ask = () => client.workflowService.describeNamespace({ namespace });
  while (Date.now() < untilMs && !signal.aborted) {
    try {
      await client.withAbortSignal(oneCall(signal), () => client.withDeadline(Date.now() + ANSWERS_WITHIN_MS, ask));
      return true;
    } catch (error) {
      if (!isAway(error)) return !signal.aborted;
    }
    await delay(ASK_EVERY_MS, undefined, { signal }).catch(() => {});
  }
  return false;
}
