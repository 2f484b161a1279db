import { type Metadata, Server, ServerCredentials, type ServerWritableStream, type status } from '@grpc/grpc-js';
import { Message, type Table, tableToIPC } from 'apache-arrow';

/** What a query asked for, as it came over the wire. */
export interface Ticket {
  readonly database: string;
  readonly sql_query: string;
  readonly query_type?: string;
  readonly params?: Readonly<Record<string, unknown>>;
}

export interface FlightCall {
  readonly ticket: Ticket;
  readonly metadata: Metadata;
  readonly isCancelled: () => boolean;
  /** Settles when the client has cancelled the call. */
  readonly cancelled: Promise<void>;
  /** Sends a table (its batches as they are); the schema goes first, once. */
  readonly send: (table: Table) => void;
}

/** An error with a gRPC status, for answers to throw. */
export class FlightError extends Error {
  readonly code: status;

  constructor(code: status, message: string) {
    super(message);
    this.code = code;
  }
}

/**
 * A Flight server whose answers a test writes itself: for what a real database cannot be made to do on demand.
 * An answer that throws a FlightError ends the call with its status; `close` drops every connection.
 */
export async function startFlightServer(answer: (call: FlightCall) => Promise<void>) {
  const server = new Server();
  server.addService(
    {
      doGet: {
        path: '/arrow.flight.protocol.FlightService/DoGet',
        requestStream: false,
        responseStream: true,
        requestSerialize: (bytes: Buffer) => bytes,
        requestDeserialize: ticketFromBytes,
        responseSerialize: (bytes: Buffer) => bytes,
        responseDeserialize: (bytes: Buffer) => bytes,
      },
    },
    {
      doGet: (call: ServerWritableStream<Ticket, Buffer>) => {
        let isFirst = true;
        const flight: FlightCall = {
          ticket: call.request,
          metadata: call.metadata,
          isCancelled: () => call.cancelled,
          cancelled: new Promise((resolve) => call.on('cancelled', () => resolve())),
          send: (table) => {
            for (const message of flightMessages(table, isFirst)) call.write(message);
            isFirst = false;
          },
        };
        answer(flight).then(
          () => call.end(),
          (error: unknown) => call.emit('error', error),
        );
      },
    },
  );
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
  return { url: `http://127.0.0.1:${port}`, close: () => server.forceShutdown() };
}

/** Ticket is `{ bytes ticket = 1 }`; its bytes are JSON. */
function ticketFromBytes(bytes: Buffer): Ticket {
  let at = 1;
  while ((bytes[at] ?? 0) >= 0x80) at++;
  return JSON.parse(bytes.toString('utf8', at + 1));
}

/** FlightData: data_header = 2, data_body = 1000; one for each message of Arrow's stream format. */
function* flightMessages(table: Table, withSchema: boolean): Generator<Buffer> {
  const stream = Buffer.from(tableToIPC(table, 'stream'));
  let at = 0;
  for (let index = 0; at + 8 <= stream.length; index++) {
    const headerBytes = stream.readInt32LE(at + 4); // after the continuation marker
    if (headerBytes === 0) return;
    const header = stream.subarray(at + 8, at + 8 + headerBytes);
    const bodyBytes = Number(Message.decode(header).bodyLength);
    const body = stream.subarray(at + 8 + headerBytes, at + 8 + headerBytes + bodyBytes);
    if (index > 0 || withSchema) {
      yield Buffer.concat([lengthPrefixed([0x12], header), lengthPrefixed([0xc2, 0x3e], body)]);
    }
    at += 8 + headerBytes + bodyBytes;
  }
}

function lengthPrefixed(key: readonly number[], bytes: Uint8Array): Buffer {
  const varint: number[] = [];
  let rest = bytes.length;
  for (; rest >= 0x80; rest >>>= 7) varint.push((rest & 0x7f) | 0x80);
  varint.push(rest);
  return Buffer.concat([Buffer.from([...key, ...varint]), bytes]);
}
