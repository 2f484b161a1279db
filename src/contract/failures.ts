/**
 * Why work failed, sorted once. A library's own error is mapped to one of these where it leaves the library's folder;
 * the wrapper in activities/ turns it into Temporal's ApplicationFailure with `type` = kind.
 */
export const FAILURES = {
  // The request itself is wrong: stop at once and say what to do.
  BadSettings: { retry: false },
  BadQuery: { retry: false },
  BadCredentials: { retry: false },
  MissingDatabase: { retry: false },
  MissingTable: { retry: false },
  BadSchema: { retry: false },
  BadWindow: { retry: false },
  UnknownPipeline: { retry: false },
  IdCollision: { retry: false },
  ExpectationFailed: { retry: false },
  CorruptSnapshot: { retry: false },
  CorruptStore: { retry: false },
  RejectedWrite: { retry: false },
  RejectedAlert: { retry: false },
  // An alert's channel has been away for a while: the message stays owed, the next run tries again.
  ChannelAway: { retry: false },
  // A later holder of the machine's lock has published: this attempt must not write.
  Superseded: { retry: false },
  // The other side is away or busy: back off and try again.
  Unreachable: { retry: true },
  TimedOut: { retry: true },
  RateLimited: { retry: true },
  ServerFault: { retry: true },
  StoreFault: { retry: true },
} as const satisfies Record<string, { retry: boolean }>;

export type FailureKind = keyof typeof FAILURES;

export interface FailureOptions {
  /** Ask for this long before the next attempt (Retry-After). */
  readonly retryAfterMs?: number;
  /** What those who run halfspace can do about it; callers from outside are not told. */
  readonly remedy?: string;
  readonly cause?: unknown;
}

/** A failure a caller can act on. The message says what was wrong, where, and what to do; never a secret. */
export class HalfspaceError extends Error {
  override readonly name = 'HalfspaceError';
  readonly kind: FailureKind;
  readonly retryAfterMs: number | undefined;
  readonly remedy: string | undefined;

  constructor(kind: FailureKind, message: string, options: FailureOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.kind = kind;
    this.retryAfterMs = options.retryAfterMs;
    this.remedy = options.remedy;
  }

  get retry(): boolean {
    return FAILURES[this.kind].retry;
  }
}
