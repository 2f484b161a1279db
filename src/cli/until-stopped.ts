import { HalfspaceError } from '../contract/failures.js';
import { listenForStop } from './stop-signal.js';

/**
 * What `work` gives. When the process is asked to end meanwhile, its signal is aborted, so that it can clean up.
 * @throws HalfspaceError `TimedOut` when `work` ended for that reason; else what `work` throws.
 */
export async function untilStopped<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const stop = listenForStop();
  try {
    return await work(stop.signal);
  } catch (error) {
    if (!stop.signal.aborted || error instanceof HalfspaceError) throw error;
    throw new HalfspaceError('TimedOut', `${stop.signal.reason.message}; nothing was written`, { cause: error });
  } finally {
    stop.release();
  }
}
