import { status } from '@grpc/grpc-js';
import { isGrpcServiceError, type WorkflowFailedError } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { FAILURES, type FailureKind, HalfspaceError } from './contract/failures.js';

/** Where a client was going. */
export interface TemporalPlace {
  readonly address: string;
  readonly namespace: string;
  /** Taken out of whatever a library says. */
  readonly secret?: string | undefined;
}

/** Nobody is there: words of the system in a gRPC failure's details. */
const ABSENT = /ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|ETIMEDOUT|Name resolution failed/;

const LONGEST_CAUSE = 200;

/**
 * What a failed call to Temporal means and what to do about it: `Unreachable` when nobody is there or the two do not
 * understand each other (TLS), `BadCredentials`, `BadSettings` for a namespace that does not exist or options that make no
 * connection. Comes back as it is when it was sorted already.
 */
export function temporalFailure(place: TemporalPlace, error: unknown): HalfspaceError {
  if (error instanceof HalfspaceError) return error;
  const { address, namespace } = place;
  const { code, text } = grpcCause(error);
  const why = withoutSecret(text, place);
  const options = { cause: error };
  switch (code) {
    case null:
      return new HalfspaceError('BadSettings', `No connection to Temporal at ${address} can be made: ${why}`, options);
    case status.NOT_FOUND:
      return new HalfspaceError(
        'BadSettings',
        `The Temporal server at ${address} has no namespace \`${namespace}\`; make it (\`temporal operator namespace create --address ${address} --namespace ${namespace}\`) or set TEMPORAL_NAMESPACE to one it has`,
        options,
      );
    case status.UNAUTHENTICATED:
    case status.PERMISSION_DENIED:
      return new HalfspaceError(
        'BadCredentials',
        `The Temporal server at ${address} does not let us into the namespace \`${namespace}\` (${why}); check TEMPORAL_API_KEY or the client certificate, and TEMPORAL_NAMESPACE`,
        options,
      );
    case status.DEADLINE_EXCEEDED:
      return unreachable(address, error);
  }
  if (ABSENT.test(text)) return unreachable(address, error);
  return new HalfspaceError(
    'Unreachable',
    `No way to talk to Temporal at ${address} (${why}); check that it is the address of Temporal's frontend, and TEMPORAL_TLS with its certificates on both sides`,
    options,
  );
}

/** The failure for a server that does not answer, with the reason as far as one is known. */
export function unreachable(address: string, cause: unknown): HalfspaceError {
  return new HalfspaceError(
    'Unreachable',
    `No Temporal server answers at ${address} (${grpcCause(cause).text}); start one (\`npx halfspace local up\`) or set TEMPORAL_ADDRESS`,
    { cause },
  );
}

/** Why a run failed, without Temporal's wrapping. */
export interface RunFailure {
  readonly kind: FailureKind;
  /** The words of the step that failed. */
  readonly reason: string;
  /** What those who run halfspace can do; null: the reason says it all. */
  readonly remedy: string | null;
}

export function failureOfRun(error: WorkflowFailedError): RunFailure {
  let innermost: Error = error;
  while (innermost.cause instanceof Error) innermost = innermost.cause;
  const kind =
    innermost instanceof ApplicationFailure && isFailureKind(innermost.type) ? innermost.type : 'ServerFault';
  return { kind, reason: innermost.message, remedy: remedyOf(innermost) };
}

/** What a failure of a step says to those who run halfspace, and to nobody else. */
export function remedyOf(error: Error): string | null {
  const [remedy] = error instanceof ApplicationFailure ? (error.details ?? []) : [];
  return typeof remedy === 'string' ? remedy : null;
}

function isFailureKind(type: string | null | undefined): type is FailureKind {
  return typeof type === 'string' && Object.hasOwn(FAILURES, type);
}

/** The gRPC code (null when it was no call that failed) and the words that tell people something. */
export function grpcCause(error: unknown): { readonly code: number | null; readonly text: string } {
  for (let current = error, depth = 0; current instanceof Error && depth < 8; current = current.cause, depth++) {
    if (!isGrpcServiceError(current)) continue;
    const { code, details } = current;
    return { code, text: code === status.DEADLINE_EXCEEDED ? 'no answer in time' : briefly(details) };
  }
  return { code: null, text: briefly(error instanceof Error ? error.message : String(error)) };
}

/** Without what the gRPC library, OpenSSL and the clock add around the words. */
function briefly(details: string): string {
  const last = /Last error: (?:Error: )?(.*?)(?: \(\d{4}-[^)]*\))?\.? ?Resolution note/s.exec(details)?.[1] ?? details;
  const tls = /SSL routines:[^:]*:([^:]+)/.exec(last)?.[1];
  const text = (tls === undefined ? last : `TLS: ${tls}`)
    .replace(/[\s.]+$/, '')
    .replace(/\s+/g, ' ')
    .trim();
  return text.length > LONGEST_CAUSE ? `${text.slice(0, LONGEST_CAUSE)}…` : text;
}

function withoutSecret(text: string, { secret }: TemporalPlace): string {
  return secret === undefined || secret === '' ? text : text.replaceAll(secret, '[secret]');
}
