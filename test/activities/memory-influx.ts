import type { Table } from '../../src/contract/table.js';
import { nanosFromIso } from '../../src/contract/time.js';
import type { Influx, QueryParams } from '../../src/influx/connect.js';

/** One row of the table `rows`: machine `m`, value `x`. */
export interface SourceRow {
  readonly machine: string;
  /** Nanoseconds. */
  readonly time: bigint;
  readonly value: number;
}

/** A database of one source table and the scores written, by series and time. Understands the job's own table query only. */
export class MemoryInflux implements Influx {
  readonly host = 'http://memory';
  readonly database = 'memory';
  readonly isColumnar = true;
  /** Series and time → fields. As in InfluxDB, a field that a later line leaves out keeps its value. */
  readonly scores = new Map<string, Record<string, string>>();
  /** Rows handed out by queries so far. */
  rowsRead = 0;
  beforeCall: (verb: string) => void = () => {};
  readonly #rows = new Map<string, SourceRow>();

  put(row: SourceRow): void {
    this.#rows.set(`${row.machine} ${row.time}`, row);
  }

  async *query(_sql: string, params: QueryParams = {}): AsyncGenerator<Table, void, void> {
    this.beforeCall('query');
    const [from, to] = [params.from, params.to].map((text) => nanosFromIso(String(text)) ?? 0n);
    const rows = [...this.#rows.values()]
      .filter(({ machine, time }) => time >= (from ?? 0n) && time < (to ?? 0n) && machine === (params.id0 ?? machine))
      .sort((a, b) => (a.time < b.time ? -1 : a.time > b.time ? 1 : 0));
    if (rows.length === 0) return;
    this.rowsRead += rows.length;
    const dictionary = [...new Set(rows.map(({ machine }) => machine))];
    yield {
      rows: rows.length,
      columns: new Map([
        [
          'm',
          { kind: 'string', dictionary, codes: Int32Array.from(rows, ({ machine }) => dictionary.indexOf(machine)) },
        ],
        ['x', { kind: 'number', values: Float64Array.from(rows, ({ value }) => value) }],
        ['time', { kind: 'time', values: BigInt64Array.from(rows, ({ time }) => time) }],
      ]),
    };
  }

  async write(lines: readonly string[]): Promise<void> {
    this.beforeCall('write');
    for (const line of lines) {
      const [series = '', fields = '', time = ''] = line.split(/ (?=(?:[^"]*"[^"]*")*[^"]*$)/);
      const named = fields.match(/[^=,]+=(?:"[^"]*"|[^,]*)/g) ?? [];
      const set = Object.fromEntries(named.map((field) => field.split('=')));
      const key = `${series} ${time}`;
      this.scores.set(key, { ...this.scores.get(key), ...set });
    }
  }

  async close(): Promise<void> {}
}
