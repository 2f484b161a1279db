import { ApplicationFailure, CancelledFailure, Context } from '@temporalio/activity';
import { HalfspaceError } from '../contract/failures.js';
import { nextTurn } from './turns.js';

/** One attempt of an activity, as the steps see it. */
export interface Attempt {
  /** Aborts when the run is cancelled or the worker shuts down. */
  readonly signal: AbortSignal;
  /** Says how far the work is; shown as the heartbeat's details. */
  report(progress: string | number): void;
  /** Lets the event loop run (heartbeats, other activities) and throws when the attempt was told to stop. */
  breathe(): Promise<void>;
}

/** Well below the heartbeat timeout. Most steps are over before their first beat, which would cost the server a write. */
const BEAT_EVERY_MS = 1000;

/**
 * Makes an activity of a step: beats while it works, stops when told to, and turns its failure into one that the
 * workflow can sort (`type` is the failure's kind, retried or not as contract/failures.ts says).
 */
export function asActivity<Input, Output>(
  step: (input: Input, attempt: Attempt) => Promise<Output>,
): (input: Input) => Promise<Output> {
  return async (input) => {
    const context = Context.current();
    const signal = context.cancellationSignal;
    let progress: string | number | undefined;
    const attempt: Attempt = {
      signal,
      report: (value) => {
        progress = value;
      },
      breathe: async () => {
        await nextTurn();
        signal.throwIfAborted();
      },
    };
    const beat = setInterval(() => context.heartbeat(progress), BEAT_EVERY_MS);
    try {
      return await step(input, attempt);
    } catch (error) {
      if (signal.aborted) throw await cancellation(context);
      throw failureOf(error);
    } finally {
      clearInterval(beat);
    }
  };
}

/** The context's own CancelledFailure: it says why (cancelled, timed out, shut down). */
async function cancellation(context: Context): Promise<unknown> {
  return context.cancelled.catch((reason: unknown) => reason);
}

function failureOf(error: unknown): unknown {
  if (error instanceof CancelledFailure || error instanceof ApplicationFailure) return error;
  if (error instanceof HalfspaceError) {
    return ApplicationFailure.create({
      message: error.message,
      type: error.kind,
      nonRetryable: !error.retry,
      ...(error.remedy === undefined ? {} : { details: [error.remedy] }),
      ...(error.retryAfterMs === undefined ? {} : { nextRetryDelay: error.retryAfterMs }),
    });
  }
  return error;
}
