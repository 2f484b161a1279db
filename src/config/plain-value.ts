import type { Path } from './yaml-file.js';

/** Where a parsed file cannot be read as settings, and why. */
export interface ValueProblem {
  readonly path: Path;
  readonly message: string;
}

/** Deeper than any setting; what walks through the values by recursion is safe below it. */
const DEEPEST = 100;

/**
 * What keeps a parsed value from being settings: an alias that contains itself, groups without end, and `__proto__`, which
 * an object takes for something else than a name.
 */
export function valueProblems(value: unknown): ValueProblem[] {
  const problems: ValueProblem[] = [];
  visit(value, [], new Set(), problems);
  return problems;
}

function visit(value: unknown, path: Path, around: Set<object>, problems: ValueProblem[]): void {
  if (typeof value !== 'object' || value === null) return;
  if (around.has(value)) {
    problems.push({ path, message: 'this alias (*name) contains itself; write the settings out' });
    return;
  }
  if (path.length > DEEPEST) {
    problems.push({ path, message: `nested more than ${DEEPEST} levels deep` });
    return;
  }
  around.add(value);
  for (const [key, item] of Array.isArray(value) ? value.entries() : Object.entries(value)) {
    const inner = [...path, key];
    if (key === '__proto__') problems.push({ path: inner, message: '`__proto__` cannot be a name; choose another' });
    else visit(item, inner, around, problems);
  }
  around.delete(value);
}
