import type { CliIo } from '../../src/cli/io.js';

/** A front that keeps what a command prints. */
export function collectingIo(json = false): CliIo & { out(): string; err(): string } {
  let out = '';
  let err = '';
  return {
    stdout: (text) => {
      out += text;
    },
    stderr: (text) => {
      err += text;
    },
    isTty: false,
    json,
    out: () => out,
    err: () => err,
  };
}
