import type { z } from 'zod';
import { variablesIn } from './variables.js';
import type { Path } from './yaml-file.js';

type Issue = z.core.$ZodIssue;

export interface SchemaProblem {
  readonly path: Path;
  readonly message: string;
  /** The key itself is wrong, not its value. */
  readonly atKey: boolean;
}

/** Settings whose values are never shown, whether or not they come from a variable. */
const SECRET = /^(?:influx\.(?:token|host)|channels\.[^.]+\.(?:webhook|url|headers).*|store\.url)$/;

/**
 * What a schema found, as problems with paths from the file's root. `raw` is the file before variables were replaced:
 * a message shows what the file says, never what a variable holds.
 */
export function problemsOf(issues: readonly Issue[], root: Path, raw: unknown): SchemaProblem[] {
  return issues.flatMap((issue) => problemOf(issue, [...root, ...plainPath(issue.path)], raw));
}

function problemOf(issue: Issue, path: Path, raw: unknown): SchemaProblem[] {
  switch (issue.code) {
    case 'unrecognized_keys': {
      // One line a key, as `group` in fields.ts makes them.
      const messages = issue.message.split('\n');
      return issue.keys.map((key, i) => ({ path: [...path, key], message: messages[i] ?? issue.message, atKey: true }));
    }
    case 'invalid_key':
      return [{ path, message: issue.issues[0]?.message ?? issue.message, atKey: true }];
    case 'invalid_union': {
      const branch = meantBranch(issue.errors, valueAt(raw, path));
      if (branch !== null) return problemsOf(branch, path, raw);
      return [withFound(issue.message, path, raw)];
    }
    case 'custom':
      // A refinement of a leaf says what it expected; a contradiction says all there is to say.
      return [
        issue.message.startsWith('expected')
          ? withFound(issue.message, path, raw)
          : { path, message: issue.message, atKey: false },
      ];
    default:
      return [withFound(issue.message, path, raw)];
  }
}

/**
 * Of a union's alternatives the one the author meant: the only one that accepts the value's own kind and keys; where
 * several do, the one with the fewest complaints.
 */
function meantBranch(branches: readonly (readonly Issue[])[], value: unknown): readonly Issue[] | null {
  if (typeof value !== 'object' || value === null) return null;
  const candidates = branches.filter((issues) => issues.length > 0 && !issues.some((issue) => refuses(issue, value)));
  const fewest = Math.min(...candidates.map((issues) => issues.length));
  const best = candidates.filter((issues) => issues.length === fewest);
  return best.length === 1 ? (best[0] ?? null) : null;
}

function refuses(issue: Issue, value: object): boolean {
  if (issue.path.length === 0) return issue.code === 'invalid_type' || issue.code === 'invalid_value';
  const [key] = issue.path;
  return issue.path.length === 1 && key !== undefined && !Object.hasOwn(value, key);
}

function withFound(message: string, path: Path, raw: unknown): SchemaProblem {
  const value = valueAt(raw, path);
  if (value === undefined) return { path, message: `missing; ${message}`, atKey: false };
  return { path, message: `${message}, got ${shown(value, path)}`, atKey: false };
}

function shown(value: unknown, path: Path): string {
  if (value === null) return 'nothing';
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list';
  if (typeof value === 'object') return 'settings (key: value)';
  if (typeof value !== 'string') return String(value);
  const variables = variablesIn(value);
  if (variables.length > 0) return `the value of ${variables.join(' and ')}`;
  if (value === '') return 'an empty text';
  if (SECRET.test(path.join('.'))) return 'a text that is none (not shown here)';
  return `"${escaped(value.length > 60 ? `${value.slice(0, 60)}…` : value)}"`;
}

/** A message is one line whatever the value holds. */
function escaped(text: string): string {
  return text.replace(/\p{Cc}/gu, (char) => JSON.stringify(char).slice(1, -1));
}

/** The value at `path`; undefined when there is none. */
export function valueAt(root: unknown, path: Path): unknown {
  let value = root;
  for (const step of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) return undefined;
    value = (value as Record<string | number, unknown>)[step];
  }
  return value;
}

function plainPath(path: readonly PropertyKey[]): Path {
  return path.map((step) => (typeof step === 'symbol' ? String(step) : step));
}
