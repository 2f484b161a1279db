import {
  DuckDBBigIntType,
  DuckDBBooleanType,
  DuckDBDoubleType,
  DuckDBTimestampNanosecondsType,
  type DuckDBType,
  DuckDBUBigIntType,
  DuckDBVarCharType,
} from '@duckdb/node-api';
import type { FieldKind } from './line-protocol.js';

export type ColumnKind = FieldKind | 'tag' | 'time';

/** How one kind of column is called by InfluxDB 3 and held by DuckDB. */
export interface KindFacts {
  /** Value of the Arrow field's metadata `iox::column::type`. */
  readonly iox: string;
  /** `data_type` in information_schema.columns. */
  readonly dataType: string;
  readonly duckType: DuckDBType;
  readonly bytes: number;
}

export const KINDS: Readonly<Record<ColumnKind, KindFacts>> = {
  time: {
    iox: 'iox::column_type::timestamp',
    dataType: 'Timestamp(Nanosecond, None)',
    duckType: DuckDBTimestampNanosecondsType.instance,
    bytes: 8,
  },
  tag: {
    iox: 'iox::column_type::tag',
    dataType: 'Dictionary(Int32, Utf8)',
    duckType: DuckDBVarCharType.instance,
    bytes: 16,
  },
  float: {
    iox: 'iox::column_type::field::float',
    dataType: 'Float64',
    duckType: DuckDBDoubleType.instance,
    bytes: 8,
  },
  integer: {
    iox: 'iox::column_type::field::integer',
    dataType: 'Int64',
    duckType: DuckDBBigIntType.instance,
    bytes: 8,
  },
  uinteger: {
    iox: 'iox::column_type::field::uinteger',
    dataType: 'UInt64',
    duckType: DuckDBUBigIntType.instance,
    bytes: 8,
  },
  string: {
    iox: 'iox::column_type::field::string',
    dataType: 'Utf8',
    duckType: DuckDBVarCharType.instance,
    bytes: 16,
  },
  boolean: {
    iox: 'iox::column_type::field::boolean',
    dataType: 'Boolean',
    duckType: DuckDBBooleanType.instance,
    bytes: 1,
  },
};

/** A tag or string column with more distinct values than this is read value by value. */
const DICTIONARY_LIMIT = { tag: 20_000, string: 1_000 } as const;

export interface Column {
  readonly name: string;
  readonly kind: ColumnKind;
}

/** The distinct values of a tag or string column as far as they are worth knowing: a hint for fast reads, never a truth. */
export class Dictionary {
  readonly values = new Set<string>();
  readonly limit: number;

  constructor(kind: 'tag' | 'string') {
    this.limit = DICTIONARY_LIMIT[kind];
  }

  /** True when there were too many values to be of use. */
  get isOverfull(): boolean {
    return this.values.size > this.limit;
  }

  add(value: string): void {
    // A copy of its own: a slice would keep the whole request's text in memory.
    if (!this.isOverfull && !this.values.has(value)) this.values.add(Buffer.from(value).toString());
  }
}

/** A table with more series than this is known by its latest time alone. */
const SERIES_LIMIT = 100_000;

/** The latest time of each series of a table, or a later one: rows after it can meet no stored row. */
export class LatestTimes {
  /** Latest time of the series that are not in `bySeries`; null when they have no rows. */
  #others: bigint | null;
  readonly #bySeries = new Map<string, bigint>();

  /** @param latest latest time of all that is stored; null when there is nothing. */
  constructor(latest: bigint | null) {
    this.#others = latest;
  }

  isBefore(series: string, time: bigint): boolean {
    const latest = this.#bySeries.get(series) ?? this.#others;
    return latest === null || latest < time;
  }

  note(series: string, time: bigint): void {
    if (!this.isBefore(series, time)) return;
    this.#bySeries.set(series, time);
    if (this.#bySeries.size <= SERIES_LIMIT) return;
    for (const each of this.#bySeries.values()) if (this.#others === null || each > this.#others) this.#others = each;
    this.#bySeries.clear();
  }
}

/** One measurement. Columns keep their place for ever; `time` is the first. */
export class TableSchema {
  readonly id: number;
  readonly name: string;
  readonly columns: Column[] = [];
  readonly byName = new Map<string, number>();
  readonly dictionaries = new Map<string, Dictionary>();
  latest = new LatestTimes(null);

  constructor(id: number, name: string) {
    this.id = id;
    this.name = name;
  }

  add(column: Column): number {
    const index = this.columns.length;
    this.columns.push(column);
    this.byName.set(column.name, index);
    if (column.kind === 'tag' || column.kind === 'string') {
      this.dictionaries.set(column.name, new Dictionary(column.kind));
    }
    return index;
  }
}

/** One database (bucket): its tables by name. */
export class DatabaseSchema {
  readonly id: number;
  readonly name: string;
  readonly tables = new Map<string, TableSchema>();

  constructor(id: number, name: string) {
    this.id = id;
    this.name = name;
  }
}
