import { readFileSync } from 'node:fs';

/**
 * The text of a UTF-8 file, without a byte order mark.
 * @throws Error with a `code`: the system's, or {@link NOT_UTF8}.
 */
export function readUtf8(file: string): string {
  return new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(file));
}

/** Node's code for bytes that are no UTF-8: UTF-16 as some editors save it, or an old code page. */
export const NOT_UTF8 = 'ERR_ENCODING_INVALID_ENCODED_DATA';

/** The code of an error of {@link readUtf8}. */
export function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error);
}
