import { HalfspaceError } from '../contract/failures.js';
import type { PipelineSettings, SourceSettings } from '../contract/pipeline.js';
import type { ShapeCounts, Slice } from '../contract/slice.js';
import { type Column, MISSING_TIME, type Table } from '../contract/table.js';
import { compareCodePoints } from './code-point-order.js';
import { GrowingRows } from './growing-rows.js';
import { type IdColumn, IdTuples, NO_ID } from './id-codes.js';
import { orderRows } from './order-rows.js';
import {
  type Collision,
  collisionReason,
  findCollisions,
  shownTuple,
  uniqueIdOrNull,
  unnamedReason,
} from './unique-id.js';

/** A machine that was left out, and why. */
export interface RefusedMachine {
  /** The unique_id; the id tuple where there is none. */
  readonly uniqueId: string;
  readonly reason: string;
}

/** What became of all rows. */
export interface Shaped {
  /** One a machine with rows, by unique_id in code point order. */
  readonly slices: readonly Slice[];
  /** The same of the rows that were added as earlier ones; they count nowhere else but in `collisions` and `unnamed`. */
  readonly earlier: readonly Slice[];
  /** The slices' unique_ids in the order of their first rows. */
  readonly appearance: readonly string[];
  /** Id tuples that share a unique_id; none of them has a slice. */
  readonly collisions: readonly Collision[];
  /** Id tuples without a readable unique_id; none of them has a slice. */
  readonly unnamed: readonly (readonly string[])[];
  /** The same machines with the reason in words, by unique_id. */
  readonly refused: readonly RefusedMachine[];
  /** Value columns that held texts, so that their values are missing. */
  readonly texts: readonly string[];
  readonly counts: ShapeCounts;
}

export interface Shaper {
  /**
   * Takes the next rows.
   * @param isEarlier true for rows that are only looked at once more.
   * @throws HalfspaceError `BadSchema` naming a column that is missing or cannot be used.
   */
  add(table: Table, isEarlier?: boolean): void;
  /** Orders each machine's rows; the shaper is used up. */
  finish(): Shaped;
}

/**
 * Makes one slice a machine out of tables that arrive in any order. `incremental`: of rows with the same machine and time
 * the last wins, and only finite numbers are values. `replay`: every row stays, and infinities stay values, as in a
 * data frame. Holds 8 bytes a row for the time and 8 for each value, up to twice that while rows arrive.
 */
export function createShaper(source: SourceSettings, mode: PipelineSettings['mode']): Shaper {
  const features = source.values.length;
  const ids = new IdTuples(source.id.length);
  const own: (GrowingRows | undefined)[] = [];
  const earlier: (GrowingRows | undefined)[] = [];
  let rowsIn = 0;
  let unidentified = 0;
  const texts = new Set<string>();

  function add(table: Table, isEarlier = false): void {
    const groups = isEarlier ? earlier : own;
    const columns = readColumns(table, source);
    const { times } = columns;
    const numbers = ids.number(columns.ids, table.rows);
    const keepsInfinity = mode === 'replay';
    if (!isEarlier) {
      rowsIn += table.rows;
      for (const [f, name] of source.values.entries()) if (columns.values[f] === null) texts.add(name);
    }
    for (let row = 0; row < table.rows; row++) {
      const number = numbers[row] ?? NO_ID;
      const time = times[row] ?? MISSING_TIME;
      if (number === NO_ID || time === MISSING_TIME) {
        if (!isEarlier) unidentified++;
        continue;
      }
      let group = groups[number];
      if (group === undefined) {
        group = new GrowingRows(features);
        groups[number] = group;
      }
      const at = group.append(time);
      for (let f = 0; f < features; f++) {
        const value = columns.values[f]?.[row] ?? Number.NaN;
        group.set(at + f, Number.isFinite(value) || keepsInfinity ? value : Number.NaN);
      }
    }
  }

  function finish(): Shaped {
    const tuples = ids.tuples.filter((_, number) => own[number] !== undefined || earlier[number] !== undefined);
    const collisions = findCollisions(tuples, source.unique_id);
    const collided = new Set(collisions.map(({ uniqueId }) => uniqueId));
    const unnamed: (readonly string[])[] = [];
    const slices: Slice[] = [];
    const earlierSlices: Slice[] = [];
    let duplicates = 0;

    function sliceOf(uniqueId: string, tuple: readonly string[], rows: GrowingRows): Slice {
      const ordered = orderRows(rows.times(), rows.values(), features, mode === 'incremental');
      return { uniqueId, ids: tuple, rows: ordered.times.length, times: ordered.times, values: ordered.values };
    }

    for (const [number, tuple] of ids.tuples.entries()) {
      const [ownRows, earlierRows] = [own[number], earlier[number]];
      if (ownRows === undefined && earlierRows === undefined) continue;
      const uniqueId = uniqueIdOrNull(tuple, source.unique_id);
      if (uniqueId === null) unnamed.push(tuple);
      if (uniqueId === null || collided.has(uniqueId)) continue;
      if (ownRows !== undefined) {
        const slice = sliceOf(uniqueId, tuple, ownRows);
        duplicates += ownRows.rows - slice.rows;
        slices.push(slice);
      }
      if (earlierRows !== undefined) earlierSlices.push(sliceOf(uniqueId, tuple, earlierRows));
    }
    const appearance = slices.map(({ uniqueId }) => uniqueId);
    return {
      slices: slices.sort(byUniqueId),
      earlier: earlierSlices.sort(byUniqueId),
      appearance,
      collisions,
      unnamed,
      refused: refusedMachines(collisions, unnamed),
      texts: [...texts],
      counts: { rows: rowsIn, duplicates, unidentified, ...countMissing(slices, features) },
    };
  }

  return { add, finish };
}

