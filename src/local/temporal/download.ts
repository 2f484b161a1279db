import { HalfspaceError } from '../../contract/failures.js';

/** The part of the global `fetch` that downloads need; tests pass their own. */
export type Fetch = (url: URL, init: { readonly signal: AbortSignal }) => Promise<Response>;

export interface DownloadOptions {
  readonly fetch: Fetch;
  /** Longest wait for the response's headers, redirects included. */
  readonly answerTimeoutMs: number;
  /** Longest pause between two pieces of the body. */
  readonly stallTimeoutMs: number;
  readonly signal?: AbortSignal | undefined;
  /** Called for each piece that arrives; `total` is null when the server does not say. */
  readonly onBytes?: (received: number, total: number | null) => void;
}

export interface Download {
  readonly bytes: Uint8Array;
  /** Where the answer came from after redirects. */
  readonly url: string;
}

/**
 * The whole body behind `url`, in memory.
 * @throws HalfspaceError `Unreachable`, `TimedOut`, or `ServerFault` for a status other than 2xx; a caller's abort reason as it is.
 */
export async function download(url: URL, options: DownloadOptions): Promise<Download> {
  const { answerTimeoutMs, stallTimeoutMs, signal, onBytes } = options;
  const watch = new AbortController();
  const stop = (): void => watch.abort(signal?.reason);
  signal?.throwIfAborted();
  signal?.addEventListener('abort', stop, { once: true });
  let timer: NodeJS.Timeout | undefined;
  const expect = (what: string, timeoutMs: number): void => {
    clearTimeout(timer);
    const late = new HalfspaceError('TimedOut', `${url.host}: no ${what} within ${timeoutMs / 1000} s`);
    timer = setTimeout(() => watch.abort(late), timeoutMs);
  };
  try {
    expect('answer', answerTimeoutMs);
    const response = await options.fetch(url, { signal: watch.signal });
    if (!response.ok) {
      await response.body?.cancel();
      throw new HalfspaceError('ServerFault', `${url.host}: answered ${response.status} to ${url.pathname}`);
    }
    const length = Number(response.headers.get('content-length'));
    const total = Number.isInteger(length) && length > 0 ? length : null;
    const pieces: Uint8Array[] = [];
    let received = 0;
    expect('data', stallTimeoutMs);
    for await (const piece of response.body ?? []) {
      expect('data', stallTimeoutMs);
      pieces.push(piece);
      received += piece.byteLength;
      onBytes?.(received, total);
    }
    return { bytes: Buffer.concat(pieces, received), url: response.url === '' ? url.href : response.url };
  } catch (error) {
    if (signal?.aborted === true) throw signal.reason;
    // fetch wraps an abort in an error of its own when it strikes in the middle of the body
    if (watch.signal.aborted) throw watch.signal.reason;
    if (error instanceof HalfspaceError) throw error;
    throw new HalfspaceError('Unreachable', `${url.host}: ${rootMessage(error)}`, { cause: error });
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', stop);
  }
}

/** fetch says only "fetch failed"; the reason sits in `cause`. */
function rootMessage(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.cause instanceof Error) return rootMessage(error.cause);
  if (error.message !== '') return error.message;
  return 'code' in error ? String(error.code) : error.name;
}
