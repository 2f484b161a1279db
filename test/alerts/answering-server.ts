import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';

/** What a server got. */
export interface Received {
  readonly method: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface AnsweringServer {
  /** Address with a path that looks like a secret. */
  readonly url: string;
  readonly received: readonly Received[];
  readonly close: () => Promise<void>;
}

/** The parts of an address that must never be seen. */
export const SECRET_PATH = '/services/T0SECRET1/B0SECRET2/tokenSECRET3';

/** A real server on a free port of 127.0.0.1 that gives the same answer to each POST, once it was read. */
export async function startServer(
  answer: (response: ServerResponse, request: IncomingMessage) => void,
): Promise<AnsweringServer> {
  const received: Received[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks).toString('utf8');
      received.push({ method: request.method ?? '', headers: request.headers, body });
      answer(response, request);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('Expected a TCP address');
  return {
    url: `http://127.0.0.1:${address.port}${SECRET_PATH}`,
    received,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
