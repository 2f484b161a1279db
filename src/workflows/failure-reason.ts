import { TimeoutFailure } from '@temporalio/common';

/** Twenty of them travel in one result. */
const LONGEST_REASON = 400;

/** The innermost message of a failure: the words of the step that failed, without Temporal's wrapping. */
export function failureReason(error: unknown): string {
  let innermost = error;
  while (innermost instanceof Error && innermost.cause instanceof Error) innermost = innermost.cause;
  const reason = innermost instanceof Error ? wordsOf(innermost) : String(innermost);
  return reason.length > LONGEST_REASON ? `${reason.slice(0, LONGEST_REASON)}…` : reason;
}

/** Of a time-out the SDK keeps no cause; it is in the failure as the server sent it. */
function wordsOf(error: Error): string {
  let words = error.message;
  let sent = error instanceof TimeoutFailure ? error.failure?.cause : null;
  for (; sent !== null && sent !== undefined; sent = sent.cause) words = sent.message ?? words;
  return words;
}
