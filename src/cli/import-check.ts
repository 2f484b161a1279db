import { HalfspaceError } from '../contract/failures.js';
import type { Influx } from '../influx/connect.js';
import { describeTable, type TableColumn } from '../influx/schema.js';
import { shownCell } from './csv/cell-remarks.js';
import { brokenLine } from './csv/records.js';
import type { FilePlan, ImportOptions } from './import-plan.js';

/** What a column holds, in a file or a table. */
const WORDS: Readonly<Record<TableColumn['kind'], string>> = {
  tag: 'a tag',
  string: 'text',
  number: 'a number',
  boolean: 'true or false',
  time: 'a time',
  other: 'neither number nor text',
};

/**
 * Compares what a file is going to write with the table, whose columns never change their type.
 * @throws HalfspaceError `BadSchema` naming a column that is one thing in the file and another in the table; as the
 * database's reads do when it cannot be reached.
 */
export async function checkTable(
  influx: Pick<Influx, 'query'>,
  { file, table, tags, constants = {} }: ImportOptions,
  { numbers, texts, tallies }: FilePlan,
  signal: AbortSignal,
): Promise<void> {
  const wanted = new Map<string, 'tag' | 'number' | 'string'>([
    ...[...tags, ...Object.keys(constants)].map((name) => [name, 'tag'] as const),
    ...numbers.map((name) => [name, 'number'] as const),
    ...texts.map((name) => [name, 'string'] as const),
  ]);
  for (const { name, kind } of await columnsOf(influx, table, signal)) {
    const own = wanted.get(name);
    if (own === undefined || own === kind) continue;
    const first = tallies.get(name)?.notNumbers.first ?? null;
    if (own === 'string' && kind === 'number' && first !== null) {
      throw brokenLine(
        file,
        first.line,
        `${shownCell(first.text, name)} makes the column text, and it holds numbers in the table ${table}`,
      );
    }
    const remedy = 'A column of a table stays what it is: write to another table, or give --tags as before';
    throw brokenLine(
      file,
      1,
      `${JSON.stringify(name)} is ${WORDS[own]} in the file and ${WORDS[kind]} in the table ${table}. ${remedy}`,
    );
  }
}

/** None where there is no such table yet, or where the token may write and not read: InfluxDB itself then says what is wrong. */
async function columnsOf(
  influx: Pick<Influx, 'query'>,
  table: string,
  signal: AbortSignal,
): Promise<readonly TableColumn[]> {
  try {
    return await describeTable(influx, table, { signal });
  } catch (error) {
    if (error instanceof HalfspaceError && !error.retry) return [];
    throw error;
  }
}
