import { createServer, type Server } from 'node:net';

/** A TCP port that was free on `host` a moment ago; another process may take it before it is used, so be ready to ask again. */
export async function findFreePort(host: string): Promise<number> {
  const probe = await listen(host, 0);
  const address = probe.address();
  await close(probe);
  if (address === null || typeof address === 'string') throw new Error(`Found no free port on ${host}`);
  return address.port;
}

/** True when nothing listens on the port at this moment; errors other than "in use" are thrown. */
export async function isPortFree(host: string, port: number): Promise<boolean> {
  try {
    await close(await listen(host, port));
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EADDRINUSE') return false;
    throw error;
  }
}

function listen(host: string, port: number): Promise<Server> {
  const server = createServer();
  return new Promise((listening, failed) => {
    server.once('error', failed);
    server.listen(port, host, () => listening(server));
  });
}

function close(server: Server): Promise<unknown> {
  return new Promise((closed) => server.close(closed));
}
