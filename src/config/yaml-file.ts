import { type Document, isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parseDocument } from 'yaml';
import { valueProblems } from './plain-value.js';
import type { SettingsProblem } from './settings-error.js';

export type Path = readonly (string | number)[];

export interface Place {
  readonly line: number;
  readonly column: number;
}

/** A parsed YAML text that knows where each of its settings stands. */
export interface YamlFile {
  /** Plain JavaScript; null for an empty file. Meaningless when there are problems. */
  readonly value: unknown;
  /** Broken syntax, duplicate keys, unknown tags, aliases that lead nowhere or to themselves. */
  readonly problems: readonly SettingsProblem[];
  /** Where the value at `path` stands, or the nearest group around it that exists. */
  locate(path: Path): Place;
  /** Where the key that ends `path` stands. */
  locateKey(path: Path): Place;
  /** The first key of the group at `path` as written (an object would put numeric ones first); null when it has none. */
  firstKey(path: Path): string | null;
}

const OUT_OF_STACK = /call stack/;

export function parseYamlFile(text: string): YamlFile {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, merge: true, prettyErrors: false });
  const place = (offset: number): Place => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(line, 1), column: Math.max(col, 1) };
  };

  const found = [...document.errors, ...document.warnings];
  // Out of stack the library says so of each level on its way back.
  const tooDeep = found.find(({ message }) => OUT_OF_STACK.test(message));
  const problems = (tooDeep === undefined ? found : [tooDeep]).map(({ code, pos, message }) => ({
    path: '',
    ...place(pos[0]),
    message: `broken YAML: ${explained(code, message)}`,
  }));
  let value: unknown = null;
  if (problems.length === 0) {
    try {
      value = document.toJS();
      problems.push(
        ...valueProblems(value).map(({ path, message }) => ({
          path: path.join('.'),
          ...place(find(document, path, true)),
          message,
        })),
      );
    } catch (error) {
      // An alias without an anchor, or the library's guard against aliases that multiply; it knows no place.
      const message = error instanceof Error ? error.message : String(error);
      problems.push({ path: '', line: 1, column: 1, message: `broken YAML: ${explained('', message)}` });
    }
  }
  return {
    value,
    problems,
    locate: (path) => place(find(document, path, false)),
    locateKey: (path) => place(find(document, path, true)),
    firstKey: (path) => firstKey(document, path),
  };
}

/** Offset of the value (or of the last key) at `path`; of the innermost key that exists when the path does not. */
function find(document: Document, path: Path, wantKey: boolean): number {
  let node: unknown = document.contents;
  let offset = startOf(node) ?? 0;
  for (const [depth, step] of path.entries()) {
    const inner = stepInto(document, node, step);
    if (inner === null) return offset;
    const isLast = depth === path.length - 1;
    offset = (isLast && !wantKey ? startOf(inner.value) : undefined) ?? inner.key ?? startOf(inner.value) ?? offset;
    node = inner.value;
  }
  return offset;
}

function firstKey(document: Document, path: Path): string | null {
  let node: unknown = document.contents;
  for (const step of path) node = stepInto(document, node, step)?.value;
  const target = isAlias(node) ? node.resolve(document) : node;
  const first = isMap(target) ? target.items[0] : undefined;
  return isScalar(first?.key) ? String(first.key.value) : null;
}

function stepInto(
  document: Document,
  node: unknown,
  step: string | number,
): { key: number | undefined; value: unknown } | null {
  const target = isAlias(node) ? node.resolve(document) : node;
  if (isSeq(target)) {
    const value = target.items[Number(step)];
    return value === undefined ? null : { key: startOf(value), value };
  }
  if (!isMap(target)) return null;
  for (const pair of target.items) {
    if (isScalar(pair.key) && String(pair.key.value) === String(step)) {
      return { key: startOf(pair.key), value: pair.value };
    }
  }
  for (const pair of target.items) {
    // The library marks a merge key `<<` with a symbol of that name.
    if (!isScalar(pair.key) || !['<<', 'Symbol(<<)'].includes(String(pair.key.value))) continue;
    const merged = isSeq(pair.value) ? pair.value.items : [pair.value];
    for (const from of merged) {
      const inner = stepInto(document, from, step);
      if (inner !== null) return inner;
    }
  }
  return null;
}

function startOf(node: unknown): number | undefined {
  return (node as Node | null | undefined)?.range?.[0];
}

/** The library's words, but for those that speak of its own functions. */
function explained(code: string, message: string): string {
  if (code === 'MULTIPLE_DOCS') return 'more than one document (---); settings are a single one';
  if (OUT_OF_STACK.test(message)) return 'nested too deeply';
  if (/excessive alias count/i.test(message)) return 'its aliases (*name) multiply; write the settings out';
  return message.replace(/\s+/g, ' ').trim();
}
