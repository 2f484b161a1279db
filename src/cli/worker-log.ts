import { ApplicationFailure } from '@temporalio/common';
import { remedyOf } from '../temporal-failures.js';
import type { CliIo } from './io.js';

type Fields = Readonly<Record<string, unknown>>;

/** While Temporal is away each of the native part's pollers says so every few seconds. */
const RETRIED_CALL = /^gRPC call \w+ retried \d+ times$/;
/** Other entries of the native part that end with why Temporal could not be reached, and what they mean. */
const UNTOLD: readonly (readonly [RegExp, string])[] = [
  [/^Network error while completing activity/, 'Temporal could not be told how a step ended'],
  [/heartbeat/i, 'Temporal could not be told that a step goes on'],
  [/legacy query/, 'Temporal could not be given the answer to a query'],
  [/workflow (?:activation|task)/i, 'Temporal could not be told what a workflow does next'],
  [/^Task polling has encountered errors/, 'Temporal does not answer and is asked again'],
];
/** Not what a server says that is there: that something is not allowed, or not known any more. */
const ABSENT = /\bStatus \{ code: (?:Unavailable|Unknown|Cancelled|DeadlineExceeded|Internal)\b/;
const SAME_AGAIN_MS = 30_000;
/** Different entries of the native part that are remembered. */
const MOST_SAID = 100;

/** What is written of one entry. */
export interface LogLine {
  readonly message: string;
  readonly fields: Fields;
}

/**
 * The worker's log on stderr, one line an entry: words, with `--json` an object. What the native part of Temporal's SDK says
 * over and over is written once in half a minute.
 * @param everything also the fields of Temporal's own entries, an error as its stack; and nothing is left out.
 * @param onAway called when it was written that Temporal cannot be reached.
 */
export function logTo(io: CliIo, everything = false, now: () => number = Date.now, onAway = (): void => {}) {
  const said = new Map<string, number>();
  return (level: 'info' | 'warn', text: string, details: Fields): void => {
    const nowMs = now();
    const time = new Date(nowMs).toISOString();
    const { message, fields } = lineOf(text, details, everything);
    if (isNative(details) && !everything) {
      const last = said.get(message);
      if (last !== undefined && nowMs - last < SAME_AGAIN_MS) return;
      if (said.size === MOST_SAID) said.clear();
      said.set(message, nowMs);
    }
    if (isNative(details) && tellsOfAbsence(text, details)) onAway();
    if (io.json) {
      io.stderr(`${JSON.stringify({ time, level, message, ...fields }, plainValues)}\n`);
      return;
    }
    const named = Object.entries(fields).filter(([, value]) => value !== undefined && value !== null);
    const pairs = named.map(([name, value]) => ` ${name}=${JSON.stringify(value, plainValues)}`);
    io.stderr(`${time} ${level} ${message}${pairs.join('')}\n`);
  };
}

/**
 * An entry as a person can act on it: of Temporal's own ones (they carry `sdkComponent`) the step, the attempt, the
 * workflow and why; their tokens and stacks only with `everything`.
 */
export function lineOf(message: string, fields: Fields, everything: boolean): LogLine {
  const { sdkComponent, activityType, attempt, workflowId, failure, error = failure } = fields;
  if (sdkComponent === undefined) return { message, fields };
  if (!everything && tellsOfAbsence(message, fields)) {
    return { message: `${absenceOf(message)}: ${innermostMessage(String(error ?? message))}`, fields: {} };
  }
  const what = typeof activityType === 'string' ? message.replace(/^Activity\b/, activityType) : message;
  const where = [attempt === undefined ? '' : `attempt ${attempt}`, workflowId ?? ''].filter((part) => part !== '');
  const place = where.length === 0 ? '' : ` (${where.join(', ')})`;
  const reason = error === undefined ? '' : `: ${reasonOf(error)}`;
  const all = Object.entries(fields).map(([key, value]) => [key, value instanceof Error ? stackOf(value) : value]);
  return {
    message: `${what}${place}${reason}`.replace(/\s*\n\s*/g, ' '),
    fields: everything ? Object.fromEntries(all) : {},
  };
}

/** The log but for steps that fail and are tried again while `isEnding`: what each of them could not reach any more. */
export function withoutRetriedSteps(log: ReturnType<typeof logTo>, isEnding: () => boolean): typeof log {
  return (level, text, details) => {
    if (!isEnding() || !isRetriedStep(text, details)) log(level, text, details);
  };
}

/** Whether an entry says that a step failed which is tried again. */
function isRetriedStep(message: string, { sdkComponent, error }: Fields): boolean {
  const isFinal = error instanceof ApplicationFailure && error.nonRetryable === true;
  return sdkComponent === 'worker' && message === 'Activity failed' && !isFinal;
}

/** The innermost cause: what is around it only says that something failed. */
function reasonOf(error: unknown): string {
  let innermost = error;
  while (innermost instanceof Error && innermost.cause instanceof Error) innermost = innermost.cause;
  if (!(innermost instanceof Error)) return innermostMessage(String(innermost));
  // A plain TypeError says more with its name; a failure of ours carries all there is to say.
  if (innermost.name === 'TypeError') return String(innermost);
  const remedy = remedyOf(innermost);
  return remedy === null ? innermost.message : `${innermost.message}, or ${remedy}`;
}

/** Whether an entry of the native part says that a call to Temporal did not come through. */
function tellsOfAbsence(message: string, { error, failure }: Fields): boolean {
  if (RETRIED_CALL.test(message)) return true;
  return ABSENT.test(`${message} ${error ?? failure}`) && absenceOf(message) !== null;
}

function absenceOf(message: string): string | null {
  if (RETRIED_CALL.test(message)) return 'Temporal does not answer and is asked again';
  return UNTOLD.find(([pattern]) => pattern.test(message))?.[1] ?? null;
}

/** Of a status of the native part, printed for debugging, what the system said: a kind of I/O error, else the last message. */
function innermostMessage(status: string): string {
  const kind = /\bKind\((\w+)\)/.exec(status)?.[1];
  if (kind !== undefined) return sentenceOf(kind);
  return [...status.matchAll(/\bmessage: "([^"]+)"/g)].at(-1)?.[1] ?? status;
}

/** `BrokenPipe` as `Broken pipe`. */
function sentenceOf(name: string): string {
  return name.replace(/(?!^)[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}

/** Whether the entry is one of the SDK's native part. */
function isNative({ sdkComponent }: Fields): boolean {
  return sdkComponent === 'core';
}

function stackOf(error: Error): string {
  return error.stack ?? String(error);
}

function plainValues(_key: string, value: unknown): unknown {
  if (typeof value === 'bigint') return String(value);
  return value instanceof Error ? value.message : value;
}
