/** A text as one word of a POSIX shell's command line: in single quotes unless it is plain. */
export function shellWord(text: string): string {
  return /^[\w@%+:./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
