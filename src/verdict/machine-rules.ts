import type { VerdictRules, VerdictSettings } from '../contract/pipeline.js';

/** One machine's rules: the pipeline's, and over them those of each pattern that fits its unique_id, in their order. */
export function rulesOf({ machines, ...rules }: VerdictSettings, uniqueId: string): VerdictRules {
  let own: VerdictRules = rules;
  for (const [pattern, change] of Object.entries(machines ?? {})) {
    if (fits(pattern, uniqueId)) own = { ...own, ...change };
  }
  return own;
}

/** `*` stands for any text, `?` for one character; everything else for itself. */
function fits(pattern: string, uniqueId: string): boolean {
  if (!/[*?]/.test(pattern)) return pattern === uniqueId;
  const parts = pattern.split(/([*?]+)/).map((part, i) => (i % 2 === 1 ? wild(part) : literal(part)));
  return new RegExp(`^${parts.join('')}$`, 'su').test(uniqueId);
}

/** Stars that touch are one, so that no pattern takes long to refuse a name. */
function wild(part: string): string {
  return '.'.repeat(part.replaceAll('*', '').length) + (part.includes('*') ? '.*' : '');
}

function literal(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
}

/**
 * The verdict settings that what a model learns depends on; null while they are none. Rules reach a model only by way of
 * `pause_learning`, and then all do that decide whether an event is open.
 */
export function rulesThatLearn({ machines, ...rules }: VerdictSettings): object | null {
  const changes = Object.entries(machines ?? {});
  if (![rules, ...changes.map(([, change]) => change)].some((one) => one.pause_learning === true)) return null;
  return { ...ofRows(rules), machines: changes.map(([pattern, change]) => [pattern, ofRows(change)]) };
}

function ofRows({ stale_after: _stale, repeat_after: _repeat, ...rules }: Partial<VerdictRules>): object {
  return rules;
}

/** A setting that holds for every column, or is given by column; undefined where it is not for this one. */
export function ofColumn(setting: number | { readonly [column: string]: number }, column: string): number | undefined {
  return typeof setting === 'number' ? setting : own(setting, column);
}

/** Undefined where the column has none of its own. */
export function own<T>(byColumn: { readonly [column: string]: T }, column: string): T | undefined {
  return Object.hasOwn(byColumn, column) ? byColumn[column] : undefined;
}
