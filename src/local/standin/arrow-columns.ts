import { type DuckDBDataChunk, DuckDBEnumType, type DuckDBType, DuckDBTypeId } from '@duckdb/node-api';
import duckdb from '@duckdb/node-bindings';
import {
  Bool,
  type Data,
  type DataType,
  Float64,
  Int64,
  makeData,
  TimestampNanosecond,
  Uint64,
  Utf8,
} from 'apache-arrow';

/**
 * One result column on its way from DuckDB's vectors to Arrow's buffers. `load` takes a chunk, `append` copies rows of
 * it, `take` hands out what was appended and starts anew.
 */
export interface ArrowColumn {
  readonly type: DataType;
  /** Bytes a row takes besides text. */
  readonly rowBytes: number;
  load(chunk: DuckDBDataChunk): void;
  /** Bytes of the longest text in the loaded chunk. */
  readonly longest: number;
  append(from: number, to: number): void;
  take(): Data;
}

/** Columns of the result with index `index`, and, for a text column read as codes, of the texts outside the dictionary. */
export function createArrowColumn(duckType: DuckDBType, index: number, restIndex: number | null): ArrowColumn {
  if (duckType instanceof DuckDBEnumType) return new TextColumn(index, duckType, restIndex);
  switch (duckType.typeId) {
    case DuckDBTypeId.DOUBLE:
      return new WideColumn(index, new Float64());
    case DuckDBTypeId.BIGINT:
      return new WideColumn(index, new Int64());
    case DuckDBTypeId.UBIGINT:
      return new WideColumn(index, new Uint64());
    case DuckDBTypeId.TIMESTAMP_NS:
      return new WideColumn(index, new TimestampNanosecond());
    case DuckDBTypeId.BOOLEAN:
      return new BooleanColumn(index);
    case DuckDBTypeId.VARCHAR:
      return new TextColumn(index, null, null);
    default:
      throw new Error(`Expected a column type the wire has, got ${duckType}`);
  }
}

/** Bytes of a vector's first `bytes`, valid while its chunk is. */
function vectorBytes(chunk: DuckDBDataChunk, index: number, rowBytes: number): Uint8Array {
  return duckdb.vector_get_data(duckdb.data_chunk_get_vector(chunk.chunk, index), chunk.rowCount * rowBytes);
}

/** One bit a row, 1 = there is a value; null when all rows have one. */
function validityOf(chunk: DuckDBDataChunk, index: number): Uint8Array | null {
  const bytes = Math.ceil(chunk.rowCount / 64) * 8;
  return duckdb.vector_get_validity(duckdb.data_chunk_get_vector(chunk.chunk, index), bytes) ?? null;
}

/** Grows by doubling; `ensure` keeps what is there. */
class Bytes {
  data = new Uint8Array(1024);

  ensure(size: number): Uint8Array {
    if (size > this.data.length) {
      const larger = new Uint8Array(Math.max(size, this.data.length * 2));
      larger.set(this.data);
      this.data = larger;
    }
    return this.data;
  }
}

/** Rows appended so far and which of them are null. */
class Rows {
  count = 0;
  nulls = 0;
  private readonly bits = new Bytes();

  /** Adds rows of which `validity` (null: all) says whether they have a value. */
  append(validity: Uint8Array | null, from: number, to: number): void {
    const bits = this.bits.ensure(((this.count + to - from) >> 3) + 1);
    for (let i = from; i < to; i++) {
      const at = this.count++;
      if (validity === null || isSet(validity, i)) bits[at >> 3] = (bits[at >> 3] ?? 0) | (1 << (at & 7));
      else {
        bits[at >> 3] = (bits[at >> 3] ?? 0) & ~(1 << (at & 7));
        this.nulls++;
      }
    }
  }

  take(): { length: number; nullCount: number; nullBitmap: Uint8Array | null } {
    const taken = {
      length: this.count,
      nullCount: this.nulls,
      nullBitmap: this.nulls === 0 ? null : this.bits.data.slice(0, (this.count + 7) >> 3),
    };
    this.count = 0;
    this.nulls = 0;
    return taken;
  }
}

