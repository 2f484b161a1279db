import { once } from 'node:events';

const STOPPERS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

export interface StopSignal {
  /** Aborted, with the signal's name as reason, when the process is asked to end. */
  readonly signal: AbortSignal;
  /** Gives the signals back to their default. */
  release(): void;
}

/**
 * Turns Ctrl-C and its kin into an abort; from the second one on they are ignored, because ending is under way and bounded.
 * @param onStop called at the first of them.
 */
export function listenForStop(onStop = (): void => {}): StopSignal {
  const stop = new AbortController();
  stop.signal.addEventListener('abort', onStop);
  const onSignal = (name: NodeJS.Signals): void => stop.abort(new Error(`stopped by ${name}`));
  for (const name of STOPPERS) process.on(name, onSignal);
  return {
    signal: stop.signal,
    release: () => {
      for (const name of STOPPERS) process.off(name, onSignal);
    },
  };
}

/** Resolves when the signal is aborted. */
export async function stopped(signal: AbortSignal): Promise<null> {
  if (!signal.aborted) await once(signal, 'abort');
  return null;
}
