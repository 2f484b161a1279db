import type { CliIo } from './io.js';
import { EXIT } from './outcome.js';

/** Whoever told a process to end waits ten seconds: people, Docker and Kubernetes do. */
const ENDS_WITHIN_MS = 9000;

/** From now on the process has nine seconds to end by itself; then it is ended, exit code 1, with `left` as a line on stderr. */
export function endSurely(left: string, io: CliIo): void {
  atTheLatest(left, io, () => process.exit(EXIT.failed));
}

/**
 * The same for a process with the embedded servers, which is killed: an exit waits for the threads of native code, and one that
 * is stuck in the stand-in's database may be what keeps the process.
 */
export function endServersSurely(io: CliIo): void {
  const left = 'The servers did not end in time and are killed; what they have acknowledged is kept';
  atTheLatest(left, io, () => process.kill(process.pid, 'SIGKILL'));
}

function atTheLatest(left: string, io: CliIo, end: () => void): void {
  const timer = setTimeout(() => {
    io.stderr(`halfspace: ${left}\n`);
    end();
  }, ENDS_WITHIN_MS);
  // Nothing to do where the process ends by itself.
  timer.unref();
}