function isSet(bits: Uint8Array, index: number): boolean {
  return ((bits[index >> 3] ?? 0) & (1 << (index & 7))) !== 0;
}

type WideType = Float64 | Int64 | Uint64 | TimestampNanosecond;

/** Eight bytes a row, the same in DuckDB and in Arrow. */
class WideColumn implements ArrowColumn {
  readonly rowBytes = 8;
  readonly longest = 0;
  readonly type: WideType;
  private readonly index: number;
  private readonly rows = new Rows();
  private readonly bytes = new Bytes();
  private loaded: Uint8Array = new Uint8Array(0);
  private validity: Uint8Array | null = null;

  constructor(index: number, type: WideType) {
    this.index = index;
    this.type = type;
  }

  load(chunk: DuckDBDataChunk): void {
    this.loaded = vectorBytes(chunk, this.index, 8);
    this.validity = validityOf(chunk, this.index);
  }

  append(from: number, to: number): void {
    const at = this.rows.count * 8;
    this.bytes.ensure(at + (to - from) * 8).set(this.loaded.subarray(from * 8, to * 8), at);
    this.rows.append(this.validity, from, to);
  }

  take(): Data {
    const rows = this.rows.take();
    const { buffer } = this.bytes.data.slice(0, rows.length * 8);
    if (this.type instanceof Float64) return makeData({ type: this.type, ...rows, data: new Float64Array(buffer) });
    if (this.type instanceof Uint64) return makeData({ type: this.type, ...rows, data: new BigUint64Array(buffer) });
    const data = new BigInt64Array(buffer);
    if (this.type instanceof Int64) return makeData({ type: this.type, ...rows, data });
    return makeData({ type: this.type, ...rows, data });
  }
}

/** A byte a row in DuckDB, a bit in Arrow. */
class BooleanColumn implements ArrowColumn {
  readonly rowBytes = 1;
  readonly longest = 0;
  readonly type = new Bool();
  private readonly index: number;
  private readonly rows = new Rows();
  private readonly bits = new Bytes();
  private loaded: Uint8Array = new Uint8Array(0);
  private validity: Uint8Array | null = null;

  constructor(index: number) {
    this.index = index;
  }

  load(chunk: DuckDBDataChunk): void {
    this.loaded = vectorBytes(chunk, this.index, 1);
    this.validity = validityOf(chunk, this.index);
  }

  append(from: number, to: number): void {
    const bits = this.bits.ensure(((this.rows.count + to - from) >> 3) + 1);
    for (let i = from, at = this.rows.count; i < to; i++, at++) {
      const mask = 1 << (at & 7);
      bits[at >> 3] = this.loaded[i] === 1 ? (bits[at >> 3] ?? 0) | mask : (bits[at >> 3] ?? 0) & ~mask;
    }
    this.rows.append(this.validity, from, to);
  }

  take(): Data {
    const rows = this.rows.take();
    return makeData({ type: this.type, ...rows, data: this.bits.data.slice(0, (rows.length + 7) >> 3) });
  }
}

const INLINE_BYTES = 12; // duckdb_string_t: 4 bytes of length, then the text itself or 4 bytes of it and a pointer
const STRING_BYTES = 16;

/**
 * Text. With a dictionary the column comes as codes, and only texts outside it as text in the column `restIndex`:
 * that is what makes tags fast (a call a value for texts above 12 bytes costs more than all the rest).
 */
class TextColumn implements ArrowColumn {
  readonly rowBytes = 4;
  readonly type = new Utf8();
  longest = 0;
  private readonly index: number;
  private readonly restIndex: number | null;
  private readonly codeBytes: number;
  private readonly known: readonly Uint8Array[];
  private readonly longestKnown: number;
  private readonly rows = new Rows();
  private readonly text = new Bytes();
  private offsets = new Int32Array(4096);
  private codes: Uint8Array | Uint16Array | Uint32Array = new Uint8Array(0);
  private strings: DataView = new DataView(new ArrayBuffer(0));
  private validity: Uint8Array | null = null;
  private restValidity: Uint8Array | null = null;
  private readonly valid = new Uint8Array(256); // one bit for each of the 2048 rows a chunk has at most

