import { Metadata, Server, type ServerWritableStream, type ServiceDefinition, status } from '@grpc/grpc-js';
import { z } from 'zod';
import type { FlightMessage } from './arrow-stream.js';
import { ticketFromWire, wireFromFlightData } from './flight-wire.js';
import { isAuthorised, type Log } from './http-service.js';
import { QueryError, queryErrorFrom } from './query-error.js';
import { type QueryRequest, runQuery } from './run-query.js';
import type { Store } from './store.js';

const MAX_REQUEST_BYTES = 16 * 1024 * 1024;

const FLIGHT: ServiceDefinition = {
  DoGet: {
    path: '/arrow.flight.protocol.FlightService/DoGet',
    requestStream: false,
    responseStream: true,
    requestSerialize: (ticket: Buffer) => ticket,
    requestDeserialize: ticketFromWire,
    responseSerialize: wireFromFlightData,
    responseDeserialize: (message: Buffer) => message,
  },
};

const TICKET = z.object({
  database: z.string(),
  sql_query: z.string(),
  query_type: z.string().default('sql'),
  params: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).nullish(),
});

type Call = ServerWritableStream<Buffer, FlightMessage>;

/** The gRPC half of the stand-in: Flight's DoGet, nothing else. It does not listen by itself. */
export function createFlightService(store: Store, token: string | null, log: Log): Server {
  const server = new Server({ 'grpc.max_receive_message_length': MAX_REQUEST_BYTES });
  server.addService(FLIGHT, {
    DoGet: (call: Call) => {
      answer(store, token, call).catch((error: unknown) => {
        const { code, message, cause } = queryErrorFrom(error);
        if (code === status.INTERNAL && cause !== undefined) log('stand-in: query failed', { error: message });
        call.emit('error', { code, details: message, metadata: new Metadata() });
      });
    },
  });
  return server;
}

async function answer(store: Store, token: string | null, call: Call): Promise<void> {
  const cancelled = new AbortController();
  const cancel = () => cancelled.abort();
  call.on('cancelled', cancel); // by the client, its deadline or its going away
  if (call.cancelled) cancel();
  const authorization = call.metadata.get('authorization')[0];
  if (!isAuthorised(token, authorization?.toString())) throw new QueryError(status.UNAUTHENTICATED, 'Unauthenticated');
  const { database, sql_query: text, query_type: type, params } = parseTicket(call.request);
  const request = { database, language: languageOf(type), text, parameters: params ?? {} };
  store.closing.addEventListener('abort', cancel);
  try {
    for await (const message of runQuery(store, request, cancelled.signal)) {
      if (!call.write(message)) await drained(call, cancelled.signal);
    }
  } finally {
    store.closing.removeEventListener('abort', cancel);
  }
  call.end();
}

function languageOf(type: string): QueryRequest['language'] {
  if (type === 'sql' || type === 'influxql') return type;
  const reason = `query type '${type}' is not understood by the InfluxDB stand-in: use sql or influxql`;
  throw new QueryError(status.INVALID_ARGUMENT, reason);
}

/** Waits until the client has taken what was sent, or is gone. */
function drained(call: Call, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      call.off('drain', done);
      signal.removeEventListener('abort', done);
      resolve();
    };
    call.on('drain', done);
    signal.addEventListener('abort', done);
    if (signal.aborted) done();
  });
}

function parseTicket(bytes: Buffer): z.infer<typeof TICKET> {
  try {
    return TICKET.parse(JSON.parse(bytes.toString('utf8')));
  } catch (error) {
    throw new QueryError(
      status.INVALID_ARGUMENT,
      'Expected a JSON ticket {"database", "sql_query", "query_type", "params"}',
      error,
    );
  }
}
