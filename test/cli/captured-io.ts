import type { CliIo } from '../../src/cli/io.js';

export interface CapturedIo extends CliIo {
  readonly out: () => string;
  readonly err: () => string;
}

/** Keeps what a command prints; nobody is there to answer questions. */
export function capturedIo({ json = false, isTty = false } = {}): CapturedIo {
  let out = '';
  let err = '';
  return {
    stdout: (text) => {
      out += text;
    },
    stderr: (text) => {
      err += text;
    },
    isTty,
    json,
    out: () => out,
    err: () => err,
  };
}
