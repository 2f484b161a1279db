import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { HalfspaceError } from '../contract/failures.js';
import { type Answer, type Api, answerTo } from './api.js';
import { Refusal, type RefusalKind } from './refusal.js';

export interface WebServerOptions extends Api {
  /** Address to listen on. */
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** Told of what callers cannot mend, one line a call. */
  readonly log: (line: string) => void;
}

export interface WebServer {
  /** With the port it has. */
  readonly url: string;
  /** Takes no more requests and lets those under way finish, for 10 s at most. */
  close(): Promise<void>;
}

/** Requests are small; a caller that takes longer to send one is none. */
const REQUEST_WITHIN_MS = 10_000;

/** How often connections are looked at for that; Node's own half minute would come on top. */
const LOOK_EVERY_MS = 1000;

/** Longer than Temporal is waited for. */
const DRAIN_MS = 10_000;

/** @throws HalfspaceError `ServerFault` when it cannot listen there. */
export async function startWebServer({ host, port, log, ...api }: WebServerOptions): Promise<WebServer> {
  const server = createServer(
    { requestTimeout: REQUEST_WITHIN_MS, connectionsCheckingInterval: LOOK_EVERY_MS },
    (request, response) => {
      void respond(server, request, response, api, log);
    },
  );
  try {
    server.listen(port, host);
    await once(server, 'listening');
  } catch (error) {
    throw cannotListen(error, host, port);
  }
  const address = server.address();
  const bound = address !== null && typeof address === 'object' ? address.port : port;
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${bound}`,
    close: async () => {
      const closed = once(server, 'close');
      server.close();
      const force = setTimeout(() => server.closeAllConnections(), DRAIN_MS);
      await closed;
      clearTimeout(force);
    },
  };
}

async function respond(
  server: Server,
  request: IncomingMessage,
  response: ServerResponse,
  api: Api,
  log: (line: string) => void,
): Promise<void> {
  // Who went away in the middle of a request is owed no answer, and nobody's mistake.
  const refuse = (error: unknown) => (request.socket.destroyed ? null : refused(error, log));
  const answer = await answerTo(request, api).catch(refuse);
  if (answer === null) return;
  const { status, body, headers = {} } = answer;
  response.writeHead(status, {
    'content-type': 'application/json; charset=utf-8',
    'cache-control': 'no-store',
    ...(server.listening ? {} : { connection: 'close' }),
    ...headers,
  });
  response.end(`${JSON.stringify(body)}\n`);
}

function refused(error: unknown, log: (line: string) => void): Answer {
  if (error instanceof Refusal) return errorAnswer(error.status, error.kind, error.message, error.headers);
  const message = error instanceof Error ? error.message : String(error);
  log(message);
  // What the caller asked for was right: Temporal is away, or this server's own settings do not reach it.
  if (error instanceof HalfspaceError) return errorAnswer(503, error.kind, message);
  return errorAnswer(500, 'Unexpected', 'Something went wrong here; the log of the server says what');
}

function errorAnswer(
  status: number,
  kind: RefusalKind,
  message: string,
  headers: Readonly<Record<string, string>> = {},
): Answer {
  return { status, body: { error: { kind, message } }, headers };
}

function cannotListen(error: unknown, host: string, port: number): HalfspaceError {
  const code = error instanceof Error && 'code' in error ? error.code : null;
  const message =
    code === 'EADDRINUSE'
      ? `Port ${port} on ${host} is in use. End what listens there, or choose another with --port (0 takes a free one).`
      : `Cannot listen on port ${port} of ${host} (${String(code)}); choose others with --port and --host.`;
  return new HalfspaceError('ServerFault', message, { cause: error });
}
