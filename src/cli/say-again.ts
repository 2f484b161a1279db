/** What is worth saying again while it goes on. */
const SAID_AGAIN_AFTER_MS = 60_000;

export interface Sayer {
  /** Writes a line unless one with the same key (the line itself when left out) was. */
  once(line: string, key?: string): void;
  /** Writes a line unless it was within the last minute. */
  everyMinute(line: string): void;
}

/** For what is seen again at each look. @param now milliseconds. */
export function createSayer(write: (line: string) => void, now: () => number = Date.now): Sayer {
  const saidMs = new Map<string, number>();
  const say = (line: string, key: string, againAfterMs: number): void => {
    const last = saidMs.get(key);
    const nowMs = now();
    if (last !== undefined && nowMs - last < againAfterMs) return;
    saidMs.set(key, nowMs);
    write(line);
  };
  return {
    once: (line, key = line) => say(line, key, Number.POSITIVE_INFINITY),
    everyMinute: (line) => say(line, line, SAID_AGAIN_AFTER_MS),
  };
}
