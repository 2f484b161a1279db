import type { CliIo } from '../io.js';
import type { Cells } from './number-tally.js';

/** One line on cells of a column, with the place of the first, which stands for all; nothing where there is none. */
export function remarkCells(column: string, { count, first }: Cells, what: string, file: string, io: CliIo): void {
  if (first === null) return;
  io.stderr(`${file}:${first.line}: ${shownCell(first.text, column)} ${what}${firstOf(count)}\n`);
}

/** How many cells one stands for, to be put behind it; empty for one alone. */
export function firstOf(count: number): string {
  return count === 1 ? '' : ` (the first of ${count} such cells)`;
}

/** A cell as messages name it, on one line. */
export function shownCell(text: string, column: string): string {
  return `${JSON.stringify(text.slice(0, 80))} in ${JSON.stringify(column)}`;
}
