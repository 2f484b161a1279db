const waiting: (() => void)[] = [];

/**
 * Resolves when the caller may compute its next chunk: one caller a round of the event loop, in the order they asked. Were each
 * of a hundred steps to let the loop run by itself, a round would take a hundred chunks, and a heartbeat or a cancellation
 * passes through many rounds.
 */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    waiting.push(resolve);
    if (waiting.length === 1) setImmediate(giveTurn);
  });
}

function giveTurn(): void {
  waiting.shift()?.();
  if (waiting.length > 0) setImmediate(giveTurn);
}
