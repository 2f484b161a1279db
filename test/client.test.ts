import { createServer as createHttpServer } from 'node:http';
import { createServer as createHttp2Server } from 'node:http2';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { connectTemporal, temporalTarget } from '../src/client.js';
import { HalfspaceError } from '../src/contract/failures.js';
import { grpcCause, temporalFailure } from '../src/temporal-failures.js';

const open: Server[] = [];

afterEach(async () => {
  vi.unstubAllEnvs();
  await Promise.all(open.splice(0).map((server) => new Promise((resolve) => server.close(resolve))));
});

async function listen(server: Server): Promise<string> {
  open.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** A server that answers every call with one gRPC status. */
async function answering(code: number, message: string, seen: string[] = []): Promise<string> {
  const server = createHttp2Server();
  server.on('stream', (stream, headers) => {
    seen.push(String(headers[':path']));
    stream.respond(
      { ':status': 200, 'content-type': 'application/grpc', 'grpc-status': code, 'grpc-message': message },
      { endStream: true },
    );
  });
  return listen(server);
}

async function failureOf(connecting: Promise<unknown>): Promise<HalfspaceError> {
  const error = await failureOfAny(connecting);
  if (error instanceof HalfspaceError) return error;
  throw new Error(`Expected a HalfspaceError, got ${String(error)}`);
}

describe('connecting to Temporal', () => {
  it('says at once that nobody listens, and why it thinks so', async () => {
    const address = await listen(createServer());
    await new Promise((resolve) => open.pop()?.close(resolve));
    const startedAt = Date.now();
    const failure = await failureOf(connectTemporal({ embedded: address }));
    expect(Date.now() - startedAt).toBeLessThan(2000);
    expect(failure.kind).toBe('Unreachable');
    expect(failure.message).toMatch(
      new RegExp(`^No Temporal server answers at ${address} \\(connect ECONNREFUSED ${address}\\); start one .*$`),
    );
  });

  it('never quotes an API key that no header can carry', async () => {
    vi.stubEnv('TEMPORAL_API_KEY', 'first-half\nsecond-half');
    const failure = await failureOf(connectTemporal());
    expect(failure.kind).toBe('BadSettings');
    expect(failure.message).toContain('TEMPORAL_API_KEY');
    expect(failure.message).not.toMatch(/-half/);
  });

  it('does not call a server absent that speaks no TLS', async () => {
    vi.stubEnv('TEMPORAL_ADDRESS', await listen(createHttpServer()));
    vi.stubEnv('TEMPORAL_TLS', 'true');
    const failure = await failureOf(connectTemporal());
    expect(failure.message).toMatch(
      /^No way to talk to Temporal at \S+ \(TLS: wrong version number\); check .*TEMPORAL_TLS/,
    );
  });

  it('names a namespace that the server does not have and how to make it', async () => {
    const seen: string[] = [];
    const address = await answering(5, 'Namespace plant is not found.', seen);
    vi.stubEnv('TEMPORAL_ADDRESS', address);
    vi.stubEnv('TEMPORAL_NAMESPACE', 'plant');
    const failure = await failureOf(connectTemporal());
    expect(failure.kind).toBe('BadSettings');
    expect(failure.message).toBe(
      `The Temporal server at ${address} has no namespace \`plant\`; make it (\`temporal operator namespace create --address ${address} --namespace plant\`) or set TEMPORAL_NAMESPACE to one it has`,
    );
    expect(seen).toEqual(['/temporal.api.workflowservice.v1.WorkflowService/DescribeNamespace']);
  });

  it.each([16, 7])('passes on why the server lets nobody in (status %s)', async (code) => {
    const failure = await failureOf(connectTemporal({ embedded: await answering(code, 'Request unauthorized.') }));
    expect(failure.kind).toBe('BadCredentials');
    expect(failure.message).toMatch(
      /does not let us into the namespace `default` \(Request unauthorized\); check TEMPORAL_API_KEY/,
    );
  });

  it.each([
    [
      'TEMPORAL_ADDRESS',
      '127.0.0.1:99999',
      'Expected TEMPORAL_ADDRESS to be host:port, a port in 1..65535, got `127.0.0.1:99999`',
    ],
    [
      'TEMPORAL_TLS_CLIENT_CERT_PATH',
      '/nope',
      'TEMPORAL_TLS_CLIENT_CERT_PATH names /nope, which does not exist; correct it or leave it out',
    ],
  ])('refuses a wrong %s by its name', (variable, value, message) => {
    vi.stubEnv(variable, value);
    expect(() => temporalTarget()).toThrow(expect.objectContaining({ kind: 'BadSettings', message }));
  });

  it('refuses a TEMPORAL_TLS that is neither on nor off, where Temporal itself would turn TLS off', () => {
    for (const wrong of ['perhaps', 'TRUE', 'yes']) {
      vi.stubEnv('TEMPORAL_TLS', wrong);
      const wanted = { kind: 'BadSettings', message: `Expected TEMPORAL_TLS to be true or false, got \`${wrong}\`` };
      expect(() => temporalTarget()).toThrow(expect.objectContaining(wanted));
    }
    vi.stubEnv('TEMPORAL_TLS', 'true');
    expect(temporalTarget().connectionOptions.tls).toBeTruthy();
  });

  it('names a configuration file that does not exist', async () => {
    vi.stubEnv('TEMPORAL_CONFIG_FILE', '/nowhere/temporal.toml');
    const failure = await failureOf(connectTemporal());
    expect(failure).toMatchObject({
      kind: 'BadSettings',
      message: 'TEMPORAL_CONFIG_FILE names /nowhere/temporal.toml, which does not exist; correct it or leave it out',
    });
  });

  it('keeps an API key to itself that no header can hold', async () => {
    vi.stubEnv('TEMPORAL_ADDRESS', '127.0.0.1:1');
    vi.stubEnv('TEMPORAL_TLS', 'false');
    vi.stubEnv('TEMPORAL_API_KEY', 'geheim\u0001');
    const failure = await failureOf(connectTemporal());
    expect(failure.kind).toBe('BadSettings');
    expect(failure.message).not.toContain('geheim');
    expect(failure.message.split('\n')).toHaveLength(1);
  });
});

describe('the reason of a failed call', () => {
  const grpcError = (code: number, details: string) =>
    Object.assign(new Error(details), { code, details, metadata: {} });

  it.each([
    [
      'No connection established. Last error: Error: self-signed certificate. Resolution note: ',
      'self-signed certificate',
    ],
    [
      'No connection established. Last error: Failed to connect (2026-11-23T12:08:01.601Z). Resolution note: ',
      'Failed to connect',
    ],
    [
      'Name resolution failed for target dns:nowhere.invalid:7233',
      'Name resolution failed for target dns:nowhere.invalid:7233',
    ],
    [`${'long '.repeat(100)}`, `${'long '.repeat(40)}…`],
  ])('%s is told as %s', (details, text) => {
    expect(grpcCause(new Error('outer', { cause: grpcError(14, details) }))).toEqual({ code: 14, text });
  });

  it('is one of the connection when a name is not known', () => {
    const failure = temporalFailure(
      { address: 'a:1', namespace: 'n' },
      grpcError(14, 'Name resolution failed for target dns:a:1'),
    );
    expect(failure.message).toMatch(/^No Temporal server answers at a:1 \(Name resolution failed/);
  });
});

describe('closing a connection', () => {
  it('ends the calls that were to be tried again, and throws nowhere', async () => {
    const tries: string[] = [];
    const server = createHttp2Server();
    const retried = new Promise<void>((resolve) => {
      server.on('stream', (stream, headers) => {
        const path = String(headers[':path']);
        const isQuery = path.endsWith('/QueryWorkflow');
        stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
        stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': isQuery ? 14 : 0 }));
        // An empty message: no compression, no bytes.
        stream.end(isQuery ? undefined : Buffer.alloc(5));
        if (!isQuery) return;
        tries.push(path);
        if (tries.length === 2) resolve();
      });
    });
    const temporal = await connectTemporal({ embedded: await listen(server) });
    const query = failureOfAny(temporal.client.workflow.getHandle('w').query('q'));
    await retried;
    // Once this is answered the second try has been, and the third one waits for its time.
    await temporal.client.workflowService.describeNamespace({ namespace: 'n' });
    await temporal.close();
    expect(grpcCause(await query)).toMatchObject({ code: 1 });
    expect(tries).toHaveLength(2);
  });
});

async function failureOfAny(calling: Promise<unknown>): Promise<unknown> {
  return calling.then(
    () => null,
    (reason: unknown) => reason,
  );
}
