import { SingleBar } from 'cli-progress';
import type { CliIo } from './io.js';

/** Where no bar can be drawn, a line this often. */
const LINE_EVERY_MS = 5000;

/** How far long work is. */
export interface Progress {
  /** @param done of `total`, in whatever unit the total has. @param at what is being done just now. */
  update(done: number, at?: string): void;
  /** Takes the bar away; call it whether the work was done or failed. */
  stop(): void;
}

/**
 * A bar on a terminal, a line on stderr every few seconds elsewhere; quick work shows neither.
 * @param label what is being done: "reading data.csv".
 */
export function createProgress(io: CliIo, label: string, total: number): Progress {
  if (io.isTty) {
    const bar = new SingleBar({ format: `${label} {bar} {percentage}%{at}`, clearOnComplete: true, hideCursor: true });
    bar.start(Math.max(total, 1), 0, { at: '' });
    return { update: (done, at) => bar.update(done, { at: after(at) }), stop: () => bar.stop() };
  }
  let last = performance.now();
  return {
    update(done, at) {
      if (performance.now() - last < LINE_EVERY_MS) return;
      last = performance.now();
      io.stderr(`${label}: ${Math.floor((100 * done) / Math.max(total, 1))}%${after(at)}\n`);
    },
    stop() {},
  };
}

function after(at: string | undefined): string {
  return at === undefined ? '' : `, ${at}`;
}
