/** The SQL identifier for exactly this name: double-quoted, because InfluxDB folds unquoted names to lower case. */
export function quoteIdentifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
