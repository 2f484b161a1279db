import { stringify } from 'yaml';
import { formatDuration } from '../../contract/duration.js';
import type { ColumnFacts, MachineFacts } from '../../suggest/machine-facts.js';
import type { Suggestion } from '../../suggest/suggestions.js';
import { visible } from '../visible.js';

/** What belongs into halfspace.yaml, each setting with its reason above it; empty for no suggestion. */
export function yamlSnippet(pipeline: string, suggestions: readonly Suggestion[]): string {
  if (suggestions.length === 0) return '';
  const lines = ['pipelines:', `  ${pipeline}:`];
  const tops = [...new Set(suggestions.map(({ path: [top] }) => top))];
  for (const top of tops) {
    const own = suggestions.filter(({ path }) => path[0] === top);
    if (own.some(({ path }) => path.length > 1)) lines.push(`    ${top}:`);
    for (const { path, value, reason } of own) {
      const indent = ' '.repeat(2 + 2 * path.length);
      lines.push(`${indent}# ${visible(reason)}`);
      const key = path.at(-1) ?? top;
      lines.push(value === undefined ? `${indent}# leave out: ${key}` : `${indent}${key}: ${flow(value)}`);
    }
  }
  return `${lines.join('\n')}\n`;
}

/** On one line, as YAML writes it. */
function flow(value: unknown): string {
  return stringify(value, { collectionStyle: 'flow', lineWidth: 0 }).trim();
}

/** Suggestions as the option `--variant` of a backtest; null where there are none. */
export function variantOption(suggestions: readonly Suggestion[]): string | null {
  if (suggestions.length === 0) return null;
  const changes = suggestions.map(({ path, value }) => `${path.join('.')}=${value === undefined ? '' : flow(value)}`);
  return `suggested:${changes.join(',')}`;
}

/** What was seen of a machine, for `--json`. */
export function factsDocument({ uniqueId, rows, stepMs, gaps, longestGapMs, relation, columns }: MachineFacts): object {
  return {
    unique_id: uniqueId,
    rows,
    step_ms: stepMs,
    gaps,
    longest_gap_ms: longestGapMs,
    relation,
    columns: columns.map(({ longestFlatMs, season, ...column }) => ({
      ...column,
      longest_flat_ms: longestFlatMs,
      season: season === null ? null : { period_ms: season.periodMs, strength: season.strength },
    })),
  };
}

/** A line a machine and one a column. */
export function factsText({ uniqueId, rows, stepMs, gaps, longestGapMs, relation, columns }: MachineFacts): string {
  const rate = stepMs === null ? '' : `, one every ${formatDuration(stepMs)}`;
  const pauses =
    gaps === 0 ? 'no gaps' : `${gaps} ${gaps === 1 ? 'gap' : 'gaps'}, the longest ${formatDuration(longestGapMs)}`;
  const together = relation === null ? '' : `, columns go together by ${relation.toFixed(2)}`;
  return `${visible(uniqueId)}: ${rows} ${rows === 1 ? 'row' : 'rows'}${rate}, ${pauses}${together}\n${columns.map((column) => columnText(column, rows)).join('')}`;
}

function columnText({ name, values, range, typical, noise, longestFlatMs, season }: ColumnFacts, rows: number): string {
  if (range === null || typical === null) return `  ${visible(name)}: no values\n`;
  const seen = `${range.map(short).join(' to ')}, mostly ${typical.map(short).join(' to ')}, noise ${short(noise)}`;
  const missing = values === rows ? '' : `, ${rows - values} missing`;
  const flat = longestFlatMs === 0 ? '' : `, flat for up to ${formatDuration(longestFlatMs)}`;
  const rhythm = season === null ? '' : `, repeats every ${formatDuration(season.periodMs)}`;
  return `  ${visible(name)}: ${seen}${missing}${flat}${rhythm}\n`;
}

function short(value: number): number {
  return Number(value.toPrecision(4));
}
