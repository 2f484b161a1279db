import { MOST_COLUMNS } from '../charts/plot-data.js';
import type { Table } from '../contract/table.js';
import type { ScoredRows } from './scored-rows.js';
import { numbersOf, textsOf } from './table-columns.js';
import type { WindowEvents } from './window-events.js';

/**
 * Indices of the value columns that a plot's events are about: that of the newest event first, then those of the window's
 * other events and of the rows whose reasons are shown, newest first, then those that made most earlier rows anomalous. At
 * least one, at most {@link MOST_COLUMNS}.
 * @param reasoned rows of `scored` whose reasons are shown, ascending.
 * @param earlier scores of earlier runs.
 */
export function plottedColumns(
  { names, features }: Pick<ScoredRows, 'names' | 'features'>,
  { closed, open }: WindowEvents,
  reasoned: readonly number[],
  earlier: readonly Table[],
): readonly number[] {
  const events = [...closed, ...(open === null ? [] : [open])].reverse();
  const told = [
    ...events.map(({ worst }) => worst.feature ?? -1),
    ...reasoned.toReversed().map((row) => features[row]),
  ];
  const before = columnsByRows(earlier).map((name) => names.indexOf(name));
  const chosen = new Set<number>();
  for (const feature of [...told, ...before]) {
    if (feature !== undefined && names[feature] !== undefined) chosen.add(feature);
  }
  return chosen.size === 0 ? [0] : [...chosen].slice(0, MOST_COLUMNS);
}

/** Names of the columns that made rows anomalous, that of the most rows first. */
function columnsByRows(tables: readonly Table[]): string[] {
  const rows = new Map<string, number>();
  for (const table of tables) {
    // Tables with one value column name none, and neither do those that were begun before columns were named.
    if (table.columns.get('column')?.kind !== 'string') continue;
    const nameAt = textsOf(table, 'column');
    numbersOf(table, 'is_anomaly').forEach((isAnomaly, row) => {
      const name = isAnomaly === 1 ? nameAt(row) : null;
      if (name !== null) rows.set(name, (rows.get(name) ?? 0) + 1);
    });
  }
  return [...rows].sort(([, a], [, b]) => b - a).map(([name]) => name);
}
