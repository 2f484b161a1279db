/** True when the text names `$from` or `$to`. */
export function namesWindow(sql: string): boolean {
  return /\$(from|to)\b/.test(withoutLiterals(sql));
}

const NAME = '(?:"(?:[^"]|"")+"|[A-Za-z_]\\w*)';
const CONDITION = `${NAME}\\s*(?:=|<>|!=|<=|>=|<|>)\\s*(?:''|-?\\d+(?:\\.\\d+)?|\\$(?:from|to)\\b(?:\\s*::\\s*timestamp)?)`;
const PLAIN_SELECT = new RegExp(
  `^\\s*select\\s+(?:\\*|${NAME}(?:\\s*,\\s*${NAME})*)\\s+from\\s+${NAME}` +
    `\\s+where\\s+(?<conditions>${CONDITION}(?:\\s+and\\s+${CONDITION})*)` +
    `(?:\\s+order\\s+by\\s+(?<order>${NAME})(?:\\s+asc)?)?\\s*;?\\s*$`,
  'i',
);
const BOUND = new RegExp(`(${NAME})\\s*(=|<>|!=|<=|>=|<|>)\\s*\\$(from|to)\\b`, 'gi');

/**
 * True when running the query over consecutive ranges and joining the results gives what one run over the whole range
 * gives. Recognised is one plain shape, anything else runs once: columns of one table, comparisons with constants joined
 * by AND, among them exactly `time >= $from` and `time < $to`, at most ordered by time upwards.
 */
export function isCutByTime(sql: string, timeColumn: string): boolean {
  const match = PLAIN_SELECT.exec(withoutLiterals(sql));
  if (match === null) return false;
  const { conditions = '', order } = match.groups ?? {};
  if (order !== undefined && columnName(order) !== timeColumn) return false;
  const bounds = Array.from(conditions.matchAll(BOUND), ([, name = '', operator, parameter]) =>
    columnName(name) === timeColumn ? `${operator} ${parameter?.toLowerCase()}` : 'other',
  );
  return bounds.sort().join(', ') === '< to, >= from';
}

/** A name as the database sees it: lower case unless quoted. */
function columnName(identifier: string): string {
  return identifier.startsWith('"') ? identifier.slice(1, -1).replaceAll('""', '"') : identifier.toLowerCase();
}

/** The text with comments blanked and string literals emptied, so that words inside them do not count. */
function withoutLiterals(sql: string): string {
  return sql.replace(/--[^\n]*|\/\*[\s\S]*?\*\/|'(?:[^']|'')*'|"(?:[^"]|"")*"/g, (part) => {
    if (part.startsWith('"')) return part;
    return part.startsWith("'") ? "''" : ' ';
  });
}
