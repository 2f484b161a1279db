/** Twenty of them travel in one result. */
const LONGEST_REASON = 400;

/** The innermost message of a failure: the words of the step that failed, without Temporal's wrapping. */
export function failureReason(error: unknown): string {
  let innermost = error;
  while (innermost instanceof Error && innermost.cause instanceof Error) innermost = innermost.cause;
  const reason = innermost instanceof Error ? innermost.message : String(innermost);
  return reason.length > LONGEST_REASON ? `${reason.slice(0, LONGEST_REASON)}…` : reason;
}
