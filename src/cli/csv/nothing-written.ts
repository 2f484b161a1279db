import { HalfspaceError } from '../../contract/failures.js';

/** The same work; a file that cannot be used fails with the word that nothing was written, for commands that would have. */
export async function nothingWritten<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (!(error instanceof HalfspaceError) || error.kind !== 'BadSchema') throw error;
    throw new HalfspaceError(error.kind, `${error.message} Nothing was written.`, { cause: error });
  }
}
