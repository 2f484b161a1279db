import type { FailureKind } from '../contract/failures.js';

/** What an answer's `error.kind` may be: a failure of the job, or one of the request itself. */
export type RefusalKind =
  | FailureKind
  | 'WrongRequest'
  | 'WrongToken'
  | 'UnknownAddress'
  | 'UnknownRun'
  | 'WrongMethod'
  | 'KeyInUse'
  | 'RunGoesOn'
  | 'TooLarge'
  | 'Unexpected';

/** A request that is not done: its HTTP status, and what to tell the caller. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly status: number;
  readonly kind: RefusalKind;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, kind: RefusalKind, message: string, headers: Readonly<Record<string, string>> = {}) {
    super(message);
    this.status = status;
    this.kind = kind;
    this.headers = headers;
  }
}
