/** As much of an answer's body as is ever read: it only serves error messages. */
const BODY_LENGTH = 4096;

/** One POST whose end the caller controls. */
export interface Bounds {
  readonly signal: AbortSignal;
  readonly timeoutMs: number;
}

/** An answer whose body was read already, cut after 4 kB; that of an answer that is ok is not read, it is ''. */
export interface BriefAnswer {
  readonly ok: boolean;
  readonly status: number;
  readonly statusText: string;
  readonly headers: Headers;
  readonly body: string;
}

export interface PostRequest {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/**
 * The server's answer, redirects included (a redirected POST would hand its headers to another host). Rejects as fetch
 * does; when the time is up with a `TimeoutError`, when the caller's signal aborts with the signal's reason.
 */
export async function postBounded(request: PostRequest, bounds: Bounds): Promise<BriefAnswer> {
  // Not AbortSignal.any with AbortSignal.timeout: nothing holds that one, so a garbage collection takes its time-out away.
  const end = new AbortController();
  const timer = setTimeout(() => end.abort(new DOMException('No answer in time', 'TimeoutError')), bounds.timeoutMs);
  const stop = (): void => end.abort(bounds.signal.reason);
  bounds.signal.addEventListener('abort', stop, { once: true });
  if (bounds.signal.aborted) stop();
  try {
    return await post(request, end.signal);
  } finally {
    clearTimeout(timer);
    bounds.signal.removeEventListener('abort', stop);
  }
}

async function post(request: PostRequest, signal: AbortSignal): Promise<BriefAnswer> {
  const response = await fetch(request.url, {
    method: 'POST',
    headers: { ...request.headers },
    body: request.body,
    redirect: 'manual',
    signal,
  });
  const { ok, status, statusText, headers } = response;
  // What is taken is taken: a server that never ends its answer would be told again and again.
  const body = ok ? await unread(response) : await readBriefly(response);
  return { ok, status, statusText, headers, body };
}

async function unread(response: Response): Promise<''> {
  // Its connection may be broken by now, which takes nothing back.
  await response.body?.cancel().catch(() => {});
  return '';
}

async function readBriefly(response: Response): Promise<string> {
  if (response.body === null) return '';
  const decoder = new TextDecoder();
  let text = '';
  // Leaving the loop cancels the stream and with it the connection.
  for await (const chunk of response.body) {
    text += decoder.decode(chunk, { stream: true });
    if (text.length >= BODY_LENGTH) break;
  }
  return text.slice(0, BODY_LENGTH);
}
