import type { QueryLanguage } from '../contract/pipeline.js';

const COMMENTS_AND_TEXTS: Readonly<Record<QueryLanguage, RegExp>> = {
  sql: /--[^\n]*|\/\*[\s\S]*?\*\/|'(?:[^']|'')*'/g,
  influxql: /--[^\n]*|\/\*[\s\S]*?\*\/|'(?:[^'\\]|\\.)*'/g,
};

/** A quoted name, a word, a parameter, or one sign. */
const TOKEN = /"(?:[^"]|"")*"|[\p{L}_][\p{L}\p{N}_]*|\$\w+|\S/gu;
const IS_NAME = /^["\p{L}_]/u;

/** Where a table is expected, these say that a query stands there. */
const BEGINS_QUERY = new Set(['select', 'with', 'values']);
/** Words before a table that are no part of its name. */
const BEFORE_TABLE = new Set(['lateral', 'only']);
/** Behind these a comma is between columns again. */
const ENDS_TABLES = new Set(
  'select where group order having limit offset slimit soffset fill tz union except intersect window qualify'.split(
    ' ',
  ),
);

/**
 * The tables that a query reads: the names behind FROM, JOIN and the commas between them, without what a name has before its
 * last dot, as the database sees them: in SQL lower case unless quoted. It may name more than there are (what WITH gives a
 * name, say).
 */
export function tablesIn(query: string, language: QueryLanguage): ReadonlySet<string> {
  const tokens = query.replace(COMMENTS_AND_TEXTS[language], ' ').match(TOKEN) ?? [];
  const found = new Set<string>();
  /** Of the brackets around this one, whether they are among tables. */
  const outer: boolean[] = [];
  let isAmongTables = false;
  let isTableNext = false;
  for (let at = 0; at < tokens.length; at++) {
    const token = tokens[at] ?? '';
    const word = token.toLowerCase();
    if (token === '(') {
      outer.push(isAmongTables);
      isAmongTables = isTableNext;
    } else if (token === ')') {
      isAmongTables = outer.pop() ?? false;
      isTableNext = false;
    } else if (token === ',') {
      isTableNext = isAmongTables;
    } else if (word === 'join' || (word === 'from' && tokens[at - 1]?.toLowerCase() !== 'distinct')) {
      isAmongTables = true;
      isTableNext = true;
    } else if (isTableNext && BEGINS_QUERY.has(word)) {
      isAmongTables = false;
      isTableNext = false;
    } else if (isTableNext && IS_NAME.test(token) && !BEFORE_TABLE.has(word)) {
      while (tokens[at + 1] === '.') at += IS_NAME.test(tokens[at + 2] ?? '') ? 2 : 1;
      found.add(nameOf(tokens[at] ?? '', language));
      isTableNext = false;
    } else if (!isTableNext && ENDS_TABLES.has(word)) {
      isAmongTables = false;
    }
  }
  return found;
}

function nameOf(token: string, language: QueryLanguage): string {
  if (token.startsWith('"')) return token.slice(1, -1).replaceAll('""', '"');
  return language === 'sql' ? token.toLowerCase() : token;
}
