import type { Expectation } from '../contract/pipeline.js';

/** What expectations are held against. */
export interface ExpectationFacts {
  readonly rows: number;
  /** Time of the newest row, nanoseconds; null when there is none. */
  readonly newest: bigint | null;
  /** Columns that are there. */
  readonly columns: readonly string[];
  /** Share of missing values a column, 0..1; 0 without rows. */
  readonly missing: Readonly<Record<string, number>>;
  /** Columns that `max_missing` looks at when it names none. */
  readonly values: readonly string[];
}

/** An expectation that was not met. */
export interface Shortfall {
  readonly kind: 'fail' | 'warn';
  /** What was expected and what was found. */
  readonly text: string;
}

const NANOS_PER_MS = 1_000_000n;

/** Every expectation that is not met, in the order of the list; empty when all are. */
export function checkExpectations(
  list: readonly Expectation[],
  facts: ExpectationFacts,
  nowNs: bigint,
): readonly Shortfall[] {
  return list.flatMap((expectation) =>
    shortfalls(expectation, facts, nowNs).map((text) => ({ kind: expectation.otherwise, text })),
  );
}

function shortfalls(expectation: Expectation, facts: ExpectationFacts, nowNs: bigint): string[] {
  if ('min_rows' in expectation) {
    const { min_rows: least } = expectation;
    return facts.rows >= least ? [] : [`expected at least ${plural(least, 'row')}, found ${facts.rows}`];
  }
  if ('fresh_within' in expectation) return staleText(expectation.fresh_within, facts.newest, nowNs);
  // Without rows nothing can be said of columns and values; that there are none is for min_rows to say.
  if (facts.rows === 0) return [];
  if ('required_columns' in expectation) {
    const absent = expectation.required_columns.filter((name) => !facts.columns.includes(name));
    if (absent.length === 0) return [];
    const present = facts.columns.length === 0 ? 'none' : facts.columns.join(', ');
    return [`expected ${absent.length === 1 ? 'the column' : 'the columns'} ${absent.join(', ')}, found ${present}`];
  }
  const { max_missing: most, columns = facts.values } = expectation;
  return columns.flatMap((name) => {
    // A column that is not there at all has no value in any row.
    const share = facts.missing[name] ?? 1;
    return share <= most ? [] : [`expected at most ${percent(most)} of ${name} to be missing, found ${percent(share)}`];
  });
}

function staleText(withinMs: number, newest: bigint | null, nowNs: bigint): string[] {
  const expected = `expected a row of the last ${shownDuration(withinMs)}`;
  if (newest === null) return [`${expected}, found no rows`];
  const ageNs = nowNs - newest;
  if (ageNs <= BigInt(Math.round(withinMs)) * NANOS_PER_MS) return [];
  return [`${expected}, found the newest ${shownDuration(Number(ageNs / NANOS_PER_MS))} old`];
}

function plural(count: number, word: string): string {
  return `${count} ${word}${count === 1 ? '' : 's'}`;
}

/** Enough digits that a share just above a limit does not read as the limit. */
function percent(share: number): string {
  return `${Number((share * 100).toPrecision(4))}%`;
}

/** The two largest units: `2d 3h`, `5m`, `1.5s`. */
function shownDuration(ms: number): string {
  if (ms < 60_000) return `${Number((ms / 1000).toFixed(3))}s`;
  const seconds = Math.floor(ms / 1000);
  const parts: [number, string][] = [
    [Math.floor(seconds / 86_400), 'd'],
    [Math.floor(seconds / 3600) % 24, 'h'],
    [Math.floor(seconds / 60) % 60, 'm'],
    [seconds % 60, 's'],
  ];
  const first = parts.findIndex(([count]) => count > 0);
  return parts
    .slice(first, first + 2)
    .filter(([count]) => count > 0)
    .map(([count, unit]) => `${count}${unit}`)
    .join(' ');
}
