import { HalfspaceError } from '../contract/failures.js';
import type { CliIo } from './io.js';
import { type FailureDocument, failureDocument } from './outcome.js';

/** What one look at the settings or a server found. */
export interface Check {
  readonly name: string;
  readonly ok: boolean;
  /** There where nothing is wrong, and yet not all is as it might be meant. */
  readonly remark?: true;
  /** What was found; for a failure also what to do. */
  readonly message: string;
}

/** Checks in the order in which they were made, each printed as it comes unless one JSON document is wanted. */
export class Checks {
  readonly #io: CliIo;
  readonly #made: Check[] = [];
  #firstFailure: FailureDocument['error'] | null = null;

  constructor(io: CliIo) {
    this.#io = io;
  }

  get made(): readonly Check[] {
    return this.#made;
  }

  /** Null as long as all are well. */
  get firstFailure(): FailureDocument['error'] | null {
    return this.#firstFailure;
  }

  good(name: string, message: string): void {
    this.#add({ name, ok: true, message });
  }

  /** Fails nothing. */
  remark(name: string, message: string): void {
    this.#add({ name, ok: true, remark: true, message });
  }

  /** One line a problem; what another check found already (a .env that cannot be read) is not said again. */
  bad(name: string, failure: HalfspaceError): void {
    if (this.#made.some(({ ok, message }) => !ok && message === failure.message)) return;
    this.#firstFailure ??= failureDocument(failure).error;
    for (const message of failure.message.split('\n')) this.#add({ name, ok: false, message });
  }

  /** What `look` finds; a failure of a known kind becomes a check that failed, and null. */
  async attempt<T>(name: string, look: () => T | Promise<T>): Promise<T | null> {
    try {
      return await look();
    } catch (error) {
      if (!(error instanceof HalfspaceError)) throw error;
      this.bad(name, error);
      return null;
    }
  }

  #add(check: Check): void {
    this.#made.push(check);
    const word = !check.ok ? 'problem' : check.remark ? 'remark ' : 'ok     ';
    if (!this.#io.json) this.#io.stdout(`${word} ${check.name}: ${check.message}\n`);
  }
}
