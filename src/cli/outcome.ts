import { CommanderError } from 'commander';
import { type FailureKind, HalfspaceError } from '../contract/failures.js';
import { UsageError } from './usage-error.js';

/** Exit codes of every command. */
export const EXIT = { done: 0, failed: 1, wrongUse: 2 } as const;

/** How a command that printed its result went. */
export type Outcome = keyof typeof EXIT;

/** Kinds that only another call can mend: other options, another pipeline, other settings. */
const WRONG_USE: readonly FailureKind[] = ['BadSettings', 'UnknownPipeline'];

/** The outcome that an error stands for. */
export function outcomeOf(error: unknown): Outcome {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 'done' : 'wrongUse';
  if (error instanceof UsageError) return 'wrongUse';
  return error instanceof HalfspaceError && WRONG_USE.includes(error.kind) ? 'wrongUse' : 'failed';
}

/** What `--json` prints on stdout when a command fails. */
export interface FailureDocument {
  readonly error: { readonly kind: FailureKind | 'WrongUse' | 'Unexpected'; readonly message: string };
}

/** The document of a failure; `WrongUse` for a wrong call, `Unexpected` for a mistake of the program itself. */
export function failureDocument(error: unknown): FailureDocument {
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof HalfspaceError) return { error: { kind: error.kind, message } };
  if (error instanceof CommanderError) {
    return { error: { kind: 'WrongUse', message: message.replace(/^error: /, '').replaceAll('\n', ' ') } };
  }
  return { error: { kind: error instanceof UsageError ? 'WrongUse' : 'Unexpected', message } };
}