function byUniqueId(a: Slice, b: Slice): number {
  return compareCodePoints(a.uniqueId, b.uniqueId);
}

/** What a source's columns hold, all of one length. */
export interface SourceColumns {
  readonly ids: readonly IdColumn[];
  readonly times: BigInt64Array;
  /** null: the column holds no numbers, so every value is missing. */
  readonly values: readonly (Float64Array | null)[];
}

/** @throws HalfspaceError `BadSchema` naming a column that is missing or cannot be used. */
export function readColumns(table: Table, source: SourceSettings): SourceColumns {
  const time = columnOf(table, source.time, 'time');
  if (time.kind !== 'time') {
    throw new HalfspaceError(
      'BadSchema',
      `Expected times in the time column ${JSON.stringify(source.time)}, got ${time.kind}s. Name another under \`time\`.`,
    );
  }
  const ids = source.id.map((name): IdColumn => {
    const column = columnOf(table, name, 'id');
    if (column.kind !== 'time') return column;
    throw new HalfspaceError(
      'BadSchema',
      `Expected text or numbers in the id column ${JSON.stringify(name)}, got times.`,
    );
  });
  const values = source.values.map((name) => {
    const column = columnOf(table, name, 'value');
    if (column.kind === 'time') {
      throw new HalfspaceError('BadSchema', `Expected numbers in the value column ${JSON.stringify(name)}, got times.`);
    }
    return column.kind === 'number' ? column.values : null;
  });
  return { ids, times: time.values, values };
}

function columnOf(table: Table, name: string, what: string): Column {
  const column = table.columns.get(name);
  if (column !== undefined) return column;
  const present = Array.from(table.columns.keys()).join(', ');
  throw new HalfspaceError(
    'BadSchema',
    `There is no ${what} column ${JSON.stringify(name)}. The source has: ${present || 'no columns'}.`,
  );
}

function refusedMachines(collisions: readonly Collision[], unnamed: readonly (readonly string[])[]): RefusedMachine[] {
  return [
    ...collisions.map((collision) => ({ uniqueId: collision.uniqueId, reason: collisionReason(collision) })),
    ...unnamed.map((ids) => ({ uniqueId: shownTuple(ids), reason: unnamedReason(ids) })),
  ].sort((a, b) => compareCodePoints(a.uniqueId, b.uniqueId));
}

function countMissing(slices: readonly Slice[], features: number): { missing: number; empty: number } {
  let missing = 0;
  let empty = 0;
  for (const { values } of slices) {
    for (let at = 0; at < values.length; at += features) {
      let absent = 0;
      let infinite = 0;
      for (let f = at; f < at + features; f++) {
        const value = values[f] ?? Number.NaN;
        if (Number.isNaN(value)) absent++;
        else if (!Number.isFinite(value)) infinite++;
      }
      missing += absent + infinite;
      if (absent === features) empty++;
    }
  }
  return { missing, empty };
}