  constructor(index: number, dictionary: DuckDBEnumType | null, restIndex: number | null) {
    this.index = index;
    this.restIndex = restIndex;
    this.known = (dictionary?.values ?? []).map((value) => Buffer.from(value));
    this.longestKnown = this.known.reduce((longest, { length }) => Math.max(longest, length), 0);
    const width = dictionary?.internalTypeId;
    this.codeBytes =
      width === undefined ? 0 : width === DuckDBTypeId.UTINYINT ? 1 : width === DuckDBTypeId.USMALLINT ? 2 : 4;
  }

  load(chunk: DuckDBDataChunk): void {
    const stringIndex = this.codeBytes === 0 ? this.index : this.restIndex;
    this.longest = this.longestKnown;
    if (this.codeBytes > 0) {
      const { buffer, byteOffset } = vectorBytes(chunk, this.index, this.codeBytes);
      const count = chunk.rowCount;
      if (this.codeBytes === 1) this.codes = new Uint8Array(buffer, byteOffset, count);
      else if (this.codeBytes === 2) this.codes = new Uint16Array(buffer, byteOffset, count);
      else this.codes = new Uint32Array(buffer, byteOffset, count);
      this.validity = validityOf(chunk, this.index);
    }
    if (stringIndex === null) return;
    this.restValidity = validityOf(chunk, stringIndex);
    const { buffer, byteOffset, byteLength } = vectorBytes(chunk, stringIndex, STRING_BYTES);
    this.strings = new DataView(buffer, byteOffset, byteLength);
    if (this.codeBytes > 0 && this.validity === null) return; // every text is in the dictionary
    for (let i = 0; i < chunk.rowCount; i++) {
      if (this.restValidity !== null && !isSet(this.restValidity, i)) continue;
      this.longest = Math.max(this.longest, this.strings.getUint32(i * STRING_BYTES, true));
    }
  }

  append(from: number, to: number): void {
    const first = this.rows.count;
    if (first + to - from >= this.offsets.length) {
      const larger = new Int32Array((first + to - from + 1) * 2);
      larger.set(this.offsets);
      this.offsets = larger;
    }
    const { offsets, codes, known, validity, restValidity, valid } = this;
    let end = first === 0 ? 0 : (offsets[first] ?? 0);
    const text = this.text.ensure(end + (to - from) * this.longest);
    valid.fill(255);
    for (let i = from, row = first; i < to; i++, row++) {
      if (this.codeBytes > 0 && (validity === null || isSet(validity, i))) {
        const value = known[codes[i] ?? 0];
        const length = value?.length ?? 0;
        for (let j = 0; j < length; j++) text[end + j] = value?.[j] ?? 0;
        end += length;
      } else if (this.codeBytes > 0 && this.restIndex === null) valid[i >> 3] = (valid[i >> 3] ?? 0) & ~(1 << (i & 7));
      else if (restValidity === null || isSet(restValidity, i)) end += this.copyString(i, text, end);
      else valid[i >> 3] = (valid[i >> 3] ?? 0) & ~(1 << (i & 7));
      offsets[row + 1] = end;
    }
    this.rows.append(valid, from, to);
  }

  take(): Data {
    const rows = this.rows.take();
    const end = rows.length === 0 ? 0 : (this.offsets[rows.length] ?? 0);
    return makeData({
      type: this.type,
      ...rows,
      valueOffsets: this.offsets.slice(0, rows.length + 1),
      data: this.text.data.slice(0, end),
    });
  }

  private copyString(row: number, target: Uint8Array, at: number): number {
    const { strings } = this;
    const start = row * STRING_BYTES;
    const length = strings.getUint32(start, true);
    if (length <= INLINE_BYTES) {
      for (let j = 0; j < length; j++) target[at + j] = strings.getUint8(start + 4 + j);
    } else {
      const { buffer } = strings;
      if (!(buffer instanceof ArrayBuffer)) throw new Error('Expected the vector in an ArrayBuffer of its own');
      target.set(duckdb.get_data_from_pointer(buffer, strings.byteOffset + start + 8, length), at);
    }
    return length;
  }
}
