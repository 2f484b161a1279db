/** What stands between the fields of a line. */
export type Separator = ',' | ';' | '\t';

/** A file without a line end in this many bytes is no table. */
const LONGEST_HEADER_BYTES = 1024 * 1024;

const [LINE_FEED, CARRIAGE_RETURN, QUOTE, COMMA] = [0x0a, 0x0d, 0x22, 0x2c];
const OTHERS = [
  { byte: 0x3b, separator: ';' },
  { byte: 0x09, separator: '\t' },
] as const;
const BYTE_ORDER_MARK = Buffer.from('\ufeff');

/**
 * The separator of a file by the line with its column names: semicolons or tabs where that line has them, and no comma,
 * outside quotes. That is safe, for with commas such a line names a single column, and a table of rows needs two.
 * @param begin first bytes of the file.
 * @param isWhole whether nothing follows them.
 * @returns null while that line has not ended.
 */
export function separatorOf(begin: Buffer, isWhole: boolean): Separator | null {
  const seen = new Set<number>();
  let isQuoted = false;
  let isFieldStart = true;
  let at = begin.indexOf(BYTE_ORDER_MARK) === 0 ? BYTE_ORDER_MARK.length : 0;
  while (begin[at] === LINE_FEED || begin[at] === CARRIAGE_RETURN) at++;
  for (; at < begin.length; at++) {
    const byte = begin[at] ?? 0;
    // A quote within an unquoted field is itself; a doubled one closes its field and opens it again.
    if (byte === QUOTE && (isQuoted || isFieldStart)) {
      isQuoted = !isQuoted;
      isFieldStart = !isQuoted;
      continue;
    }
    isFieldStart = false;
    if (isQuoted) continue;
    if (byte === LINE_FEED || byte === CARRIAGE_RETURN) return chosen(seen);
    if (byte === COMMA || OTHERS.some((other) => other.byte === byte)) {
      seen.add(byte);
      isFieldStart = true;
    }
  }
  return isWhole || begin.length > LONGEST_HEADER_BYTES ? chosen(seen) : null;
}

function chosen(seen: ReadonlySet<number>): Separator {
  if (seen.has(COMMA) || seen.size !== 1) return ',';
  return OTHERS.find(({ byte }) => seen.has(byte))?.separator ?? ',';
}

/** What to say of column names that look as if something else separated them; empty where they do not. */
export function separatorHint(header: readonly string[]): string {
  const other = (header.length === 1 ? /[;\t|]/ : /[;\t]/).exec(header.join(','))?.[0];
  if (other === undefined) return '';
  const shown = JSON.stringify(other);
  if (header.length === 1) return ` Fields must be separated by commas, semicolons or tabs, not by ${shown}.`;
  return ` Where ${shown} separates the fields, no name in the first line may have a comma outside quotes.`;
}
