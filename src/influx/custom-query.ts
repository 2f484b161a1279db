import type { QueryLanguage } from '../contract/pipeline.js';

/** True when the text names `$from` or `$to`. */
export function namesWindow(text: string, language: QueryLanguage): boolean {
  return /\$(from|to)\b/.test(withoutLiterals(text, language));
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
export function isCutByTime(text: string, timeColumn: string, language: QueryLanguage): boolean {
  const match = PLAIN_SELECT.exec(withoutLiterals(text, language));
  if (match === null) return false;
  const { conditions = '', order } = match.groups ?? {};
  if (order !== undefined && columnName(order, language) !== timeColumn) return false;
  const bounds = Array.from(conditions.matchAll(BOUND), ([, name = '', operator, parameter]) =>
    columnName(name, language) === timeColumn ? `${operator} ${parameter?.toLowerCase()}` : 'other',
  );
  return bounds.sort().join(', ') === '< to, >= from';
}

/** A name as the database sees it: SQL knows a bare one in lower case, InfluxQL as it is written. */
function columnName(identifier: string, language: QueryLanguage): string {
  if (identifier.startsWith('"')) return identifier.slice(1, -1).replaceAll('""', '"');
  return language === 'sql' ? identifier.toLowerCase() : identifier;
}

const COMMENT = '--[^\\n]*|/\\*[\\s\\S]*?\\*/';
/** Comments, texts and quoted names. In SQL a quote inside is doubled, in InfluxQL it has a backslash before it. */
const LITERALS: Readonly<Record<QueryLanguage, RegExp>> = {
  sql: new RegExp(`${COMMENT}|'(?:[^']|'')*'|"(?:[^"]|"")*"`, 'g'),
  influxql: new RegExp(`${COMMENT}|'(?:[^'\\\\]|\\\\.)*'|"(?:[^"\\\\]|\\\\.)*"`, 'g'),
};

/** The text with comments blanked, texts emptied, so that words inside them do not count, and names quoted as in SQL. */
function withoutLiterals(text: string, language: QueryLanguage): string {
  return text.replace(LITERALS[language], (part) => {
    if (part.startsWith("'")) return "''";
    if (!part.startsWith('"')) return ' ';
    if (language === 'sql') return part;
    return `"${part.slice(1, -1).replace(/\\(.)/g, '$1').replaceAll('"', '""')}"`;
  });
}
