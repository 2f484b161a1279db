import type { DuckDBDataChunk } from '@duckdb/node-api';
import { Field, makeData, RecordBatch, RecordBatchStreamWriter, Schema, Struct } from 'apache-arrow';
import type { ArrowColumn } from './arrow-columns.js';

const MAX_ROWS = 16_384;
const MAX_BYTES = 2 * 1024 * 1024; // gRPC clients refuse messages above 4 MB by default

/** One Arrow IPC message, cut as Flight wants it. */
export interface FlightMessage {
  readonly header: Uint8Array;
  readonly body: Uint8Array;
}

export interface ColumnHead {
  readonly name: string;
  /** Value of `iox::column::type`; null when the column is computed. */
  readonly iox: string | null;
}

/** Turns chunks into Flight messages: `schemaMessage` first, then what `add` and `finish` return. */
export class ArrowStream {
  private readonly columns: readonly ArrowColumn[];
  private readonly schema: Schema;
  private readonly rowBytes: number;
  private rows = 0;
  private bytes = 0;

  constructor(heads: readonly ColumnHead[], columns: readonly ArrowColumn[]) {
    this.columns = columns;
    this.schema = new Schema(
      columns.map(({ type }, index) => {
        const { name, iox } = heads[index] ?? { name: '', iox: null };
        return new Field(name, type, true, iox === null ? new Map() : new Map([['iox::column::type', iox]]));
      }),
    );
    this.rowBytes = columns.reduce((sum, column) => sum + column.rowBytes, 1);
  }

  schemaMessage(): FlightMessage {
    const [schema] = messagesOf(
      new RecordBatchStreamWriter().reset(undefined, this.schema).finish().toUint8Array(true),
    );
    return schema ?? { header: new Uint8Array(0), body: new Uint8Array(0) };
  }

  /** Takes every row of `chunk`; what got full comes back. */
  *add(chunk: DuckDBDataChunk): Generator<FlightMessage> {
    for (const column of this.columns) column.load(chunk);
    const widest = this.columns.reduce((sum, column) => sum + column.longest, this.rowBytes);
    const step = Math.max(1, Math.floor(MAX_BYTES / widest));
    for (let from = 0; from < chunk.rowCount; from += step) {
      const to = Math.min(from + step, chunk.rowCount);
      if (this.rows + to - from > MAX_ROWS || this.bytes + (to - from) * widest > MAX_BYTES) yield* this.finish();
      for (const column of this.columns) column.append(from, to);
      this.rows += to - from;
      this.bytes += (to - from) * widest;
    }
  }

  /** The rows not yet handed out. */
  *finish(): Generator<FlightMessage> {
    if (this.rows === 0) return;
    const children = this.columns.map((column) => column.take());
    const data = makeData({ type: new Struct(this.schema.fields), length: this.rows, nullCount: 0, children });
    const writer = new RecordBatchStreamWriter();
    writer.reset(undefined, this.schema).write(new RecordBatch(this.schema, data));
    const batch = messagesOf(writer.finish().toUint8Array(true))[1];
    this.rows = 0;
    this.bytes = 0;
    if (batch !== undefined) yield batch;
  }
}

/** Arrow's stream of a schema and at most one batch, cut: each message is ff ff ff ff, length of the header, header, body. */
function messagesOf(stream: Uint8Array): FlightMessage[] {
  const view = new DataView(stream.buffer, stream.byteOffset, stream.byteLength);
  const schemaEnd = 8 + view.getInt32(4, true);
  const messages: FlightMessage[] = [{ header: stream.subarray(8, schemaEnd), body: new Uint8Array(0) }];
  const length = view.getInt32(schemaEnd + 4, true);
  const start = schemaEnd + 8;
  if (length > 0) {
    // Eight bytes at the end say that the stream is over.
    messages.push({ header: stream.subarray(start, start + length), body: stream.subarray(start + length, -8) });
  }
  return messages;
}
