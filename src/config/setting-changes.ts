import { parseDocument } from 'yaml';
import { DEFAULT_DETECTOR } from './detector-schema.js';
import { valueProblems } from './plain-value.js';
import type { SettingsProblem } from './settings-error.js';
import type { Path } from './yaml-file.js';

/** One setting in place of what the file says. */
export interface SettingChange {
  readonly path: Path;
  /** As YAML would hold it; undefined: the setting is left out, as if the file did not have it. */
  readonly value: unknown;
  /** How it was asked for; messages name it. */
  readonly said: string;
}

/**
 * `detector.window_size=100` as a change below `root`; the value is YAML, and none leaves the setting out.
 * @returns what is wrong with the text, where it is no such thing.
 */
export function parseChange(text: string, root: Path, said: string): SettingChange | string {
  const at = text.indexOf('=');
  const keys = text.slice(0, Math.max(at, 0)).trim().split('.');
  if (at < 1 || keys.some((key) => key.trim() === ''))
    return 'expected a setting and its value, e.g. verdict.threshold=0.9';
  if (keys.includes('__proto__')) return '`__proto__` cannot be a name';
  const path = [...root, ...keys];
  const written = text.slice(at + 1).trim();
  if (written === '') return { path, value: undefined, said };
  const document = parseDocument(written, { prettyErrors: false });
  const [problem] = [...document.errors, ...document.warnings];
  if (problem !== undefined) return `broken YAML: ${problem.message.replace(/\s+/g, ' ').trim()}`;
  let value: unknown;
  try {
    value = document.toJS();
  } catch (error) {
    return `broken YAML: ${error instanceof Error ? error.message : String(error)}`;
  }
  const [wrong] = valueProblems(value);
  return wrong === undefined ? { path, value, said } : wrong.message;
}

/** Groups that a file may leave out and that cannot begin empty. */
const BEGINNINGS: Readonly<Record<string, unknown>> = { detector: DEFAULT_DETECTOR };

/** A copy of what a file says with the changes made, one after the other; groups that are not there are made. */
export function withChanges(root: unknown, changes: readonly SettingChange[]): unknown {
  return changes.reduce((changed, { path, value }) => replaced(changed, path, value), root);
}

function replaced(group: unknown, path: Path, value: unknown): unknown {
  const [key, ...rest] = path;
  if (key === undefined) return value;
  if (Array.isArray(group) && /^\d+$/.test(String(key))) {
    return group.map((item: unknown, i) => (i === Number(key) ? replaced(item, rest, value) : item));
  }
  const known = isGroup(group) ? group : {};
  const begun = rest.length > 0 ? BEGINNINGS[key] : undefined;
  const inner = replaced(Object.hasOwn(known, key) ? known[key] : begun, rest, value);
  const { [key]: _before, ...others } = known;
  return inner === undefined ? others : { ...known, [key]: inner };
}

function isGroup(value: unknown): value is Readonly<Record<string | number, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The change that a problem at `path` is about: one that sets it, or something in it or around it; the last of them. */
export function changeBehind(path: Path, changes: readonly SettingChange[]): SettingChange | null {
  return changes.findLast((change) => isWithin(path, change.path)) ?? null;
}

function isWithin(inner: Path, outer: Path): boolean {
  return outer.length <= inner.length && outer.every((step, i) => String(step) === String(inner[i]));
}

/** A problem whose cause is a change has no place in the file; the others keep theirs. */
export function placedProblem(
  problem: SettingsProblem,
  path: Path,
  changes: readonly SettingChange[],
): SettingsProblem {
  const change = changeBehind(path, changes);
  return change === null ? problem : { ...problem, said: change.said };
}
