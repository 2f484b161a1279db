import type { Server as HttpServer } from 'node:http';
import { createServer, type Server as NetServer, type Socket } from 'node:net';
import { type Server as GrpcServer, ServerCredentials } from '@grpc/grpc-js';
import { HalfspaceError } from '../../contract/failures.js';
import { createFlightService } from './flight-service.js';
import { createHttpService, type Log } from './http-service.js';
import { Store } from './store.js';

export interface StandInOptions {
  /** Address to listen on. Default 127.0.0.1: this machine only. */
  readonly host?: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** Folder of the data; null keeps it in memory. */
  readonly dataDir: string | null;
  /** Token that writes and queries must carry; null lets everyone in. */
  readonly token: string | null;
  readonly log?: Log;
}

export interface StandIn {
  /** For the `host` of the InfluxDB 3 client. */
  readonly url: string;
  readonly port: number;
  /** Stops listening, ends what is under way, and closes the data. */
  close(): Promise<void>;
}

const HTTP2_PREFACE = 'PRI '; // first bytes of every HTTP 2 connection; no HTTP 1.1 method starts so

/**
 * Starts a server that the official InfluxDB 3 client and Telegraf's influxdb_v2 output can talk to: line protocol in,
 * SQL or InfluxQL out, over HTTP 1.1 and gRPC on one port, with DuckDB inside. For demos, tests and a laptop; it is not InfluxDB.
 * @throws HalfspaceError `BadSettings` when the port is taken or the data folder cannot be used.
 */
export async function startStandIn(options: StandInOptions): Promise<StandIn> {
  const { host = '127.0.0.1', port, dataDir, token, log = () => undefined } = options;
  const store = await Store.open(dataDir);
  const http = createHttpService(store, token, log);
  const flight = createFlightService(store, token, log);
  const injector = flight.createConnectionInjector(ServerCredentials.createInsecure());
  const sockets = new Set<Socket>();
  const net = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => socket.destroy()); // a client that goes away is no event
    routeByPreface(socket, (isHttp2) => {
      if (isHttp2) injector.injectConnection(socket);
      else http.emit('connection', socket);
    });
  });
  try {
    await listen(net, host, port);
  } catch (error) {
    flight.forceShutdown();
    await store.close();
    throw error;
  }
  const address = net.address();
  const bound = address !== null && typeof address === 'object' ? address.port : port;
  const shown = host.includes(':') ? `[${host}]` : host;
  let closing: Promise<void> | null = null;
  return {
    url: `http://${shown}:${bound}`,
    port: bound,
    close: () => {
      closing ??= closeAll(net, http, flight, sockets, store);
      return closing;
    },
  };
}

/** Looks at a connection's first bytes and puts them back. */
function routeByPreface(socket: Socket, route: (isHttp2: boolean) => void): void {
  let seen = Buffer.alloc(0);
  const look = (data: Buffer) => {
    seen = Buffer.concat([seen, data]);
    const start = seen.toString('latin1', 0, HTTP2_PREFACE.length);
    if (start.length < HTTP2_PREFACE.length && HTTP2_PREFACE.startsWith(start)) return; // too few to tell
    socket.off('data', look);
    socket.pause();
    socket.unshift(seen);
    const isHttp2 = start === HTTP2_PREFACE;
    route(isHttp2);
    if (!isHttp2) socket.resume(); // an HTTP 2 session reads the socket by itself
  };
  socket.on('data', look);
}

function listen(net: NetServer, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    net.once('error', (error: NodeJS.ErrnoException) => {
      const remedy =
        error.code === 'EADDRINUSE'
          ? `port ${port} on ${host} is in use. Stop what listens there, or choose another port (0 takes a free one)`
          : `cannot listen on ${host}:${port}: ${error.message}. Choose another address or port`;
      reject(new HalfspaceError('BadSettings', `InfluxDB stand-in: ${remedy}.`, { cause: error }));
    });
    net.listen(port, host, resolve);
  });
}

async function closeAll(
  net: NetServer,
  http: HttpServer,
  flight: GrpcServer,
  sockets: ReadonlySet<Socket>,
  store: Store,
): Promise<void> {
  const closed = new Promise((resolve) => net.close(resolve));
  http.closeAllConnections();
  flight.forceShutdown();
  for (const socket of sockets) socket.destroy();
  await closed;
  await store.close();
}
