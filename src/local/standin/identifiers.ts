/**
 * DuckDB compares identifiers without regard to case, InfluxDB 3 with regard to it. So every name is stored in a form
 * that has no upper case: `X` becomes `^x` and `^` becomes `^^`. Names the stand-in keeps for itself are `^` followed by
 * `_`, which no name of a user can become.
 */

/** The stored form of a name; {@link decodeName} is its inverse. */
export function encodeName(name: string): string {
  return name.replace(/[A-Z^]/g, (letter) => `^${letter.toLowerCase()}`);
}

/** The name a user knows, from its stored form. */
export function decodeName(stored: string): string {
  return stored.replace(/\^([a-z^])/g, (_, letter: string) => letter.toUpperCase());
}

/** SQL text of a stored name, in double quotes. */
export function quoteName(stored: string): string {
  return `"${stored.replaceAll('"', '""')}"`;
}

/** SQL text of a string literal. */
export function quoteText(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
