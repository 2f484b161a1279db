import { HalfspaceError } from '../contract/failures.js';
import { ORDINARY_ROWS, OrdinaryRows } from './ordinary-rows.js';

/** How long a column has held one value. */
export interface Run {
  /** NaN before the first row. */
  value: number;
  /** Nanoseconds of the run's first row. */
  since: bigint;
  rows: number;
}

const HEAD_BYTES = 44;
const COLUMN_BYTES = 28;
const IS_FIRED = 1;
const HAS_TOLD = 2;

/**
 * What the rules know of the rows before. Its bytes, little-endian:
 *
 *    0  u32 columns · u32 flags (1 fired, 2 an event was told) · f64 rows judged · f64 rows held · i64 held since (ns) ·
 *       i64 end of the last event that was told (ns) · u32 spare
 *   44  a column: f64 value of its run · i64 since (ns) · f64 rows · u32 ordinary values, then these, oldest first, f64 each
 *
 * It is the same whatever the rules are, so that rules may change at any time.
 */
export class RuleState {
  /** Rows judged so far. */
  rows = 0;
  /** Rows in a row whose score calls for a verdict, up to now, and when the first of them was, nanoseconds. */
  held = 0;
  heldSince = 0n;
  /** Whether they have been held long enough. */
  isFired = false;
  /** Last anomalous row of the last event that was told, nanoseconds; null before the first. */
  lastTold: bigint | null = null;
  readonly runs: readonly Run[];
  readonly ordinary: readonly OrdinaryRows[];

  /** @param columns value columns. */
  constructor(columns: number, ordinary?: readonly OrdinaryRows[]) {
    this.runs = Array.from({ length: columns }, () => ({ value: Number.NaN, since: 0n, rows: 0 }));
    this.ordinary = ordinary ?? Array.from({ length: columns }, () => new OrdinaryRows());
  }

  /** @throws HalfspaceError `CorruptSnapshot` for bytes of another number of columns or another length. */
  static fromBytes(bytes: Uint8Array, columns: number): RuleState {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    if (bytes.length < HEAD_BYTES + columns * COLUMN_BYTES) throw corrupt(`${bytes.length} bytes`);
    if (view.getUint32(0, true) !== columns) throw corrupt(`${view.getUint32(0, true)} columns`);
    const runs: Run[] = [];
    const ordinary: OrdinaryRows[] = [];
    let at = HEAD_BYTES;
    for (let column = 0; column < columns; column++) {
      if (at + COLUMN_BYTES > bytes.length) throw corrupt(`${bytes.length} bytes`);
      runs.push({
        value: view.getFloat64(at, true),
        since: view.getBigInt64(at + 8, true),
        rows: view.getFloat64(at + 16, true),
      });
      const count = view.getUint32(at + 24, true);
      at += COLUMN_BYTES;
      if (count > ORDINARY_ROWS || at + 8 * count > bytes.length) throw corrupt(`${count} ordinary values`);
      const first = at;
      ordinary.push(
        OrdinaryRows.from(Float64Array.from({ length: count }, (_, i) => view.getFloat64(first + 8 * i, true))),
      );
      at += 8 * count;
    }
    if (at !== bytes.length) throw corrupt(`${bytes.length} bytes`);
    const state = new RuleState(columns, ordinary);
    state.runs.forEach((run, column) => {
      Object.assign(run, runs[column]);
    });
    const flags = view.getUint32(4, true);
    state.rows = view.getFloat64(8, true);
    state.held = view.getFloat64(16, true);
    state.heldSince = view.getBigInt64(24, true);
    state.isFired = (flags & IS_FIRED) !== 0;
    state.lastTold = (flags & HAS_TOLD) === 0 ? null : view.getBigInt64(32, true);
    return state;
  }

  toBytes(): Uint8Array {
    const values = this.ordinary.map((rows) => rows.values());
    const size = values.reduce((sum, { length }) => sum + COLUMN_BYTES + 8 * length, HEAD_BYTES);
    const bytes = new Uint8Array(size);
    const view = new DataView(bytes.buffer);
    view.setUint32(0, values.length, true);
    view.setUint32(4, (this.isFired ? IS_FIRED : 0) | (this.lastTold === null ? 0 : HAS_TOLD), true);
    view.setFloat64(8, this.rows, true);
    view.setFloat64(16, this.held, true);
    view.setBigInt64(24, this.heldSince, true);
    view.setBigInt64(32, this.lastTold ?? 0n, true);
    let at = HEAD_BYTES;
    this.runs.forEach((run, column) => {
      const own = values[column] ?? new Float64Array();
      view.setFloat64(at, run.value, true);
      view.setBigInt64(at + 8, run.since, true);
      view.setFloat64(at + 16, run.rows, true);
      view.setUint32(at + 24, own.length, true);
      at += COLUMN_BYTES;
      for (const value of own) {
        view.setFloat64(at, value, true);
        at += 8;
      }
    });
    return bytes;
  }
}

function corrupt(found: string): HalfspaceError {
  return new HalfspaceError('CorruptSnapshot', `The snapshot cannot be used: the state of its rules has ${found}`);
}
