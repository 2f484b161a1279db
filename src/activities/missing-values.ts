import type { Slice } from '../contract/slice.js';

/** Columns that a warning names. */
const MOST_NAMED = 5;

/**
 * What a window's value columns lack: how many values of which column, with a machine that lacks one, and which columns hold
 * texts; empty where nothing is missing.
 * @param values names of the slices' columns. @param texts those of them that hold texts, all of which are missing.
 */
export function missingWarnings(
  slices: readonly Slice[],
  values: readonly string[],
  texts: readonly string[],
): string[] {
  const counts = values.map(() => 0);
  let example: string | null = null;
  for (const slice of slices) {
    for (let at = 0; at < slice.values.length; at++) {
      if (Number.isFinite(slice.values[at])) continue;
      const column = at % values.length;
      counts[column] = (counts[column] ?? 0) + 1;
      example ??= slice.uniqueId;
    }
  }
  const warnings: string[] = [];
  if (example !== null) {
    const total = counts.reduce((sum, count) => sum + count, 0);
    const named = values.flatMap((name, column) => (counts[column] === 0 ? [] : [`${name}: ${counts[column]}`]));
    warnings.push(`values without a finite number: ${total} (${listed(named)}), e.g. of ${example}`);
  }
  if (texts.length > 0) {
    const [hold, they, them] = texts.length === 1 ? ['holds', 'it has', 'it'] : ['hold', 'they have', 'them'];
    const remedy = `CAST ${them} to DOUBLE in source.query, or write numbers to another table`;
    warnings.push(`${listed(texts)} ${hold} texts, so ${they} no values here: ${remedy}`);
  }
  return warnings;
}

function listed(names: readonly string[]): string {
  const left = names.length - MOST_NAMED;
  return `${names.slice(0, MOST_NAMED).join(', ')}${left > 0 ? ` and ${left} more` : ''}`;
}
