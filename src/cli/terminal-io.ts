import type { CliIo } from './io.js';

export interface TerminalIo extends CliIo {
  /** Something was printed on stdout, so that no second document may follow. */
  hasPrinted(): boolean;
  /** Resolves when what was printed has left the process; gives the code of a stream that failed (ENOSPC), else null. */
  flushed(): Promise<string | null>;
}

/**
 * The process's own streams. When whoever reads them goes away (`halfspace … | head -1`), the rest is thrown away and a
 * command that runs until it is stopped is asked to stop, so that it ends as it would on Ctrl-C.
 */
export function createTerminalIo(json: boolean): TerminalIo {
  const { stdout, stderr } = process;
  let printed = false;
  let failure: string | null = null;
  const onError = (error: NodeJS.ErrnoException): void => {
    if (error.code === 'EPIPE') process.emit('SIGTERM', 'SIGTERM');
    else failure ??= error.code ?? error.message;
  };
  // Listened to until the process ends: an error may come after the last write.
  for (const stream of [stdout, stderr]) stream.on('error', onError);
  return {
    stdout: (text) => {
      printed = true;
      stdout.write(text);
    },
    stderr: (text) => void stderr.write(text),
    isTty: stderr.isTTY === true && process.stdin.isTTY === true,
    json,
    hasPrinted: () => printed,
    flushed: async () => {
      for (const stream of [stdout, stderr]) await new Promise<void>((sent) => stream.write('', () => sent()));
      return failure;
    },
  };
}
